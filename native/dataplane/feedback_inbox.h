// What receivers say of packets that were sent, handed by the workers that it arrived at to the thread that
// sends: a bounded queue of many producers and one consumer, without locks, whose memory is taken once.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>

#include "wire/address.h"
#include "wire/rtcp.h"

namespace onpath {

struct Feedback {
  uint32_t ssrc = 0;      // of the stream
  uint32_t reporter = 0;  // who says it
  bool is_report = false;
  NackEntry nack;      // one of the two
  ReportBlock report;  // about `ssrc`
  uint64_t arrival_ns = 0;
};

/// SSRCs first, first + step, ... as many as were begun, and from whom feedback on them is believed.
class FeedbackInbox {
 public:
  explicit FeedbackInbox(uint32_t capacity)
      : mask_(std::bit_ceil(uint64_t{capacity}) - 1), cells_(std::make_unique<Cell[]>(mask_ + 1)) {
    for (uint64_t i = 0; i <= mask_; ++i) cells_[i].turn.store(i, std::memory_order_relaxed);
  }
  static uint64_t bytes_for(uint32_t capacity) {
    return sizeof(FeedbackInbox) + std::bit_ceil(uint64_t{capacity}) * sizeof(Cell);
  }

  /// From any thread; `receiver` unspecified: anyone, as for what goes to a group.
  void open(uint32_t first_ssrc, uint32_t step, uint32_t begun, const IpAddress& receiver) {
    uint64_t halves[2];
    std::memcpy(halves, receiver.bytes.data(), 16);
    for (size_t i = 0; i < 2; ++i) receiver_[i].store(halves[i], std::memory_order_relaxed);
    first_.store(first_ssrc, std::memory_order_relaxed);
    step_.store(step, std::memory_order_relaxed);
    begun_.store(begun, std::memory_order_release);
  }
  void close() { begun_.store(0, std::memory_order_release); }
  void begin_stream() { begun_.fetch_add(1, std::memory_order_release); }

  /// From any worker.
  bool takes(uint32_t ssrc, const IpAddress& from) const {
    const uint32_t begun = begun_.load(std::memory_order_acquire);
    if (begun == 0) return false;
    const uint32_t distance = ssrc - first_.load(std::memory_order_relaxed);
    const uint32_t step = step_.load(std::memory_order_relaxed);
    if (distance % step != 0 || distance / step >= begun) return false;
    uint64_t halves[2];
    std::memcpy(halves, from.bytes.data(), 16);
    const uint64_t high = receiver_[0].load(std::memory_order_relaxed);
    const uint64_t low = receiver_[1].load(std::memory_order_relaxed);
    return (high == 0 && low == 0) || (halves[0] == high && halves[1] == low);
  }
  /// From any worker. False: it is full.
  bool push(const Feedback& feedback) {
    uint64_t at = tail_.load(std::memory_order_relaxed);
    for (;;) {
      Cell& cell = cells_[at & mask_];
      const uint64_t turn = cell.turn.load(std::memory_order_acquire);
      if (turn == at) {
        if (!tail_.compare_exchange_weak(at, at + 1, std::memory_order_relaxed)) continue;
        cell.feedback = feedback;
        cell.turn.store(at + 1, std::memory_order_release);
        return true;
      }
      if (turn < at) return false;
      at = tail_.load(std::memory_order_relaxed);
    }
  }
  /// From the thread that sends. False: it is empty.
  bool pop(Feedback& feedback) {
    Cell& cell = cells_[head_ & mask_];
    if (cell.turn.load(std::memory_order_acquire) != head_ + 1) return false;
    feedback = cell.feedback;
    cell.turn.store(head_ + mask_ + 1, std::memory_order_release);
    ++head_;
    return true;
  }

 private:
  /// `turn`: the place in the queue that the cell is free for, or one more: filled.
  struct Cell {
    std::atomic<uint64_t> turn{0};
    Feedback feedback;
  };

  const uint64_t mask_;
  const std::unique_ptr<Cell[]> cells_;
  std::atomic<uint64_t> receiver_[2] = {0, 0};
  std::atomic<uint32_t> first_{0}, step_{1}, begun_{0};
  alignas(64) std::atomic<uint64_t> tail_{0};
  alignas(64) uint64_t head_ = 0;
};

}  // namespace onpath
