#include "wire/neighbour_discovery.h"

#include <cstring>

#include "base/big_endian.h"

namespace onpath {
namespace {

constexpr uint8_t kSolicitation = 135, kAdvertisement = 136;
constexpr uint8_t kSourceLinkAddress = 1, kTargetLinkAddress = 2;
constexpr size_t kFixedBytes = 24;  // type, code, checksum, flags, target
constexpr size_t kMessageBytes = kFixedBytes + 8;
constexpr uint8_t kFlagSolicited = 0x40, kFlagOverride = 0x20;

/// RFC 4861 section 4.6: type, length in units of 8 octets, never zero.
bool read_options(std::span<const uint8_t> options, uint8_t wanted, std::optional<MacAddress>& link_address) {
  while (!options.empty()) {
    if (options.size() < 8 || options[1] == 0) return false;
    const size_t bytes = size_t{options[1]} * 8;
    if (bytes > options.size()) return false;
    if (options[0] == wanted && bytes == 8) link_address = mac_at(&options[2]);
    options = options.subspan(bytes);
  }
  return true;
}

size_t build(uint8_t* frame, IpHeaders headers, uint8_t type, uint8_t flags, const IpAddress& target) {
  headers.protocol = kProtocolIcmpv6;
  headers.hop_limit = 255;
  const size_t bytes = build_ip_headers(frame, headers, kMessageBytes);
  uint8_t* message = frame + bytes - kMessageBytes;
  std::memset(message, 0, kMessageBytes);
  message[0] = type;
  message[4] = flags;
  std::memcpy(message + 8, target.bytes.data(), 16);
  message[24] = type == kSolicitation ? kSourceLinkAddress : kTargetLinkAddress;
  message[25] = 1;
  std::memcpy(message + 26, headers.source_mac.data(), 6);
  store_be16(message + 2, message_checksum(headers.source, headers.destination, kProtocolIcmpv6,
                                           {message, kMessageBytes}));
  return bytes;
}

}  // namespace

std::optional<DropReason> parse_neighbour_message(const IpPacket& packet, NeighbourMessage& out) {
  out = {};
  const auto& message = packet.payload;
  // RFC 4861 section 7.1: hop limit 255 (no router passed it on), code 0, 24 octets or more.
  if (packet.hop_limit != 255 || message.size() < kFixedBytes || message[1] != 0) {
    return DropReason::bad_control;
  }
  std::memcpy(out.target.bytes.data(), &message[8], 16);
  // The target is not a multicast address; nor an IPv4-mapped one, which is no address of a wire.
  if (is_multicast(out.target) || out.target.is_v4()) return DropReason::bad_control;
  const bool solicitation = message[0] == kSolicitation;
  const uint8_t wanted = solicitation ? kSourceLinkAddress : kTargetLinkAddress;
  // Every option has a length greater than zero.
  if (!read_options(message.subspan(kFixedBytes), wanted, out.link_address)) return DropReason::bad_control;
  if (solicitation) {
    // Section 7.1.1: from the unspecified address only to a solicited-node group, without a link-layer
    // address.
    if (is_unspecified(packet.source) &&
        (packet.destination != solicited_node_group(packet.destination) || out.link_address)) {
      return DropReason::bad_control;
    }
    // RFC 4861 section 4.3: otherwise from an address of the interface, so one of a single host.
    if (is_multicast(packet.source)) return DropReason::bad_control;
  } else {
    out.solicited = (message[4] & kFlagSolicited) != 0;
    // Section 7.1.2: what is sent to a group answers nobody.
    if (is_multicast(packet.destination) && out.solicited) return DropReason::bad_control;
  }
  // A group address is no station's.
  if (out.link_address && !is_station(*out.link_address)) return DropReason::bad_control;
  return std::nullopt;
}

size_t build_neighbour_solicitation(uint8_t* frame, const MacAddress& own_mac, const IpAddress& source,
                                    const IpAddress& target, const MacAddress* known) {
  IpHeaders headers;
  headers.source_mac = own_mac;
  headers.source = source;
  headers.destination = known != nullptr ? target : solicited_node_group(target);
  headers.destination_mac = known != nullptr ? *known : multicast_mac(headers.destination);
  return build(frame, headers, kSolicitation, 0, target);
}

size_t build_neighbour_advertisement(uint8_t* frame, const MacAddress& own_mac, const IpAddress& target,
                                     const IpAddress& destination, const MacAddress& destination_mac) {
  IpHeaders headers;
  headers.source_mac = own_mac;
  headers.destination_mac = destination_mac;
  headers.source = target;
  headers.destination = destination;
  const uint8_t solicited = is_multicast(destination) ? 0 : kFlagSolicited;
  return build(frame, headers, kAdvertisement, static_cast<uint8_t>(solicited | kFlagOverride), target);
}

IpAddress all_nodes_group() { return {{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}; }

}  // namespace onpath
