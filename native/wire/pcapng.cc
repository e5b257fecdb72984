#include "wire/pcapng.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/big_endian.h"
#include "wire/frame.h"

namespace onpath::pcapng {
namespace {

constexpr uint32_t kSectionHeader = 0x0a0d0d0a, kInterface = 1, kStatistics = 5, kPacket = 6;
constexpr uint16_t kEndOfOptions = 0;

void add16(Bytes& to, uint16_t value) {
  to.push_back(static_cast<uint8_t>(value));
  to.push_back(static_cast<uint8_t>(value >> 8));
}

void add32(Bytes& to, uint32_t value) {
  add16(to, static_cast<uint16_t>(value));
  add16(to, static_cast<uint16_t>(value >> 16));
}

void add64(Bytes& to, uint64_t value) {
  add32(to, static_cast<uint32_t>(value));
  add32(to, static_cast<uint32_t>(value >> 32));
}

/// Times are two words, the upper one first.
void add_time(Bytes& to, uint64_t ns) {
  add32(to, static_cast<uint32_t>(ns >> 32));
  add32(to, static_cast<uint32_t>(ns));
}

void pad(Bytes& to) {
  while (to.size() % 4 != 0) to.push_back(0);
}

/// What `write` appends, with type and length around it. Blocks begin at multiples of four.
template <class Write>
void add_block(Bytes& to, uint32_t type, Write write) {
  const size_t begin = to.size();
  add32(to, type);
  add32(to, 0);
  write();
  const auto length = static_cast<uint32_t>(to.size() - begin + 4);
  add32(to, length);
  std::memcpy(&to[begin + 4], &to[to.size() - 4], 4);
}

void add_option(Bytes& to, uint16_t code, std::string_view text) {
  text = text.substr(0, UINT16_MAX);
  add16(to, code);
  add16(to, static_cast<uint16_t>(text.size()));
  to.insert(to.end(), text.begin(), text.end());
  pad(to);
}

void add_option64(Bytes& to, uint16_t code, uint64_t value) {
  add16(to, code);
  add16(to, 8);
  add64(to, value);
}

void end_options(Bytes& to) { add32(to, kEndOfOptions); }

}  // namespace

void add_section_header(Bytes& to, std::string_view application) {
  add_block(to, kSectionHeader, [&] {
    add32(to, 0x1a2b3c4d);
    add16(to, 1);
    add16(to, 0);
    add64(to, UINT64_MAX);  // the section's length is not known
    add_option(to, 4, application);
    end_options(to);
  });
}

void add_interface(Bytes& to, const Interface& interface) {
  add_block(to, kInterface, [&] {
    add16(to, interface.link_type);
    add16(to, 0);
    add32(to, interface.snap_length);
    add_option(to, 2, interface.name);
    if (!interface.description.empty()) add_option(to, 3, interface.description);
    add_option(to, 9, "\x09");  // if_tsresol: 10^-9 s
    end_options(to);
  });
}

void add_packet(Bytes& to, const Packet& packet) {
  add_block(to, kPacket, [&] {
    add32(to, packet.interface);
    add_time(to, packet.time_ns);
    add32(to, static_cast<uint32_t>(packet.bytes.size()));
    add32(to, packet.length);
    to.insert(to.end(), packet.bytes.begin(), packet.bytes.end());
    pad(to);
    add16(to, 2);  // epb_flags: inbound
    add16(to, 4);
    add32(to, 1);
    if (packet.dropped > 0) add_option64(to, 4, packet.dropped);
    end_options(to);
  });
}

void add_statistics(Bytes& to, const Statistics& statistics) {
  add_block(to, kStatistics, [&] {
    add32(to, statistics.interface);
    add_time(to, statistics.end_ns);
    for (const auto& [code, ns] : {std::pair{2, statistics.start_ns}, std::pair{3, statistics.end_ns}}) {
      add16(to, static_cast<uint16_t>(code));
      add16(to, 8);
      add_time(to, ns);
    }
    add_option64(to, 4, statistics.received);
    add_option64(to, 5, statistics.dropped);
    end_options(to);
  });
}

void write_ip_udp(uint8_t* headers, const Endpoint& source, const Endpoint& destination,
                  std::span<const uint8_t> payload, uint32_t payload_bytes) {
  const bool v4 = source.address.is_v4();
  const size_t ip_bytes = ip_udp_bytes(v4) - 8;
  const size_t skip = v4 ? 12 : 0, width = 16 - skip;  // of an address, what the header has
  const IpAddress none{};
  const IpAddress& to = destination.address.is_v4() == v4 ? destination.address : none;
  std::memset(headers, 0, ip_bytes);
  const auto udp_bytes = static_cast<uint16_t>(std::min<uint32_t>(payload_bytes + 8, UINT16_MAX));
  uint8_t* addresses = headers + (v4 ? 12 : 8);
  std::memcpy(addresses, source.address.bytes.data() + skip, width);
  std::memcpy(addresses + width, to.bytes.data() + skip, width);
  if (v4) {
    headers[0] = 0x45;
    store_be16(headers + 2, static_cast<uint16_t>(std::min<uint32_t>(payload_bytes + 28, UINT16_MAX)));
    headers[8] = 64;
    headers[9] = 17;
    store_be16(headers + 10, checksum_fold(checksum_add({headers, ip_bytes})));
  } else {
    headers[0] = 0x60;
    store_be16(headers + 4, udp_bytes);
    headers[6] = 17;
    headers[7] = 64;
  }
  uint8_t* udp = headers + ip_bytes;
  store_be16(udp, source.port);
  store_be16(udp + 2, destination.port);
  store_be16(udp + 4, udp_bytes);
  store_be16(udp + 6, 0);
  if (v4) return;
  uint16_t checksum = 0;
  if (payload.size() == payload_bytes) {
    // RFC 8200 section 8.1: addresses, length and next header are summed too.
    const uint64_t pseudo = checksum_add({addresses, 2 * width}, uint64_t{udp_bytes} + 17);
    checksum = checksum_fold(checksum_add(payload, checksum_add({udp, 8}, pseudo)));
  }
  store_be16(udp + 6, checksum == 0 ? uint16_t{0xffff} : checksum);
}

}  // namespace onpath::pcapng
