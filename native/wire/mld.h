// MLD: queries and reports of versions 1 (RFC 2710) and 2 (RFC 3810).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/drop_reason.h"
#include "wire/group_message.h"
#include "wire/ip_packet.h"

namespace onpath {

/// A query that passed parse_icmp(). Returns bad_control if a check of RFC 3810 section 6.2 fails.
std::optional<DropReason> parse_mld_query(const IpPacket& packet, GroupQuery& out);

/// Groups that one version 2 report of `max_frame_bytes` holds.
constexpr size_t mld_groups_per_report(size_t max_frame_bytes) {
  return (max_frame_bytes - ip_headers_bytes(false, true) - 8) / 20;
}
/// A version 2 report, to ff02::16. `source` is link-local. Returns the frame's bytes.
size_t build_mld_report(uint8_t* frame, const MacAddress& own_mac, const IpAddress& source,
                        std::span<const IpAddress> groups, Membership membership);

/// What hosts of version 1 say of one group: a report to the group, or that they are done, to all routers.
size_t build_old_mld_message(uint8_t* frame, const MacAddress& own_mac, const IpAddress& source,
                             const IpAddress& group, Membership membership);

}  // namespace onpath
