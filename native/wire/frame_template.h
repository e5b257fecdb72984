// build_frame() for packets that all go the same way: what they have in common is written once, and its part
// of the checksums is added once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/big_endian.h"
#include "wire/frame.h"

namespace onpath {

class FrameTemplate {
 public:
  FrameTemplate() = default;
  /// Both endpoints are of one family.
  FrameTemplate(const MacAddress& source_mac, const MacAddress& destination_mac, const Endpoint& source,
                const Endpoint& destination, uint8_t hop_limit, bool checksums_by_nic);

  void set_destination_mac(const MacAddress& mac) { std::memcpy(headers_.data(), mac.data(), mac.size()); }
  size_t headers_bytes() const { return headers_bytes_; }

  /// As build_frame(), but for the payload's checksum, which is known: `sum` is its checksum_add().
  size_t write(uint8_t* frame, size_t payload_bytes, uint64_t sum, uint16_t ip_identification) const {
    return headers_bytes_ == kV4 ? write_as<kV4>(frame, payload_bytes, sum, ip_identification)
                                 : write_as<kV6>(frame, payload_bytes, sum, ip_identification);
  }
  /// Whether the payload's checksum matters.
  bool sums_payload() const { return !checksums_by_nic_; }

 private:
  static constexpr size_t kV4 = udp_headers_bytes(true), kV6 = udp_headers_bytes(false);
  static constexpr size_t kEthernet = 14, kIpv4 = 20, kUdp = 8;

  template <size_t kHeaders>
  size_t write_as(uint8_t* frame, size_t payload_bytes, uint64_t sum, uint16_t ip_identification) const {
    constexpr size_t kCounted = kHeaders == kV4 ? kIpv4 : 0;  // of the IP header, in its length field
    if (payload_bytes > 0xffff - kUdp - kCounted) return 0;
    const uint64_t udp_bytes = kUdp + payload_bytes;
    std::memcpy(frame, headers_.data(), kHeaders);
    uint8_t* ip = frame + kEthernet;
    uint8_t* udp = frame + kHeaders - kUdp;
    if constexpr (kHeaders == kV4) {
      store_be16(ip + 2, static_cast<uint16_t>(kIpv4 + udp_bytes));
      store_be16(ip + 4, ip_identification);
      if (!checksums_by_nic_) store_be16(ip + 10, checksum_fold(ip_sum_ + udp_bytes + ip_identification));
    } else {
      store_be16(ip + 4, static_cast<uint16_t>(udp_bytes));
    }
    store_be16(udp + 4, static_cast<uint16_t>(udp_bytes));
    if (checksums_by_nic_) {
      // Not complemented: the NIC adds the payload.
      store_be16(udp + 6, static_cast<uint16_t>(~checksum_fold(pseudo_sum_ + udp_bytes)));
    } else {
      // The length counts in the pseudo-header and in the header. RFC 768: a computed zero is sent as all
      // ones, for zero means none.
      const uint16_t checksum = checksum_fold(pseudo_sum_ + port_sum_ + 2 * udp_bytes + sum);
      store_be16(udp + 6, checksum == 0 ? uint16_t{0xffff} : checksum);
    }
    return kHeaders + payload_bytes;
  }

  std::array<uint8_t, kV6> headers_{};
  bool checksums_by_nic_ = false;
  size_t headers_bytes_ = 0;
  uint64_t ip_sum_ = 0;      // of an IPv4 header but for what differs
  uint64_t pseudo_sum_ = 0;  // addresses and protocol
  uint64_t port_sum_ = 0;
};

}  // namespace onpath
