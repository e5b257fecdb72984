// A plane that is a host on both its ports, and the frames its neighbours send it.
#pragma once

#include <optional>

#include "base/big_endian.h"
#include "dataplane/stepped_plane.h"
#include "wire/arp.h"
#include "wire/icmp.h"
#include "wire/igmp.h"
#include "wire/mld.h"
#include "wire/neighbour_discovery.h"

namespace onpath::testing {

inline constexpr MacAddress kOwnMac = {2, 0, 0, 0, 0, 1};  // of port p
inline constexpr MacAddress kOutMac = {2, 0, 0, 0, 0, 8};  // of port q
inline constexpr MacAddress kPeerMac = {2, 0, 0, 0, 0, 9};
inline constexpr MacAddress kOtherMac = {2, 0, 0, 0, 0, 10};
inline constexpr uint64_t kSecond = 1'000'000'000;

inline IpAddress ip(const std::string& text) { return must(parse_address(text)); }
inline IpPrefix own(const std::string& text, uint8_t bits) {
  const IpAddress address = ip(text);
  return {address, static_cast<uint8_t>(address.is_v4() ? 96 + bits : bits)};
}

inline LocalHostConfig host_of(std::vector<IpPrefix> addresses) {
  LocalHostConfig host;
  host.addresses = std::move(addresses);
  return host;
}
inline LocalHostConfig both_families() { return host_of({own("10.0.0.1", 24), own("2001:db8::1", 64)}); }

inline Bytes arp_frame(bool reply, const MacAddress& sender_mac, const std::string& sender,
                       const std::string& target, const MacAddress& to = kBroadcastMac) {
  Bytes frame(60);
  build_arp(frame.data(), to, {reply, sender_mac, ip(sender), {}, ip(target)});
  return frame;
}

/// Any IP packet around a message whose checksum field lies at 2.
inline Bytes ip_frame(IpHeaders headers, Bytes message, const MacAddress& from = kPeerMac) {
  headers.source_mac = from;
  if (headers.destination_mac == MacAddress{}) {
    headers.destination_mac =
        is_multicast(headers.destination) ? multicast_mac(headers.destination) : kOwnMac;
  }
  const size_t front = ip_headers_bytes(headers.destination.is_v4(), headers.router_alert);
  message[2] = message[3] = 0;
  store_be16(&message[2], message_checksum(headers.source, headers.destination, headers.protocol, message));
  Bytes frame(front);
  frame.insert(frame.end(), message.begin(), message.end());
  build_ip_headers(frame.data(), headers, message.size());
  return frame;
}

inline IpHeaders headers(const std::string& source, const std::string& destination, uint8_t hop_limit = 64) {
  IpHeaders made;
  made.source = ip(source);
  made.destination = ip(destination);
  made.hop_limit = hop_limit;
  made.protocol = made.destination.is_v4() ? kProtocolIcmp : kProtocolIcmpv6;
  return made;
}

inline Bytes echo(const std::string& source, const std::string& destination, size_t data) {
  Bytes message(8 + data);
  message[0] = ip(destination).is_v4() ? 8 : 128;
  for (size_t i = 4; i < message.size(); ++i) message[i] = static_cast<uint8_t>(i * 7);
  return ip_frame(headers(source, destination), message);
}

inline Bytes solicitation(const std::string& source, const std::string& target,
                          std::optional<MacAddress> link_address = kPeerMac) {
  Bytes message(24);
  message[0] = 135;
  const IpAddress wanted = ip(target);
  std::copy(wanted.bytes.begin(), wanted.bytes.end(), message.begin() + 8);
  if (link_address) {
    message.insert(message.end(), {1, 1});
    message.insert(message.end(), link_address->begin(), link_address->end());
  }
  return ip_frame(headers(source, address_text(solicited_node_group(wanted)), 255), message);
}

inline Bytes advertisement(const std::string& target, const MacAddress& link_address,
                           const std::string& destination, uint8_t flags = 0x60) {
  Bytes message(24);
  message[0] = 136;
  message[4] = flags;
  const IpAddress told = ip(target);
  std::copy(told.bytes.begin(), told.bytes.end(), message.begin() + 8);
  message.insert(message.end(), {2, 1});
  message.insert(message.end(), link_address.begin(), link_address.end());
  IpHeaders made = headers(target, destination, 255);
  if (!is_multicast(made.destination)) made.destination_mac = kOutMac;
  return ip_frame(made, message, link_address);
}

inline std::optional<ArpPacket> as_arp(const Bytes& frame) {
  ArpPacket packet;
  if (load_be16(&frame[12]) != kEtherTypeArp || parse_arp(frame, packet)) return std::nullopt;
  return packet;
}

/// What is no UDP among the frames that left, oldest first; forgets them.
inline std::vector<Bytes> control_of(FakePort& port) {
  std::vector<Bytes> control;
  for (const Bytes& frame : port.sent) {
    Datagram datagram;
    if (parse_frame(frame, {}, datagram)) control.push_back(frame);
  }
  port.sent.clear();
  return control;
}

/// A plane with one host route and `host` on port p, past what it says at its start.
class HostPlane : public SteppedPlane {
 public:
  explicit HostPlane(LocalHostConfig host = both_families(), bool quiet = true)
      : SteppedPlane({route_to_host(small_program())}, ONPATH_FRAMING_ETHERNET, std::move(host)) {
    if (quiet) {
      for (int i = 0; i < 5; ++i) pass(kSecond);
      in.sent.clear();
    }
  }
  /// What the plane says to this frame.
  std::vector<Bytes> answers(Bytes frame) {
    in.arrive(std::move(frame));
    poll();
    pass(0);
    return control_of(in);
  }
  uint64_t control() { return worker().port_counters(0).control_packets.get(); }
};

}  // namespace onpath::testing
