// What a port's host may be configured with. Every refusal names the port, the value and what was expected.
#include <algorithm>
#include <string>

#include "dataplane/host_addresses.h"

namespace onpath {
namespace {

constexpr size_t kMostEntries = 256;    // of each list
constexpr uint32_t kLeastBytes = 1294;  // an Ethernet header and the least MTU of IPv6 (RFC 8200 section 5)

class HostCheck {
 public:
  explicit HostCheck(const NamedPort& named) : named_(named), host_(*named.host) {}

  Result<void> check() const {
    if (named_.port->framing != ONPATH_FRAMING_ETHERNET) {
      return invalid(
          "has own addresses, but its packets are datagrams of the kernel, which has addresses of "
          "its own. Leave them out.");
    }
    if (named_.port->max_bytes < kLeastBytes) {
      return invalid("sends frames of at most " + std::to_string(named_.port->max_bytes) +
                     " bytes; a port with own addresses needs " + std::to_string(kLeastBytes) +
                     ". Raise its maxBytes.");
    }
    for (const size_t entries : {host_.addresses.size(), host_.neighbours.size(), host_.groups.size()}) {
      if (entries > kMostEntries) {
        return invalid("has a list of " + std::to_string(entries) +
                       " addresses, neighbours or groups; the most is " + std::to_string(kMostEntries) + ".");
      }
    }
    if (host_.addresses.empty()) return invalid("has gateways, neighbours or groups but no own address.");
    for (const IpPrefix& own : host_.addresses) {
      if (const auto ok = check_own(own); !ok) return ok;
    }
    for (const IpAddress& group : host_.groups) {
      if (!is_multicast(group)) {
        return invalid("joins " + address_text(group) +
                       ", which is no multicast group; expected 224.0.0.0/4 or ff00::/8.");
      }
    }
    if (const auto ok = check_gateways(); !ok) return ok;
    return check_neighbours();
  }

 private:
  Error invalid(const std::string& message) const {
    return {ErrorCode::INVALID_SPEC, "Port \"" + named_.name + "\" " + message};
  }

  Result<void> check_own(const IpPrefix& own) const {
    const IpAddress& address = own.address;
    if (is_unspecified(address) || is_multicast(address) || is_loopback(address) ||
        address == limited_broadcast() || own.bits > 128 || (address.is_v4() && own.bits < 96)) {
      return invalid("has the own address " + address_text(address) +
                     "; expected the address of one host and the length of its network's prefix.");
    }
    LocalHostConfig alone;
    alone.addresses = {own};
    if (HostAddresses(alone, {}).mapped_mac(address)) {
      return invalid("has the own address " + address_text(address) +
                     ", the broadcast address of its network. Give that of one host.");
    }
    return {};
  }

  bool on_link(const IpAddress& address) const {
    return is_link_local_v6(address) ||
           std::any_of(host_.addresses.begin(), host_.addresses.end(),
                       [&](const IpPrefix& own) { return own.contains(address); });
  }

  bool is_other_host(const IpAddress& address) const {
    const HostAddresses addresses(host_, {});
    return addresses.is_unicast(address) && !addresses.owns(address) && on_link(address);
  }

  Result<void> check_gateways() const {
    for (size_t i = 0; i < host_.gateways.size(); ++i) {
      const IpAddress& gateway = host_.gateways[i];
      if (!is_other_host(gateway)) {
        return invalid("has the gateway " + address_text(gateway) +
                       "; expected the address of another host in one of its networks.");
      }
      for (size_t j = 0; j < i; ++j) {
        if (host_.gateways[j].is_v4() == gateway.is_v4()) {
          return invalid("has two gateways of one IP version, " + address_text(host_.gateways[j]) + " and " +
                         address_text(gateway) + ". Give one.");
        }
      }
    }
    return {};
  }

  Result<void> check_neighbours() const {
    for (size_t i = 0; i < host_.neighbours.size(); ++i) {
      const LocalHostConfig::StaticNeighbour& neighbour = host_.neighbours[i];
      const std::string text = address_text(neighbour.address);
      if (!is_other_host(neighbour.address)) {
        return invalid("has the neighbour " + text +
                       "; expected the address of another host in one of its networks.");
      }
      if (!is_station(neighbour.mac)) {
        return invalid("has a neighbour " + text +
                       " with a MAC address that no station has (zero, multicast or broadcast).");
      }
      for (size_t j = 0; j < i; ++j) {
        if (host_.neighbours[j].address == neighbour.address) {
          return invalid("has two neighbours " + text + ". Give one.");
        }
      }
    }
    return {};
  }

  const NamedPort& named_;
  const LocalHostConfig& host_;
};

}  // namespace

Result<void> check_host(const NamedPort& named) { return HostCheck(named).check(); }

}  // namespace onpath
