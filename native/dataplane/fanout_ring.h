// Packets on their way from the worker that polls a queue to the worker that has their streams: a bounded
// ring between two threads. A packet stays in its place while the second works on it, so that the first sees
// when it is done with and gives it back to its port itself: no port need know of it. Never blocks; memory is
// taken once.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdint>
#include <memory>

#include "dataplane/port_abi.h"

namespace onpath {

class FanoutRing {
 public:
  /// Holds `capacity` packets, a power of two.
  explicit FanoutRing(uint32_t capacity)
      : mask_(capacity - 1), packets_(std::make_unique<onpath_packet[]>(capacity)) {}

  static uint64_t bytes_for(uint32_t capacity) {
    return sizeof(FanoutRing) + uint64_t{capacity} * sizeof(onpath_packet);
  }

  // The polling worker's side.

  /// False if full. Seen by the other side after publish().
  bool push(const onpath_packet& packet) {
    if (staged_ - given_back_ > mask_) return false;
    packets_[staged_ & mask_] = packet;
    ++staged_;
    return true;
  }
  void publish() { tail_.store(staged_, std::memory_order_release); }
  /// Calls `release(first, count)` for packets that the other side is done with.
  template <class Release>
  void take_back(Release release) {
    take_back_to(head_.load(std::memory_order_acquire), release);
  }
  /// The same for all of them; only when the other side uses them no more.
  template <class Release>
  void take_back_all(Release release) {
    take_back_to(staged_, release);
    head_.store(staged_, std::memory_order_release);
  }
  /// Nothing will be pushed any more.
  void end() { ended_.store(true, std::memory_order_release); }

  // The other worker's side.

  /// Up to `most` of the oldest packets, which lie in a row.
  uint32_t peek(onpath_packet*& first, uint32_t most) const {
    const uint64_t head = head_.load(std::memory_order_relaxed);
    const uint64_t waiting = tail_.load(std::memory_order_acquire) - head;
    const uint64_t in_row = mask_ + 1 - (head & mask_);
    first = &packets_[head & mask_];
    return static_cast<uint32_t>(std::min({waiting, in_row, uint64_t{most}}));
  }
  /// Done with the oldest `count`.
  void pop(uint32_t count) {
    head_.store(head_.load(std::memory_order_relaxed) + count, std::memory_order_release);
  }
  /// Everything that will ever be pushed can be seen by peek().
  bool ended() const { return ended_.load(std::memory_order_acquire); }

  // Anyone's.

  bool empty() const {
    return head_.load(std::memory_order_acquire) == tail_.load(std::memory_order_acquire);
  }
  /// Packets pushed so far.
  uint64_t pushed() const { return tail_.load(std::memory_order_acquire); }

 private:
  template <class Release>
  void take_back_to(uint64_t end, Release release) {
    while (given_back_ != end) {
      const uint64_t in_row = std::min(end - given_back_, mask_ + 1 - (given_back_ & mask_));
      release(&packets_[given_back_ & mask_], static_cast<uint32_t>(in_row));
      given_back_ += in_row;
    }
  }

  const uint64_t mask_;
  const std::unique_ptr<onpath_packet[]> packets_;
  alignas(64) std::atomic<uint64_t> head_{0};
  alignas(64) std::atomic<uint64_t> tail_{0};
  std::atomic<bool> ended_{false};
  alignas(64) uint64_t staged_ = 0;  // the polling worker's alone, from here on
  uint64_t given_back_ = 0;
};

}  // namespace onpath
