// ICMP echo over IPv4 (RFC 792) and IPv6 (RFC 4443).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/drop_reason.h"
#include "wire/ip_packet.h"

namespace onpath {

enum class IcmpKind : uint8_t {
  other,
  echo_request,
  neighbour_solicitation,
  neighbour_advertisement,
  mld_query
};

/// Checks length and checksum of an ICMP or ICMPv6 message and says what it is. Returns bad_control if it is
/// not a good one.
std::optional<DropReason> parse_icmp(const IpPacket& packet, IcmpKind& out);

/// Bytes of the frame that answers an echo request of `packet`.
inline size_t echo_reply_bytes(const IpPacket& packet) {
  return ip_headers_bytes(packet.destination.is_v4(), false) + packet.payload.size();
}
/// The answer to a parsed echo request, from the address that was asked to the one that did: RFC 1122
/// section 3.2.2.6, RFC 4443 section 4.2. Its data is the request's. Returns the frame's bytes.
size_t build_echo_reply(uint8_t* frame, const MacAddress& own_mac, const IpPacket& request);

}  // namespace onpath
