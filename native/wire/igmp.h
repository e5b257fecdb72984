// IGMP: queries of versions 1 to 3, reports of all three (RFC 1112 appendix I, RFC 2236, RFC 3376).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/drop_reason.h"
#include "wire/group_message.h"
#include "wire/ip_packet.h"

namespace onpath {

/// Length and checksum. Returns bad_control if they are wrong; `is_query` false: somebody's report, nothing
/// to do.
std::optional<DropReason> parse_igmp(const IpPacket& packet, bool& is_query, GroupQuery& query);

/// Groups that one version 3 report of `max_frame_bytes` holds.
constexpr size_t igmp_groups_per_report(size_t max_frame_bytes) {
  return (max_frame_bytes - ip_headers_bytes(true, true) - 8) / 8;
}
/// A version 3 report, to 224.0.0.22. Returns the frame's bytes.
size_t build_igmp_report(uint8_t* frame, const MacAddress& own_mac, const IpAddress& source,
                         std::span<const IpAddress> groups, Membership membership);

/// What hosts of version 1 or 2 say of one group: a report to the group, or a leave message to all routers.
/// 0: that version has no such message (1 has no leaving).
size_t build_old_igmp_message(uint8_t* frame, const MacAddress& own_mac, const IpAddress& source,
                              const IpAddress& group, Membership membership, uint8_t version);

}  // namespace onpath
