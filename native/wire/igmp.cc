#include "wire/igmp.h"

#include <algorithm>
#include <cstring>

#include "base/big_endian.h"

namespace onpath {
namespace {

constexpr uint8_t kQuery = 0x11, kReportV1 = 0x12, kReportV2 = 0x16, kLeaveV2 = 0x17, kReportV3 = 0x22;
constexpr size_t kShortBytes = 8;     // versions 1 and 2
constexpr size_t kQueryV3Bytes = 12;  // without sources
constexpr uint64_t kTenthSecondNs = 100'000'000;
constexpr uint8_t kInternetworkControl = 0xc0;  // RFC 3376 section 4: type of service

size_t build(uint8_t* frame, IpHeaders headers, size_t message_bytes) {
  headers.destination_mac = multicast_mac(headers.destination);
  headers.protocol = kProtocolIgmp;
  // RFC 3376 section 4: TTL 1 and the Router Alert option.
  headers.hop_limit = 1;
  headers.router_alert = true;
  headers.traffic_class = kInternetworkControl;
  const size_t bytes = build_ip_headers(frame, headers, message_bytes);
  uint8_t* message = frame + bytes - message_bytes;
  store_be16(message + 2, 0);
  store_be16(message + 2, checksum_fold(checksum_add({message, message_bytes})));
  return bytes;
}

uint8_t* message_of(uint8_t* frame) { return frame + ip_headers_bytes(true, true); }

}  // namespace

std::optional<DropReason> parse_igmp(const IpPacket& packet, bool& is_query, GroupQuery& query) {
  const auto& message = packet.payload;
  is_query = false;
  // RFC 3376 section 4.1.2: the checksum covers the whole IP payload.
  if (message.size() < kShortBytes || checksum_fold(checksum_add(message)) != 0) {
    return DropReason::bad_control;
  }
  if (message[0] != kQuery) return std::nullopt;
  // RFC 3376 section 7.1: the version follows from the length and the Max Resp Code; queries of other lengths
  // are silently ignored.
  const uint8_t code = message[1];
  if (message.size() == kShortBytes) {
    query.version = code == 0 ? 1 : 2;
    // RFC 2236 section 4: version 1 means 10 seconds.
    query.max_response_ns = (code == 0 ? 100 : uint64_t{code}) * kTenthSecondNs;
  } else if (message.size() >= kQueryV3Bytes) {
    query.version = 3;
    query.max_response_ns = response_code(code, 8) * kTenthSecondNs;
    // RFC 3376 section 4.1.8: as many sources as are announced.
    if (message.size() < kQueryV3Bytes + size_t{load_be16(&message[10])} * 4) return DropReason::bad_control;
  } else {
    return DropReason::bad_control;
  }
  const uint32_t group = load_be32(&message[4]);
  query.group = group == 0 ? IpAddress{} : IpAddress::v4(group);
  if (group != 0 && !is_multicast(query.group)) return DropReason::bad_control;
  is_query = true;
  return std::nullopt;
}

size_t build_igmp_report(uint8_t* frame, const MacAddress& own_mac, const IpAddress& source,
                         std::span<const IpAddress> groups, Membership membership) {
  IpHeaders headers;
  headers.source_mac = own_mac;
  headers.source = source;
  headers.destination = IpAddress::v4(0xe0000016);  // RFC 3376 section 4.2.14
  uint8_t* message = message_of(frame);
  const size_t message_bytes = 8 + 8 * groups.size();
  std::memset(message, 0, message_bytes);
  message[0] = kReportV3;
  store_be16(message + 6, static_cast<uint16_t>(groups.size()));
  for (size_t i = 0; i < groups.size(); ++i) {
    uint8_t* record = message + 8 + 8 * i;
    record[0] = static_cast<uint8_t>(membership);
    std::copy_n(groups[i].bytes.begin() + 12, 4, record + 4);
  }
  return build(frame, headers, message_bytes);
}

size_t build_old_igmp_message(uint8_t* frame, const MacAddress& own_mac, const IpAddress& source,
                              const IpAddress& group, Membership membership, uint8_t version) {
  const bool leaves = membership == Membership::leaves;
  if (leaves && version < 2) return 0;
  IpHeaders headers;
  headers.source_mac = own_mac;
  headers.source = source;
  // RFC 2236 section 9: a leave message goes to all routers, a report to the group.
  headers.destination = leaves ? IpAddress::v4(0xe0000002) : group;
  uint8_t* message = message_of(frame);
  message[0] = leaves ? kLeaveV2 : version < 2 ? kReportV1 : kReportV2;
  message[1] = 0;
  std::copy_n(group.bytes.begin() + 12, 4, message + 4);
  return build(frame, headers, kShortBytes);
}

}  // namespace onpath
