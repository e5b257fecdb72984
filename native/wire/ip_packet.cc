#include "wire/ip_packet.h"

#include <algorithm>
#include <cstring>

#include "base/big_endian.h"
#include "wire/ip_header.h"

namespace onpath {
namespace {

using Bytes = std::span<const uint8_t>;

constexpr uint8_t kOptionEnd = 0, kOptionNop = 1, kOptionRouterAlert = 148;  // IPv4, RFC 791 and RFC 2113
constexpr uint8_t kOptionPad1 = 0, kOptionRouterAlertV6 = 5;                 // RFC 8200 and RFC 2711

/// RFC 791 section 3.1, Options: type, length, data; two of them are one octet.
bool find_router_alert_v4(Bytes options, bool& found) {
  for (size_t at = 0; at < options.size() && options[at] != kOptionEnd;) {
    if (options[at] == kOptionNop) {
      ++at;
      continue;
    }
    if (options.size() - at < 2 || options[at + 1] < 2 || options[at + 1] > options.size() - at) return false;
    found = found || options[at] == kOptionRouterAlert;
    at += options[at + 1];
  }
  return true;
}

/// RFC 8200 section 4.2: type, length of the data, data; Pad1 is one octet.
bool find_router_alert_v6(Bytes options, bool& found) {
  for (size_t at = 0; at < options.size();) {
    if (options[at] == kOptionPad1) {
      ++at;
      continue;
    }
    if (options.size() - at < 2 || options[at + 1] > options.size() - at - 2) return false;
    found = found || options[at] == kOptionRouterAlertV6;
    at += size_t{2} + options[at + 1];
  }
  return true;
}

std::optional<DropReason> parse_v4(Bytes packet, IpPacket& out) {
  Ipv4Lengths lengths;
  if (const auto reason = check_ipv4_header(packet, true, lengths)) return reason;
  const auto [header_bytes, total_bytes] = lengths;
  if (!find_router_alert_v4(packet.subspan(kIpv4Bytes, header_bytes - kIpv4Bytes), out.router_alert)) {
    return DropReason::bad_ip_header;
  }
  out.hop_limit = packet[8];
  out.protocol = packet[9];
  out.source = IpAddress::v4(load_be32(&packet[12]));
  out.destination = IpAddress::v4(load_be32(&packet[16]));
  out.payload = packet.subspan(header_bytes, total_bytes - header_bytes);
  return std::nullopt;
}

std::optional<DropReason> parse_v6(Bytes packet, IpPacket& out) {
  Bytes rest;
  if (const auto reason = check_ipv6_header(packet, out.source, out.destination, rest)) return reason;
  out.hop_limit = packet[7];
  uint8_t next_header = packet[6];
  for (int count = 0; next_header == kHeaderHopByHop || next_header == kHeaderDestinationOptions; ++count) {
    const uint8_t type = next_header;
    // RFC 8200 section 4.1: hop-by-hop options stand directly behind the IPv6 header.
    if (count == kMaxExtensionHeaders || (type == kHeaderHopByHop && count > 0))
      return DropReason::bad_ip_header;
    if (rest.size() < 8) return DropReason::bad_ip_header;
    const size_t header_bytes = 8 + size_t{rest[1]} * 8;
    if (header_bytes > rest.size()) return DropReason::bad_ip_header;
    bool alert = false;
    if (!find_router_alert_v6(rest.subspan(2, header_bytes - 2), alert)) return DropReason::bad_ip_header;
    out.router_alert = out.router_alert || (alert && type == kHeaderHopByHop);
    next_header = rest[0];
    rest = rest.subspan(header_bytes);
  }
  // RFC 6980 section 5: neighbour discovery must not be fragmented; nor is anything else answered that is,
  // or that came by a routing header.
  if (next_header == kHeaderFragment) return DropReason::ip_fragment;
  if (next_header == kHeaderRouting) return DropReason::not_udp;
  out.protocol = next_header;
  out.payload = rest;
  return std::nullopt;
}

}  // namespace

std::optional<DropReason> parse_ip_packet(Bytes frame, IpPacket& out) {
  if (frame.size() < kEthernetBytes) return DropReason::bad_ethernet;
  out = {};
  out.source_mac = mac_at(&frame[6]);
  const uint16_t ether_type = load_be16(&frame[12]);
  if (ether_type == kEtherTypeIpv4) return parse_v4(frame.subspan(kEthernetBytes), out);
  if (ether_type == kEtherTypeIpv6) return parse_v6(frame.subspan(kEthernetBytes), out);
  return DropReason::not_ip;
}

size_t build_ip_headers(uint8_t* frame, const IpHeaders& headers, size_t payload_bytes) {
  const bool v4 = headers.destination.is_v4();
  std::copy(headers.destination_mac.begin(), headers.destination_mac.end(), frame);
  std::copy(headers.source_mac.begin(), headers.source_mac.end(), frame + 6);
  store_be16(frame + 12, v4 ? kEtherTypeIpv4 : kEtherTypeIpv6);
  uint8_t* ip = frame + kEthernetBytes;
  const size_t headers_bytes = ip_headers_bytes(v4, headers.router_alert);
  const size_t ip_bytes = headers_bytes - kEthernetBytes;
  if (v4) {
    ip[0] = static_cast<uint8_t>(0x40 | ip_bytes / 4);
    ip[1] = headers.traffic_class;
    store_be16(ip + 2, static_cast<uint16_t>(ip_bytes + payload_bytes));
    // RFC 6864 section 4.1: an identification has no meaning where Don't Fragment is set.
    store_be16(ip + 4, 0);
    store_be16(ip + 6, 0x4000);
    ip[8] = headers.hop_limit;
    ip[9] = headers.protocol;
    store_be16(ip + 10, 0);
    std::memcpy(ip + 12, headers.source.bytes.data() + 12, 4);
    std::memcpy(ip + 16, headers.destination.bytes.data() + 12, 4);
    if (headers.router_alert) store_be32(ip + 20, 0x94040000);  // RFC 2113 section 2.1
    store_be16(ip + 10, checksum_fold(checksum_add({ip, ip_bytes})));
  } else {
    store_be32(ip, 0x60000000u | uint32_t{headers.traffic_class} << 20);
    store_be16(ip + 4, static_cast<uint16_t>(ip_bytes - kIpv6Bytes + payload_bytes));
    ip[6] = headers.router_alert ? kHeaderHopByHop : headers.protocol;
    ip[7] = headers.hop_limit;
    std::memcpy(ip + 8, headers.source.bytes.data(), 16);
    std::memcpy(ip + 24, headers.destination.bytes.data(), 16);
    if (headers.router_alert) {
      // RFC 2711 section 2.1, value 0: MLD; then PadN of two octets.
      const uint8_t hop_by_hop[8] = {headers.protocol, 0, kOptionRouterAlertV6, 2, 0, 0, 1, 0};
      std::memcpy(ip + kIpv6Bytes, hop_by_hop, 8);
    }
  }
  return headers_bytes + payload_bytes;
}

uint16_t message_checksum(const IpAddress& source, const IpAddress& destination, uint8_t protocol,
                          Bytes message) {
  uint64_t sum = 0;
  if (protocol == kProtocolIcmpv6) {
    sum = checksum_add(destination.bytes, checksum_add(source.bytes)) + protocol + message.size();
  }
  return checksum_fold(checksum_add(message, sum));
}

}  // namespace onpath
