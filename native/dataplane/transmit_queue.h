// Packets of one worker on their way into one port: staged in order, handed over in bursts, kept for the next
// try while the port takes none, given up and counted when even that is full. Hot path: no allocation, no
// lock, no system call but the port's own.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/counters.h"
#include "dataplane/latency.h"
#include "dataplane/port_abi.h"

namespace onpath {

class TransmitQueue {
 public:
  TransmitQueue(const onpath_port& port, uint32_t queue, DropCounters& drops)
      : port_(port), queue_(queue), drops_(drops) {}

  /// A transmit buffer to fill and commit(); null if the port is out of them: the packet counts as
  /// transmit_failed.
  onpath_packet* next();
  /// A packet that was to leave by this queue never will.
  void drop(DropReason reason) { count_drop(drops_, reason); }
  /// The buffer that next() gave is ready to leave.
  void commit(RouteCounters& route);
  /// A place for a packet that was received from a port of the same domain, to be filled with what leaves and
  /// then given(); null if there is none: the packet counts as transmit_failed.
  onpath_packet* give() {
    if (tail_ < kStaged || make_room()) [[likely]]
      return &staged_[tail_];
    count_drop(drops_, DropReason::transmit_failed);
    return nullptr;
  }
  /// The buffer of `received` leaves by the place that give() gave: its handle is null from now on.
  void given(onpath_packet& received, RouteCounters& route) {
    received.handle = nullptr;
    staged(route);
  }
  /// Every packet of a sample has been committed; it counts as sent once the last of them has left.
  /// The times are those at which the packets came that it began and became complete with.
  void sample_ends(RouteCounters& route, uint64_t first_packet_ns, uint64_t last_packet_ns);
  /// Hands over what is staged, as far as the port takes it.
  void flush();
  /// The worker ends: what the port does not take now is given up.
  void finish();

  bool empty() const { return head_ == tail_; }

 private:
  static constexpr uint32_t kBurst = 32;
  static constexpr uint32_t kStaged = 512;

  struct Staged {
    RouteCounters* route = nullptr;
    RouteCounters* sample_of = nullptr;  // a sample ends with this packet
  };

  static void count_sent(RouteCounters& route, const LeavingSample& sample);

  /// When all places are taken.
  bool make_room();
  void staged(RouteCounters& route) {
    notes_[tail_] = {&route, nullptr};
    ++tail_;
    if (++unflushed_ >= kBurst) flush();
  }

  const onpath_port& port_;
  const uint32_t queue_;
  DropCounters& drops_;
  uint32_t head_ = 0, tail_ = 0;
  uint32_t unflushed_ = 0;
  uint32_t spare_count_ = 0;
  std::array<onpath_packet, kBurst> spare_;
  std::array<onpath_packet, kStaged> staged_;
  std::array<Staged, kStaged> notes_;
  std::array<LeavingSample, kStaged> leaving_;  // where the note says that a sample ends
};

}  // namespace onpath
