#include "dataplane/outgoing.h"

#include <algorithm>
#include <string>

namespace onpath {

uint32_t framing_bytes(const onpath_port& port, const Endpoint& destination) {
  if (port.framing != ONPATH_FRAMING_ETHERNET) return 0;
  return static_cast<uint32_t>(udp_headers_bytes(destination.address.is_v4()));
}

Result<OutgoingPath> OutgoingPath::make(const onpath_port& port, const Endpoint& source,
                                        const Endpoint& destination, const MacAddress& destination_mac,
                                        uint32_t max_payload_bytes) {
  OutgoingPath path;
  path.ethernet_ = port.framing == ONPATH_FRAMING_ETHERNET;
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
    if (source.address == IpAddress{} && destination.address.is_v4()) path.source_.address = IpAddress::v4(0);
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
  return path;
}

void OutgoingPath::finish(onpath_packet& packet, uint32_t bytes) {
  if (ethernet_) {
    packet.length = static_cast<uint32_t>(build_frame(packet.data, source_mac_, destination_mac_, source_,
                                                      destination_, bytes, identification_++));
    return;
  }
  packet.length = bytes;
  std::copy(destination_.address.bytes.begin(), destination_.address.bytes.end(), packet.destination.address);
  packet.destination.port = destination_.port;
}

}  // namespace onpath
