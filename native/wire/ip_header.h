// Numbers of Ethernet and IP headers, and the checks that every IP packet passes first, whoever reads it
// then.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/big_endian.h"
#include "base/drop_reason.h"
#include "wire/frame.h"

namespace onpath {

inline constexpr size_t kEthernetBytes = 14;
inline constexpr size_t kIpv4Bytes = 20;
inline constexpr size_t kIpv6Bytes = 40;
inline constexpr uint16_t kEtherTypeIpv4 = 0x0800;
inline constexpr uint16_t kEtherTypeIpv6 = 0x86dd;

// IPv6 extension headers, RFC 8200 section 4. Their number is bounded so that a packet cannot buy work.
inline constexpr uint8_t kHeaderHopByHop = 0;
inline constexpr uint8_t kHeaderRouting = 43;
inline constexpr uint8_t kHeaderFragment = 44;
inline constexpr uint8_t kHeaderDestinationOptions = 60;
inline constexpr int kMaxExtensionHeaders = 8;

/// What an IPv4 header says of its own length and the packet's.
struct Ipv4Lengths {
  size_t header_bytes = 0;
  size_t total_bytes = 0;
};

/// Checks an IPv4 packet up to its addresses; a fragment is refused.
inline std::optional<DropReason> check_ipv4_header(std::span<const uint8_t> packet, bool verify_checksum,
                                                   Ipv4Lengths& out) {
  // RFC 791 section 3.1: version 4; IHL counts 32-bit words and is at least 5.
  if (packet.size() < kIpv4Bytes || packet[0] >> 4 != 4) return DropReason::bad_ip_header;
  out.header_bytes = size_t{packet[0] & 0x0fu} * 4;
  if (out.header_bytes < kIpv4Bytes || out.header_bytes > packet.size()) return DropReason::bad_ip_header;

  // RFC 791 section 3.1, Total Length: header and data. The frame may be longer (Ethernet padding), never
  // shorter.
  out.total_bytes = load_be16(&packet[2]);
  if (out.total_bytes < out.header_bytes || out.total_bytes > packet.size()) return DropReason::bad_ip_header;

  // RFC 1122 section 3.2.1.2: a wrong header checksum discards the packet, before any other field is
  // believed.
  if (verify_checksum && checksum_fold(checksum_add(packet.first(out.header_bytes))) != 0) {
    return DropReason::bad_ip_checksum;
  }

  // RFC 791 section 3.1, Flags and Fragment Offset: a whole datagram has More Fragments clear and offset 0.
  if ((load_be16(&packet[6]) & 0x3fff) != 0) return DropReason::ip_fragment;
  return std::nullopt;
}

/// Checks an IPv6 header and reads its addresses. `payload` is what follows it, without Ethernet padding.
inline std::optional<DropReason> check_ipv6_header(std::span<const uint8_t> packet, IpAddress& source,
                                                   IpAddress& destination,
                                                   std::span<const uint8_t>& payload) {
  // RFC 8200 section 3: version 6, 40 octets.
  if (packet.size() < kIpv6Bytes || packet[0] >> 4 != 6) return DropReason::bad_ip_header;

  // RFC 8200 section 3, Payload Length: what follows the header. RFC 2675 section 2: zero announces a
  // jumbogram, which is longer than any frame we take.
  const size_t payload_bytes = load_be16(&packet[4]);
  if (payload_bytes == 0 || payload_bytes > packet.size() - kIpv6Bytes) return DropReason::bad_ip_header;

  std::copy_n(&packet[8], 16, source.bytes.begin());
  std::copy_n(&packet[24], 16, destination.bytes.begin());
  // RFC 4942 section 2.2: IPv4-mapped addresses never appear on the wire. One that did would pass for an IPv4
  // source.
  if (source.is_v4() || destination.is_v4()) return DropReason::bad_ip_header;
  payload = packet.subspan(kIpv6Bytes, payload_bytes);
  return std::nullopt;
}

}  // namespace onpath
