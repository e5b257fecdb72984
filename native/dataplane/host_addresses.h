// What addresses the plane has on one port and what follows from them: which packets are for it, where it
// sends from, and which neighbour a destination is reached by. Made at start, never changed, read by every
// worker.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "dataplane/config.h"
#include "wire/mac.h"

namespace onpath {

class HostAddresses {
 public:
  /// A checked configuration. With any IPv6 in it, the link-local address of the MAC (RFC 4862 section 5.3)
  /// is an own one too, unless the configuration gives another.
  HostAddresses(const LocalHostConfig& config, const MacAddress& mac);

  /// Own addresses, joined groups, broadcast: what a packet may be for.
  bool accepts(const IpAddress& address) const {
    uint64_t wanted[2];
    std::memcpy(wanted, address.bytes.data(), 16);
    for (const Packed& each : accepted_) {
      if (each.halves[0] == wanted[0] && each.halves[1] == wanted[1]) return true;
    }
    return false;
  }
  bool owns(const IpAddress& address) const;
  /// One station's address, as far as we can tell: not unspecified, a group, broadcast or loopback.
  bool is_unicast(const IpAddress& address) const;

  /// The own address that packets to `destination` come from: the one on its link, else the first of its IP
  /// version that is not link-local. Null: none of that version.
  const IpAddress* source_for(const IpAddress& destination) const;
  /// Multicast and broadcast destinations, which need no neighbour.
  std::optional<MacAddress> mapped_mac(const IpAddress& destination) const;
  /// The destination itself if it is on link, else the gateway of its IP version. Errors: INVALID_SPEC.
  Result<IpAddress> next_hop(const IpAddress& destination) const;

  const MacAddress& mac() const { return mac_; }
  /// With the length of their on-link prefixes.
  const std::vector<IpPrefix>& own() const { return own_; }
  /// "10.9.0.2/24, 2001:db8::2/64".
  std::string own_text() const;
  /// Groups to be reported to routers and switches: joined ones and, of IPv6, solicited-node groups.
  const std::vector<IpAddress>& groups_v4() const { return groups_v4_; }
  const std::vector<IpAddress>& groups_v6() const { return groups_v6_; }
  /// Null if the host speaks no IPv6.
  const IpAddress* link_local() const { return link_local_ ? &*link_local_ : nullptr; }

 private:
  struct Packed {
    uint64_t halves[2];
  };
  void accept(const IpAddress& address);

  const MacAddress mac_;
  std::vector<Packed> accepted_;
  std::vector<IpPrefix> own_;
  std::vector<IpAddress> broadcasts_;  // of the own networks, and the limited one
  std::vector<IpAddress> gateways_;
  std::vector<IpAddress> groups_v4_, groups_v6_;
  std::optional<IpAddress> link_local_;
};

/// The MAC addresses of the groups a host of this configuration listens to, for a port that filters by them:
/// ARP needs none (broadcast), neighbour discovery the solicited-node groups. The group of the link-local
/// address is that of the port's own MAC address, which is known once the port is open.
std::vector<MacAddress> listened_macs(const LocalHostConfig& config, const std::optional<MacAddress>& mac);

/// Errors: INVALID_SPEC; the message begins with what the port is called.
Result<void> check_host(const NamedPort& named);

}  // namespace onpath
