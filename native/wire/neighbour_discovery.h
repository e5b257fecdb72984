// Neighbour solicitations and advertisements (RFC 4861), the part of it a host with fixed addresses needs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/drop_reason.h"
#include "wire/ip_packet.h"

namespace onpath {

struct NeighbourMessage {
  bool solicited = false;  // advertisements: answers a solicitation
  IpAddress target;
  std::optional<MacAddress>
      link_address;  // source link-layer address of a solicitation, target's of an answer
};

/// Every validity check of RFC 4861 section 7.1.1 or 7.1.2; `packet` passed parse_icmp(). Returns bad_control
/// if one fails.
std::optional<DropReason> parse_neighbour_message(const IpPacket& packet, NeighbourMessage& out);

/// Frame of a solicitation or an advertisement, both with a link-layer address option.
inline constexpr size_t kNeighbourFrameBytes = 14 + 40 + 32;

/// Asks for `target`: everybody in its solicited-node group, or with `known` that one station.
size_t build_neighbour_solicitation(uint8_t* frame, const MacAddress& own_mac, const IpAddress& source,
                                    const IpAddress& target, const MacAddress* known);

/// Says where `target`, an own address, is: to `destination` as an answer, or to all nodes unsolicited (RFC
/// 4861 sections 7.2.4 and 7.2.6).
size_t build_neighbour_advertisement(uint8_t* frame, const MacAddress& own_mac, const IpAddress& target,
                                     const IpAddress& destination, const MacAddress& destination_mac);

/// ff02::1.
IpAddress all_nodes_group();

}  // namespace onpath
