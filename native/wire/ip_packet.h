// IP packets that are not UDP: what ICMP, IGMP and MLD need of the headers, and the headers around their
// messages. Untagged frames only: the port has no VLAN of its own to answer in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/drop_reason.h"
#include "wire/mac.h"

namespace onpath {

inline constexpr uint8_t kProtocolIcmp = 1;
inline constexpr uint8_t kProtocolIgmp = 2;
inline constexpr uint8_t kProtocolIcmpv6 = 58;

struct IpPacket {
  MacAddress source_mac{};
  IpAddress source, destination;
  uint8_t protocol = 0;
  uint8_t hop_limit = 0;
  bool router_alert = false;
  std::span<const uint8_t> payload;  // behind all headers, cut to the length the IP header states
};

/// Checks and takes apart an untagged frame, whatever its protocol. Returns not_ip, bad_ip_header,
/// bad_ip_checksum or ip_fragment; not_udp for an IPv6 extension header that carries no message (ESP and the
/// like).
std::optional<DropReason> parse_ip_packet(std::span<const uint8_t> frame, IpPacket& out);

struct IpHeaders {
  MacAddress source_mac{}, destination_mac{};
  IpAddress source, destination;
  uint8_t protocol = 0;
  uint8_t hop_limit = 64;
  uint8_t traffic_class = 0;
  bool router_alert = false;
};

/// Bytes in front of the message.
constexpr size_t ip_headers_bytes(bool v4, bool router_alert) {
  return 14 + (v4 ? 20 + (router_alert ? 4 : 0) : 40 + (router_alert ? 8 : 0));
}
/// Writes Ethernet and IP headers in front of a message of `payload_bytes`; returns the frame's bytes.
size_t build_ip_headers(uint8_t* frame, const IpHeaders& headers, size_t payload_bytes);

/// Checksum of an ICMP, IGMP or ICMPv6 message; over ICMPv6 the pseudo-header of RFC 8200 section 8.1
/// belongs to it. 0 over a message that includes a right one.
uint16_t message_checksum(const IpAddress& source, const IpAddress& destination, uint8_t protocol,
                          std::span<const uint8_t> message);

}  // namespace onpath
