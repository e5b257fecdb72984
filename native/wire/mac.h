// Ethernet addresses: what kind they are, and which ones IP addresses map to without asking.
#pragma once

#include <cstring>

#include "wire/address.h"
#include "wire/frame.h"

namespace onpath {

inline constexpr MacAddress kBroadcastMac = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

/// IEEE 802.3 clause 3.2.3: the first bit on the wire says individual or group; broadcast is a group.
inline bool is_group(const MacAddress& mac) { return (mac[0] & 1) != 0; }
/// An address that one station can have.
inline bool is_station(const MacAddress& mac) { return !is_group(mac) && mac != MacAddress{}; }

inline MacAddress mac_at(const uint8_t* p) {
  MacAddress mac;
  std::memcpy(mac.data(), p, 6);
  return mac;
}

/// IPv4 224.0.0.0/4 (RFC 5771), IPv6 ff00::/8 (RFC 4291 section 2.7).
bool is_multicast(const IpAddress& address);
/// 0.0.0.0 or ::.
bool is_unspecified(const IpAddress& address);
/// 127.0.0.0/8 or ::1: never on a wire (RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.3).
bool is_loopback(const IpAddress& address);
/// fe80::/10 (RFC 4291 section 2.5.6).
bool is_link_local_v6(const IpAddress& address);
inline IpAddress limited_broadcast() { return IpAddress::v4(0xffffffff); }

/// RFC 1112 section 6.4: 01:00:5e and the low 23 bits. RFC 2464 section 7: 33:33 and the low 32 bits.
MacAddress multicast_mac(const IpAddress& group);
/// RFC 4291 section 2.7.1: ff02::1:ff and the low 24 bits.
IpAddress solicited_node_group(const IpAddress& address);
/// fe80:: and the modified EUI-64 of the MAC address (RFC 2464 sections 4 and 5).
IpAddress link_local_of(const MacAddress& mac);

}  // namespace onpath
