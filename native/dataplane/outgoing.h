// Where RTP packets of one sender or forward sink go: the port's framing around them, and the room it leaves.
#pragma once

#include <array>
#include <cstdint>

#include "base/result.h"
#include "dataplane/port_abi.h"
#include "wire/address.h"
#include "wire/frame.h"

namespace onpath {

class OutgoingPath {
 public:
  OutgoingPath() = default;
  /// `max_payload_bytes`: longest RTP packet. Errors: INVALID_ARGUMENT (families differ, longer than the port
  /// sends).
  static Result<OutgoingPath> make(const onpath_port& port, const Endpoint& source,
                                   const Endpoint& destination, const MacAddress& destination_mac,
                                   uint32_t max_payload_bytes);

  /// Where the RTP packet is written in a transmit buffer.
  uint8_t* payload(const onpath_packet& packet) const { return packet.data + headroom_; }
  /// Puts the headers around an RTP packet of `bytes`, or sets its destination.
  void finish(onpath_packet& packet, uint32_t bytes);

 private:
  bool ethernet_ = false;
  uint32_t headroom_ = 0;
  uint16_t identification_ = 0;
  MacAddress source_mac_{};
  MacAddress destination_mac_{};
  Endpoint source_;
  Endpoint destination_;
};

/// Bytes of IP and UDP headers in front of the payload of a datagram that goes to `destination`, as the
/// framing has them.
uint32_t framing_bytes(const onpath_port& port, const Endpoint& destination);

}  // namespace onpath
