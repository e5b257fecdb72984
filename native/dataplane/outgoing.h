// Where RTP packets of one sender or forward sink go: the port's framing around them, and the room it leaves.
#pragma once

#include <array>
#include <cstdint>

#include "base/result.h"
#include "dataplane/port_abi.h"
#include "dataplane/port_host.h"
#include "wire/address.h"
#include "wire/frame.h"
#include "wire/frame_template.h"

namespace onpath {

class OutgoingPath {
 public:
  OutgoingPath() = default;
  /// `max_payload_bytes`: longest RTP packet. With a `host`, which must outlive the path, a source that is
  /// not given is the port's own, and a MAC address that is not given is found: the path then wants a
  /// neighbour. Errors: INVALID_ARGUMENT (families differ, longer than the port sends), INVALID_SPEC (no way
  /// to the destination), LIMIT_EXCEEDED.
  static Result<OutgoingPath> make(const onpath_port& port, const Endpoint& source,
                                   const Endpoint& destination, const MacAddress& destination_mac,
                                   uint32_t max_payload_bytes, PortHost* host = nullptr);

  /// Whether it is known which station packets go to.
  bool resolved() const { return neighbour_ == nullptr || neighbour_->load().resolved(); }
  /// Null: none is needed.
  Neighbour* neighbour() const { return neighbour_; }

  /// Bytes in front of the RTP packet.
  uint32_t headers_bytes() const { return headroom_; }
  /// Where the RTP packet is written in a transmit buffer.
  uint8_t* payload(const onpath_packet& packet) const { return packet.data + headroom_; }
  /// Puts the headers around an RTP packet of `bytes`, or sets its destination.
  void finish(onpath_packet& packet, uint32_t bytes) {
    finish(packet, bytes, sums_payload_ ? checksum_add({payload(packet), bytes}) : 0);
  }
  /// The same, where the packet's checksum_add() is known already.
  void finish(onpath_packet& packet, uint32_t bytes, uint64_t sum) {
    if (!ethernet_) return address(packet, bytes);
    packet.flags = flags_;
    if (neighbour_ != nullptr) follow_neighbour();
    packet.length = static_cast<uint32_t>(frame_.write(packet.data, bytes, sum, identification_++));
  }

 private:
  Result<void> leave_by(PortHost& host);
  void follow_neighbour();
  void address(onpath_packet& packet, uint32_t bytes) const;

  bool ethernet_ = false;
  bool sums_payload_ = false;
  uint8_t hop_limit_ = 64;
  uint16_t identification_ = 0;
  uint32_t flags_ = 0;  // of every packet
  uint32_t headroom_ = 0;
  Neighbour* neighbour_ = nullptr;
  FrameTemplate frame_;
  MacAddress source_mac_{};
  MacAddress destination_mac_{};  // unless it is a neighbour's
  Endpoint source_;
  Endpoint destination_;
};

/// Bytes of IP and UDP headers in front of the payload of a datagram that goes to `destination`, as the
/// framing has them.
uint32_t framing_bytes(const onpath_port& port, const Endpoint& destination);

}  // namespace onpath
