// What the wire tests share: hexadecimal, heap buffers of exact size, and frames to mutate.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/big_endian.h"
#include "base/drop_reason.h"
#include "wire/address.h"
#include "wire/frame.h"

namespace onpath::wire_testing {

using Octets = std::vector<uint8_t>;

/// Spaces are skipped.
inline Octets from_hex(std::string_view text) {
  Octets bytes;
  int high = -1;
  for (char c : text) {
    if (c == ' ' || c == '\n') continue;
    const int digit = c <= '9' ? c - '0' : c - 'a' + 10;
    if (high < 0) {
      high = digit;
    } else {
      bytes.push_back(static_cast<uint8_t>(high * 16 + digit));
      high = -1;
    }
  }
  return bytes;
}

/// A heap block of exactly these bytes, so that AddressSanitizer sees a read one past the end.
class Exact {
 public:
  explicit Exact(std::span<const uint8_t> bytes) : bytes_(new uint8_t[bytes.size()]), size_(bytes.size()) {
    std::copy(bytes.begin(), bytes.end(), bytes_.get());
  }
  operator std::span<const uint8_t>() const {
    return {bytes_.get(), size_};
  }  // NOLINT(google-explicit-constructor)

 private:
  std::unique_ptr<uint8_t[]> bytes_;
  size_t size_;
};

/// The name of the drop reason, or "taken".
inline std::string outcome(std::optional<DropReason> reason) {
  return reason ? drop_reason_name(*reason) : "taken";
}

inline Octets random_octets(std::mt19937_64& random, size_t count) {
  Octets bytes(count);
  for (uint8_t& b : bytes) b = static_cast<uint8_t>(random());
  return bytes;
}

inline bool lies_inside(std::span<const uint8_t> part, std::span<const uint8_t> whole) {
  return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

/// RFC 1071 as its section 1 states it: 16-bit words, end-around carry, complement.
inline uint16_t reference_checksum(std::span<const uint8_t> bytes) {
  uint32_t sum = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    sum += i % 2 == 0 ? uint32_t{bytes[i]} << 8 : bytes[i];
    if (sum > 0xffff) sum = (sum & 0xffff) + 1;
  }
  return static_cast<uint16_t>(~sum);
}

/// Puts tags {type, VLAN} between the addresses and the type of a frame.
inline Octets with_tags(const Octets& frame, std::span<const std::pair<uint16_t, uint16_t>> tags) {
  Octets tagged(frame.begin(), frame.begin() + 12);
  for (const auto& [type, vlan] : tags) {
    uint8_t tag[4];
    store_be16(tag, type);
    store_be16(tag + 2, vlan);
    tagged.insert(tagged.end(), tag, tag + 4);
  }
  tagged.insert(tagged.end(), frame.begin() + 12, frame.end());
  return tagged;
}

inline Endpoint random_endpoint(std::mt19937_64& random, bool v4) {
  Endpoint endpoint;
  endpoint.port = static_cast<uint16_t>(random());
  if (v4) {
    endpoint.address = IpAddress::v4(static_cast<uint32_t>(random()));
  } else {
    for (uint8_t& b : endpoint.address.bytes) b = static_cast<uint8_t>(random());
    endpoint.address.bytes[0] = 0x20;
  }
  return endpoint;
}

/// A frame by build_frame around `payload`.
inline Octets frame_around(const Octets& payload, const Endpoint& source, const Endpoint& destination) {
  const size_t headers = udp_headers_bytes(source.address.is_v4());
  Octets frame(headers + payload.size());
  std::copy(payload.begin(), payload.end(), frame.begin() + static_cast<ptrdiff_t>(headers));
  build_frame(frame.data(), {2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}, source, destination, payload.size(), 7);
  return frame;
}

}  // namespace onpath::wire_testing
