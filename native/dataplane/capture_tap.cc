#include "dataplane/capture_tap.h"

#include <algorithm>
#include <thread>

#include "wire/frame.h"
#include "wire/rtp.h"

namespace onpath {

/// Whether the packet's headers name the route. Checksums are not looked at.
bool CaptureTap::wants(const onpath_port& port, const onpath_packet& packet) const {
  if (!filter_.route) return true;
  Datagram datagram;
  const std::span<const uint8_t> bytes(packet.data, packet.length);
  if (port.framing == ONPATH_FRAMING_ETHERNET) {
    if (parse_frame(bytes, {false, false}, datagram)) return false;
  } else {
    datagram.destination.port = packet.destination.port;
    datagram.payload = bytes;
  }
  RtpPacket rtp;
  return !parse_rtp(datagram.payload, rtp) &&
         filter_.routes->find(filter_.port, datagram.destination.port, rtp.payload_type) == *filter_.route;
}

void CaptureTap::see(uint32_t port_index, const onpath_port& port, const onpath_packet* packets,
                     uint32_t count, uint64_t now) {
  if (port_index != filter_.port) return;
  for (uint32_t i = 0; i < count; ++i) {
    const onpath_packet& packet = packets[i];
    if (!wants(port, packet)) continue;
    const uint64_t missed = missed_.get();
    const CapturedPacket record{std::min(packet.length, snap_length_),
                                packet.length,
                                packet.time_ns != 0 ? packet.time_ns : now,
                                missed - told_missed_,
                                port_index,
                                packet.source,
                                packet.destination};
    if (ring_.push(record, packet.data)) {
      told_missed_ = missed;
      taken_.add(1);
    } else {
      missed_.add(1);
    }
  }
}

/// The tap is named before it is looked at again: whoever detaches it clears its place first and then looks
/// whether it is named, so one of the two sees the other.
void CapturePoint::see(uint32_t port_index, const onpath_port& port, const onpath_packet* packets,
                       uint32_t count, uint64_t now) {
  for (const auto& place : taps_) {
    CaptureTap* const tap = place.load(std::memory_order_acquire);
    if (tap == nullptr) continue;
    in_use_.store(tap, std::memory_order_seq_cst);
    if (place.load(std::memory_order_seq_cst) == tap) tap->see(port_index, port, packets, count, now);
    in_use_.store(nullptr, std::memory_order_release);
  }
}

void CapturePoint::attach(CaptureTap& tap) {
  for (auto& place : taps_) {
    if (place.load(std::memory_order_relaxed) != nullptr) continue;
    place.store(&tap, std::memory_order_release);
    attached_.fetch_add(1, std::memory_order_release);
    return;
  }
}

void CapturePoint::detach(CaptureTap& tap) {
  for (auto& place : taps_) {
    if (place.load(std::memory_order_relaxed) != &tap) continue;
    place.store(nullptr, std::memory_order_seq_cst);
    attached_.fetch_sub(1, std::memory_order_relaxed);
    while (in_use_.load(std::memory_order_seq_cst) == &tap) std::this_thread::yield();
  }
}

}  // namespace onpath
