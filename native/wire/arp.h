// ARP for IPv4 over Ethernet (RFC 826), with the probes and announcements of RFC 5227.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/drop_reason.h"
#include "wire/mac.h"

namespace onpath {

inline constexpr uint16_t kEtherTypeArp = 0x0806;
inline constexpr size_t kArpFrameBytes = 42;

struct ArpPacket {
  bool reply = false;  // else a request
  MacAddress sender_mac{};
  IpAddress sender;
  MacAddress target_mac{};
  IpAddress target;
};

/// `frame` is untagged and of EtherType ARP. Returns bad_control if it is not good ARP for IPv4 over
/// Ethernet.
std::optional<DropReason> parse_arp(std::span<const uint8_t> frame, ArpPacket& out);

/// Writes kArpFrameBytes and returns them. From `packet.sender_mac` to `destination`.
size_t build_arp(uint8_t* frame, const MacAddress& destination, const ArpPacket& packet);

}  // namespace onpath
