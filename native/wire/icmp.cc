#include "wire/icmp.h"

#include <cstring>

#include "base/big_endian.h"

namespace onpath {
namespace {

constexpr size_t kHeaderBytes = 4;      // type, code, checksum
constexpr size_t kEchoHeaderBytes = 8;  // and identifier, sequence number

constexpr uint8_t kEchoReplyV4 = 0, kEchoRequestV4 = 8;
constexpr uint8_t kEchoRequestV6 = 128, kEchoReplyV6 = 129;
constexpr uint8_t kMldQuery = 130;
constexpr uint8_t kNeighbourSolicitation = 135, kNeighbourAdvertisement = 136;

IcmpKind kind_of(uint8_t protocol, uint8_t type) {
  if (protocol == kProtocolIcmp) return type == kEchoRequestV4 ? IcmpKind::echo_request : IcmpKind::other;
  switch (type) {
    case kEchoRequestV6:
      return IcmpKind::echo_request;
    case kMldQuery:
      return IcmpKind::mld_query;
    case kNeighbourSolicitation:
      return IcmpKind::neighbour_solicitation;
    case kNeighbourAdvertisement:
      return IcmpKind::neighbour_advertisement;
    default:
      return IcmpKind::other;
  }
}

}  // namespace

std::optional<DropReason> parse_icmp(const IpPacket& packet, IcmpKind& out) {
  const auto& message = packet.payload;
  if (message.size() < kHeaderBytes) return DropReason::bad_control;
  // ICMP of one IP version has no meaning in the other.
  if ((packet.protocol == kProtocolIcmp) != packet.destination.is_v4()) return DropReason::bad_control;
  // RFC 792, Checksum; RFC 4443 section 2.3.
  if (message_checksum(packet.source, packet.destination, packet.protocol, message) != 0) {
    return DropReason::bad_control;
  }
  out = kind_of(packet.protocol, message[0]);
  // RFC 792 and RFC 4443 section 4.1: code 0, identifier and sequence number.
  if (out == IcmpKind::echo_request && (message.size() < kEchoHeaderBytes || message[1] != 0)) {
    return DropReason::bad_control;
  }
  return std::nullopt;
}

size_t build_echo_reply(uint8_t* frame, const MacAddress& own_mac, const IpPacket& request) {
  IpHeaders headers;
  headers.source_mac = own_mac;
  headers.destination_mac = request.source_mac;
  headers.source = request.destination;
  headers.destination = request.source;
  headers.protocol = request.protocol;
  const size_t bytes = build_ip_headers(frame, headers, request.payload.size());
  uint8_t* message = frame + bytes - request.payload.size();
  std::memcpy(message, request.payload.data(), request.payload.size());
  message[0] = request.protocol == kProtocolIcmp ? kEchoReplyV4 : kEchoReplyV6;
  store_be16(message + 2, 0);
  store_be16(message + 2, message_checksum(headers.source, headers.destination, headers.protocol,
                                           {message, request.payload.size()}));
  return bytes;
}

}  // namespace onpath
