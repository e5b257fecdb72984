#include "wire/mld.h"

#include <cstring>

#include "base/big_endian.h"

namespace onpath {
namespace {

constexpr uint8_t kReportV1 = 131, kDoneV1 = 132, kReportV2 = 143;
constexpr size_t kShortBytes = 24;    // version 1
constexpr size_t kQueryV2Bytes = 28;  // without sources
constexpr uint64_t kMillisecondNs = 1'000'000;

IpAddress link_group(uint8_t last) { return {{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last}}; }

size_t build(uint8_t* frame, IpHeaders headers, size_t message_bytes) {
  headers.destination_mac = multicast_mac(headers.destination);
  headers.protocol = kProtocolIcmpv6;
  // RFC 3810 section 5: hop limit 1 and the Router Alert option.
  headers.hop_limit = 1;
  headers.router_alert = true;
  const size_t bytes = build_ip_headers(frame, headers, message_bytes);
  uint8_t* message = frame + bytes - message_bytes;
  store_be16(message + 2, 0);
  store_be16(message + 2, message_checksum(headers.source, headers.destination, kProtocolIcmpv6,
                                           {message, message_bytes}));
  return bytes;
}

uint8_t* message_of(uint8_t* frame) { return frame + ip_headers_bytes(false, true); }

}  // namespace

std::optional<DropReason> parse_mld_query(const IpPacket& packet, GroupQuery& out) {
  const auto& message = packet.payload;
  // RFC 3810 section 6.2: from a link-local address, hop limit 1, with Router Alert.
  if (!is_link_local_v6(packet.source) || packet.hop_limit != 1 || !packet.router_alert) {
    return DropReason::bad_control;
  }
  // RFC 3810 section 8.1: the version follows from the length; queries of other lengths are silently ignored.
  if (message.size() != kShortBytes && message.size() < kQueryV2Bytes) return DropReason::bad_control;
  out.version = message.size() == kShortBytes ? 1 : 2;
  const uint16_t code = load_be16(&message[4]);
  out.max_response_ns = (out.version == 1 ? code : response_code(code, 16)) * kMillisecondNs;
  // RFC 3810 section 5.1.9: as many sources as are announced.
  if (out.version == 2 && message.size() < kQueryV2Bytes + size_t{load_be16(&message[26])} * 16) {
    return DropReason::bad_control;
  }
  std::memcpy(out.group.bytes.data(), &message[8], 16);
  if (!out.general() && !(is_multicast(out.group) && !out.group.is_v4())) return DropReason::bad_control;
  return std::nullopt;
}

size_t build_mld_report(uint8_t* frame, const MacAddress& own_mac, const IpAddress& source,
                        std::span<const IpAddress> groups, Membership membership) {
  IpHeaders headers;
  headers.source_mac = own_mac;
  headers.source = source;
  headers.destination = link_group(0x16);  // RFC 3810 section 5.2.14
  uint8_t* message = message_of(frame);
  const size_t message_bytes = 8 + 20 * groups.size();
  std::memset(message, 0, message_bytes);
  message[0] = kReportV2;
  store_be16(message + 6, static_cast<uint16_t>(groups.size()));
  for (size_t i = 0; i < groups.size(); ++i) {
    uint8_t* record = message + 8 + 20 * i;
    record[0] = static_cast<uint8_t>(membership);
    std::memcpy(record + 4, groups[i].bytes.data(), 16);
  }
  return build(frame, headers, message_bytes);
}

size_t build_old_mld_message(uint8_t* frame, const MacAddress& own_mac, const IpAddress& source,
                             const IpAddress& group, Membership membership) {
  const bool leaves = membership == Membership::leaves;
  IpHeaders headers;
  headers.source_mac = own_mac;
  headers.source = source;
  headers.destination = leaves ? link_group(2) : group;  // RFC 2710 section 8
  uint8_t* message = message_of(frame);
  std::memset(message, 0, kShortBytes);
  message[0] = leaves ? kDoneV1 : kReportV1;
  std::memcpy(message + 8, group.bytes.data(), 16);
  return build(frame, headers, kShortBytes);
}

}  // namespace onpath
