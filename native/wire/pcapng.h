// Blocks of a pcapng file (draft-ietf-opsawg-pcapng), little-endian, times in nanoseconds since the Unix
// epoch. Each function appends one block. Control path: the only part of this room that allocates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wire/address.h"

namespace onpath::pcapng {

using Bytes = std::vector<uint8_t>;

inline constexpr uint16_t kLinkTypeEthernet = 1;
inline constexpr uint16_t kLinkTypeRaw = 101;  // an IPv4 or IPv6 packet, by its version field

struct Interface {
  std::string name;
  std::string description;
  uint16_t link_type = kLinkTypeEthernet;
  uint32_t snap_length = 0;
};

struct Packet {
  uint32_t interface = 0;  // interfaces count from 0 in the order of their blocks
  uint64_t time_ns = 0;
  std::span<const uint8_t> bytes;  // what was captured
  uint32_t length = 0;             // of the whole packet
  uint64_t dropped = 0;            // of this interface, between the packet before and this one
};

struct Statistics {
  uint32_t interface = 0;
  uint64_t start_ns = 0, end_ns = 0;
  uint64_t received = 0, dropped = 0;
};

void add_section_header(Bytes& to, std::string_view application);
void add_interface(Bytes& to, const Interface& interface);
void add_packet(Bytes& to, const Packet& packet);
void add_statistics(Bytes& to, const Statistics& statistics);

/// The most bytes that add_packet() appends, and exactly what add_statistics() does.
constexpr size_t packet_block_bytes(size_t captured) { return 32 + (captured + 3) / 4 * 4 + 8 + 12 + 4; }
inline constexpr size_t kStatisticsBlockBytes = 24 + 4 * 12 + 4;

/// IP and UDP headers for a datagram of which only the payload is known: `headers` of ip_udp_bytes(). The
/// IPv4 header has its checksum, UDP over IPv4 has none; over IPv6 it is computed if `payload` is whole, else
/// it is all ones. An end of the other IP version than the source becomes the unspecified address.
constexpr size_t ip_udp_bytes(bool v4) { return v4 ? 28 : 48; }
void write_ip_udp(uint8_t* headers, const Endpoint& source, const Endpoint& destination,
                  std::span<const uint8_t> payload, uint32_t payload_bytes);

}  // namespace onpath::pcapng
