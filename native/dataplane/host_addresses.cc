#include "dataplane/host_addresses.h"

#include <algorithm>

#include "wire/neighbour_discovery.h"

namespace onpath {
namespace {

constexpr uint8_t kV4Bits = 96;  // of a mapped address, in front of the IPv4 one

bool uses_v6(const LocalHostConfig& config) {
  const auto v6 = [](const IpAddress& address) { return !address.is_v4(); };
  return std::any_of(config.addresses.begin(), config.addresses.end(),
                     [&](const IpPrefix& own) { return v6(own.address); }) ||
         std::any_of(config.groups.begin(), config.groups.end(), v6);
}

/// RFC 919 section 7: all ones in the host part. Networks of 31 and 32 bits have none (RFC 3021).
std::optional<IpAddress> broadcast_of(const IpPrefix& own) {
  if (!own.address.is_v4() || own.bits > kV4Bits + 30) return std::nullopt;
  IpAddress address = own.address;
  for (unsigned bit = own.bits; bit < 128; ++bit) {
    address.bytes[bit / 8] = static_cast<uint8_t>(address.bytes[bit / 8] | 0x80u >> bit % 8);
  }
  return address;
}

std::string prefix_text(const IpPrefix& prefix) {
  const unsigned bits = prefix.address.is_v4() ? prefix.bits - kV4Bits : prefix.bits;
  return address_text(prefix.address) + "/" + std::to_string(bits);
}

void add_once(std::vector<IpAddress>& to, const IpAddress& address) {
  if (std::find(to.begin(), to.end(), address) == to.end()) to.push_back(address);
}

}  // namespace

HostAddresses::HostAddresses(const LocalHostConfig& config, const MacAddress& mac)
    : mac_(mac), own_(config.addresses), gateways_(config.gateways) {
  if (uses_v6(config)) {
    for (const IpPrefix& own : own_) {
      if (is_link_local_v6(own.address)) link_local_ = own.address;
    }
    if (!link_local_) {
      link_local_ = link_local_of(mac);
      own_.push_back({*link_local_, 64});
    }
  }
  for (const IpPrefix& own : own_) accept(own.address);
  for (const IpAddress& group : config.groups) {
    accept(group);
    add_once(group.is_v4() ? groups_v4_ : groups_v6_, group);
  }
  bool v4 = !groups_v4_.empty();
  for (const IpPrefix& own : own_) {
    v4 = v4 || own.address.is_v4();
    if (const auto broadcast = broadcast_of(own)) broadcasts_.push_back(*broadcast);
    // RFC 4861 section 7.2.1: the solicited-node group of each address is joined, and so reported (RFC 3810).
    if (!own.address.is_v4()) add_once(groups_v6_, solicited_node_group(own.address));
  }
  if (v4) broadcasts_.push_back(limited_broadcast());
  for (const IpAddress& broadcast : broadcasts_) accept(broadcast);
  for (const IpAddress& group : groups_v6_) accept(group);
  // RFC 1112 section 4, RFC 4291 section 2.8: every host is in the group of all of them, and never says so.
  const IpAddress all_v4 = IpAddress::v4(0xe0000001);
  if (v4) accept(all_v4);
  if (link_local_) accept(all_nodes_group());
  std::erase(groups_v4_, all_v4);
  std::erase(groups_v6_, all_nodes_group());
}

void HostAddresses::accept(const IpAddress& address) {
  if (accepts(address)) return;
  Packed packed;
  std::memcpy(packed.halves, address.bytes.data(), 16);
  accepted_.push_back(packed);
}

bool HostAddresses::owns(const IpAddress& address) const {
  return std::any_of(own_.begin(), own_.end(), [&](const IpPrefix& own) { return own.address == address; });
}

bool HostAddresses::is_unicast(const IpAddress& address) const {
  return !is_unspecified(address) && !is_multicast(address) && !is_loopback(address) &&
         address != limited_broadcast() &&
         std::find(broadcasts_.begin(), broadcasts_.end(), address) == broadcasts_.end();
}

const IpAddress* HostAddresses::source_for(const IpAddress& destination) const {
  const bool v4 = destination.is_v4();
  // RFC 6724 section 5, rules 2 and 8, as far as one port needs them: the scope of the destination, then the
  // longest match.
  const bool link_scope = !v4 && (is_link_local_v6(destination) ||
                                  (is_multicast(destination) && (destination.bytes[1] & 15) <= 2));
  if (link_scope) return link_local();
  const IpPrefix* best = nullptr;
  const IpAddress* any = nullptr;
  for (const IpPrefix& own : own_) {
    if (own.address.is_v4() != v4 || is_link_local_v6(own.address)) continue;
    if (any == nullptr) any = &own.address;
    if (own.contains(destination) && (best == nullptr || own.bits > best->bits)) best = &own;
  }
  if (best != nullptr) return &best->address;
  return any != nullptr || v4 ? any : link_local();
}

std::optional<MacAddress> HostAddresses::mapped_mac(const IpAddress& destination) const {
  if (is_multicast(destination)) return multicast_mac(destination);
  if (destination == limited_broadcast() ||
      std::find(broadcasts_.begin(), broadcasts_.end(), destination) != broadcasts_.end()) {
    return kBroadcastMac;
  }
  return std::nullopt;
}

Result<IpAddress> HostAddresses::next_hop(const IpAddress& destination) const {
  const std::string text = address_text(destination);
  const bool v4 = destination.is_v4();
  if (!is_unicast(destination)) {
    return invalid_spec(text + " is no address that packets can be sent to. Give that of another host.");
  }
  if (owns(destination)) {
    return invalid_spec(text +
                        " is the port's own address: nothing comes back by a wire. Give the address of "
                        "another host.");
  }
  for (const IpPrefix& own : own_) {
    if (own.contains(destination)) return destination;
  }
  for (const IpAddress& gateway : gateways_) {
    if (gateway.is_v4() == v4) return gateway;
  }
  return invalid_spec(text + " is in none of the port's networks (" + own_text() + "), and the port has no " +
                      (v4 ? "IPv4" : "IPv6") +
                      " gateway. Give the port an address of that network, or a gateway.");
}

std::string HostAddresses::own_text() const {
  std::string text;
  for (const IpPrefix& own : own_) text += (text.empty() ? "" : ", ") + prefix_text(own);
  return text.empty() ? "no addresses" : text;
}

std::vector<MacAddress> listened_macs(const LocalHostConfig& config, const std::optional<MacAddress>& mac) {
  std::vector<MacAddress> macs;
  const auto add = [&](const IpAddress& group) {
    const MacAddress group_mac = multicast_mac(group);
    if (std::find(macs.begin(), macs.end(), group_mac) == macs.end()) macs.push_back(group_mac);
  };
  if (std::any_of(config.addresses.begin(), config.addresses.end(),
                  [](const IpPrefix& own) { return own.address.is_v4(); })) {
    add(IpAddress::v4(0xe0000001));
  }
  for (const IpAddress& group : config.groups) add(group);
  for (const IpPrefix& own : config.addresses) {
    if (!own.address.is_v4()) add(solicited_node_group(own.address));
  }
  if (uses_v6(config)) {
    add(all_nodes_group());
    if (mac) add(solicited_node_group(link_local_of(*mac)));
  }
  return macs;
}

}  // namespace onpath
