#include "dataplane/outgoing.h"

#include <algorithm>
#include <string>

namespace onpath {
namespace {

constexpr uint16_t kDefaultSourcePort = 5004;  // RFC 3551 section 8

}  // namespace

uint32_t framing_bytes(const onpath_port& port, const Endpoint& destination) {
  if (port.framing != ONPATH_FRAMING_ETHERNET) return 0;
  return static_cast<uint32_t>(udp_headers_bytes(destination.address.is_v4()));
}

Result<OutgoingPath> OutgoingPath::make(const onpath_port& port, const Endpoint& source,
                                        const Endpoint& destination, const MacAddress& destination_mac,
                                        uint32_t max_payload_bytes, PortHost* host) {
  OutgoingPath path;
  path.ethernet_ = port.framing == ONPATH_FRAMING_ETHERNET;
  const bool checksums_by_nic = path.ethernet_ && (port.features & ONPATH_PORT_FILLS_CHECKSUMS) != 0;
  path.sums_payload_ = path.ethernet_ && !checksums_by_nic;
  path.flags_ = checksums_by_nic ? uint32_t{ONPATH_PACKET_FILL_CHECKSUMS} : 0;
  path.headroom_ = framing_bytes(port, destination);
  path.source_ = source;
  path.destination_ = destination;
  path.destination_mac_ = destination_mac;
  std::copy_n(port.mac, 6, path.source_mac_.begin());
  if (destination.port == 0) {
    return Error{ErrorCode::INVALID_ARGUMENT, "The destination " + endpoint_text(destination) +
                                                  " has no UDP port. Give one between 1 and 65535."};
  }
  if (path.ethernet_) {
    if (host != nullptr && is_unspecified(source.address)) {
      const IpAddress* own = host->addresses.source_for(destination.address);
      if (own == nullptr) {
        return Error{ErrorCode::INVALID_SPEC, "The port has no address of the IP version of " +
                                                  endpoint_text(destination) + " (" +
                                                  host->addresses.own_text() + "). Give it one."};
      }
      path.source_.address = *own;
    }
    if (host != nullptr && source.port == 0) path.source_.port = kDefaultSourcePort;
    if (path.source_.address == IpAddress{} && destination.address.is_v4())
      path.source_.address = IpAddress::v4(0);
    if (path.source_.address.is_v4() != destination.address.is_v4()) {
      return Error{ErrorCode::INVALID_ARGUMENT,
                   "The source " + endpoint_text(source) + " and the destination " +
                       endpoint_text(destination) +
                       " are of different IP versions. Give both as IPv4 or both as IPv6."};
    }
  }
  if (uint64_t{max_payload_bytes} + path.headroom_ > port.max_bytes) {
    return Error{ErrorCode::INVALID_ARGUMENT,
                 "maxPayloadBytes " + std::to_string(max_payload_bytes) + " with " +
                     std::to_string(path.headroom_) + " bytes of headers is longer than the port sends (" +
                     std::to_string(port.max_bytes) + "). Lower it or raise the port's."};
  }
  if (path.ethernet_ && host != nullptr) {
    if (const auto ok = path.leave_by(*host); !ok) return ok.error();
  }
  if (path.ethernet_) {
    path.frame_ = FrameTemplate(path.source_mac_, path.destination_mac_, path.source_, path.destination_,
                                path.hop_limit_, checksums_by_nic);
  }
  return path;
}

Result<void> OutgoingPath::leave_by(PortHost& host) {
  // RFC 1112 section 6.1: multicast stays on the link unless told otherwise; RFC 3493 section 5.2 for IPv6.
  if (is_multicast(destination_.address)) hop_limit_ = 1;
  if (destination_mac_ != MacAddress{}) return {};
  if (const auto mapped = host.addresses.mapped_mac(destination_.address)) {
    destination_mac_ = *mapped;
    return {};
  }
  const auto next_hop = host.addresses.next_hop(destination_.address);
  if (!next_hop) return next_hop.error();
  auto neighbour = host.neighbours.want(next_hop.value());
  if (!neighbour) return neighbour.error();
  neighbour_ = neighbour.value();
  if (host.wake) host.wake->wake();
  return {};
}

void OutgoingPath::follow_neighbour() {
  // It may just have been lost: then where it was last is as good as any.
  if (const NeighbourWord word = neighbour_->load(); word.resolved()) frame_.set_destination_mac(word.mac());
}

void OutgoingPath::address(onpath_packet& packet, uint32_t bytes) const {
  packet.length = bytes;
  std::copy(destination_.address.bytes.begin(), destination_.address.bytes.end(), packet.destination.address);
  packet.destination.port = destination_.port;
}

}  // namespace onpath
