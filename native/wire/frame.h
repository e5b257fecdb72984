// Ethernet frame <-> UDP datagram. Each check names the clause it carries out; a frame leaves by exactly one
// drop reason.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/drop_reason.h"
#include "wire/address.h"

namespace onpath {

using MacAddress = std::array<uint8_t, 6>;

/// A UDP datagram inside a received frame. `payload` points into the frame.
struct Datagram {
  Endpoint source;
  Endpoint destination;
  std::span<const uint8_t> payload;
};

/// What the NIC has already verified, so that software need not.
struct FrameChecks {
  bool ip_checksum = true;   // verify the IPv4 header checksum here
  bool udp_checksum = true;  // verify the UDP checksum here
};

/// Takes up to two VLAN tags, IPv4 (any header length) and IPv6 (hop-by-hop, routing and destination
/// extension headers skipped, at most 8). Ethernet padding after the IP packet is ignored. IPv6 atomic
/// fragments (RFC 6946) are whole packets and taken. Returns the reason if the frame is not a good UDP
/// datagram; then `out` is unspecified.
std::optional<DropReason> parse_frame(std::span<const uint8_t> frame, FrameChecks checks, Datagram& out);

/// Bytes in front of the UDP payload: 14 + 20 + 8 or 14 + 40 + 8.
constexpr size_t udp_headers_bytes(bool v4) { return v4 ? 42 : 62; }

struct FrameOptions {
  uint8_t hop_limit = 64;  // IPv4: TTL
  /// The NIC completes the checksums: the IPv4 one is left zero, the UDP one holds the folded sum of the
  /// pseudo-header, not complemented.
  bool checksums_by_nic = false;
  /// The last bytes of the payload whose folded sum is known already and which are not read again; an even
  /// number of payload bytes stands in front of them.
  size_t summed_bytes = 0;
  uint16_t sum = 0;
};

/// Writes Ethernet, IP and UDP headers in front of `payload_bytes` of payload that the caller has put at
/// frame + udp_headers_bytes(v4), checksums included. Both endpoints are of one family. Returns the frame's
/// bytes, or 0 and writes nothing if the families differ or the payload is longer than one datagram can be
/// (65507 bytes over IPv4, 65527 over IPv6).
size_t build_frame(uint8_t* frame, const MacAddress& source_mac, const MacAddress& destination_mac,
                   const Endpoint& source, const Endpoint& destination, size_t payload_bytes,
                   uint16_t ip_identification, const FrameOptions& options = {});

/// Ones' complement sum of RFC 1071 over bytes of any alignment and length, not folded; add parts, then fold.
/// The sum is one of 16-bit words in network order, so that host-order numbers (a length, a protocol) can
/// simply be added. Every part but the last has an even length.
uint64_t checksum_add(std::span<const uint8_t> bytes, uint64_t sum = 0);

/// The value of the checksum field: the folded sum, complemented. 0 over bytes that include a right checksum.
/// The halves are added crosswise, which carries from the lower into the upper; without a branch, for which
/// way it went could not be foretold.
inline uint16_t checksum_fold(uint64_t sum) {
  const auto half = static_cast<uint32_t>((sum + std::rotl(sum, 32)) >> 32);
  return static_cast<uint16_t>(~((half + std::rotl(half, 16)) >> 16));
}

}  // namespace onpath
