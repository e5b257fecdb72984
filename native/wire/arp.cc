#include "wire/arp.h"

#include <algorithm>

#include "base/big_endian.h"
#include "wire/ip_header.h"

namespace onpath {
namespace {

constexpr uint16_t kHardwareEthernet = 1;
constexpr uint16_t kRequest = 1, kReply = 2;

}  // namespace

std::optional<DropReason> parse_arp(std::span<const uint8_t> frame, ArpPacket& out) {
  if (frame.size() < kArpFrameBytes) return DropReason::bad_control;
  const uint8_t* arp = frame.data() + kEthernetBytes;
  // RFC 826, Packet Reception: "Do I have the hardware type in ar$hrd?", "Do I speak the protocol in
  // ar$pro?", and both lengths.
  if (load_be16(arp) != kHardwareEthernet || load_be16(arp + 2) != kEtherTypeIpv4 || arp[4] != 6 ||
      arp[5] != 4) {
    return DropReason::bad_control;
  }
  const uint16_t operation = load_be16(arp + 6);
  if (operation != kRequest && operation != kReply) return DropReason::bad_control;
  out.reply = operation == kReply;
  out.sender_mac = mac_at(arp + 8);
  out.sender = IpAddress::v4(load_be32(arp + 14));
  out.target_mac = mac_at(arp + 18);
  out.target = IpAddress::v4(load_be32(arp + 24));
  // RFC 1812 section 3.3.2: an answer that claims a broadcast or multicast link address is not believed. No
  // station has one, nor the zero address.
  if (!is_station(out.sender_mac)) return DropReason::bad_control;
  // A sender is one host or, in a probe (RFC 5227 section 2.1.1), nobody yet.
  if (is_multicast(out.sender) || out.sender == limited_broadcast()) return DropReason::bad_control;
  return std::nullopt;
}

size_t build_arp(uint8_t* frame, const MacAddress& destination, const ArpPacket& packet) {
  std::copy(destination.begin(), destination.end(), frame);
  std::copy(packet.sender_mac.begin(), packet.sender_mac.end(), frame + 6);
  store_be16(frame + 12, kEtherTypeArp);
  uint8_t* arp = frame + kEthernetBytes;
  store_be16(arp, kHardwareEthernet);
  store_be16(arp + 2, kEtherTypeIpv4);
  arp[4] = 6;
  arp[5] = 4;
  store_be16(arp + 6, packet.reply ? kReply : kRequest);
  std::copy(packet.sender_mac.begin(), packet.sender_mac.end(), arp + 8);
  std::copy_n(packet.sender.bytes.begin() + 12, 4, arp + 14);
  std::copy(packet.target_mac.begin(), packet.target_mac.end(), arp + 18);
  std::copy_n(packet.target.bytes.begin() + 12, 4, arp + 24);
  return kArpFrameBytes;
}

}  // namespace onpath
