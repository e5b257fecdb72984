// A bounded queue of indices between two threads: one only pushes, the other only pops. Never blocks; memory
// is taken once.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>
#include <memory>

namespace onpath {

class SpscRing {
 public:
  /// Holds at least `capacity` entries.
  explicit SpscRing(uint32_t capacity)
      : mask_(std::bit_ceil(uint64_t{capacity} + 1) - 1), entries_(std::make_unique<uint32_t[]>(mask_ + 1)) {}

  /// False if full.
  bool push(uint32_t value) {
    const uint64_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head_.load(std::memory_order_acquire) > mask_) return false;
    entries_[tail & mask_] = value;
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }

  /// False if empty.
  bool pop(uint32_t& value) {
    const uint64_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_.load(std::memory_order_acquire)) return false;
    value = entries_[head & mask_];
    head_.store(head + 1, std::memory_order_release);
    return true;
  }

  bool empty() const {
    return head_.load(std::memory_order_acquire) == tail_.load(std::memory_order_acquire);
  }
  /// Exact on either side's own thread once the other is quiet; otherwise a moment's value.
  uint64_t size() const {
    const uint64_t head = head_.load(std::memory_order_acquire);
    return tail_.load(std::memory_order_acquire) - head;
  }
  uint64_t bytes() const { return (mask_ + 1) * sizeof(uint32_t); }

 private:
  const uint64_t mask_;
  const std::unique_ptr<uint32_t[]> entries_;
  alignas(64) std::atomic<uint64_t> head_{0};
  alignas(64) std::atomic<uint64_t> tail_{0};
};

}  // namespace onpath
