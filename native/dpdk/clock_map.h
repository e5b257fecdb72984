// The NIC's clock in terms of CLOCK_MONOTONIC. Written by the control thread, read by the data path.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace onpath::dpdk {

class ClockMap {
 public:
  /// Two readings of the same moment; the more they lie apart, the better the rate.
  struct Pair {
    uint64_t ticks, monotonic_ns;
  };

  /// First use, and whenever the clock has jumped.
  void set(Pair first, Pair second) {
    first_ = first;
    update(second);
  }
  /// A later reading: the rate over the time since the last one that was kept.
  void update(Pair now) {
    const auto ticks = static_cast<int64_t>(now.ticks - first_.ticks);
    const auto ns = static_cast<int64_t>(now.monotonic_ns - first_.monotonic_ns);
    if (ticks <= 0 || ns <= 0) return;
    // The slot that no reader has been pointed at since the last update.
    const uint32_t next = 1 - current_.load(std::memory_order_relaxed);
    slots_[next].ticks.store(now.ticks, std::memory_order_relaxed);
    slots_[next].monotonic_ns.store(now.monotonic_ns, std::memory_order_relaxed);
    slots_[next].ns_per_tick.store(static_cast<double>(ns) / static_cast<double>(ticks),
                                   std::memory_order_relaxed);
    current_.store(next, std::memory_order_release);
    if (ns > kRateSpanNs) first_ = now;
  }

  /// What the data path uses for a whole burst.
  struct Line {
    uint64_t ticks, monotonic_ns;
    double ns_per_tick;
    uint64_t at(uint64_t stamp) const {
      const auto past = static_cast<double>(static_cast<int64_t>(stamp - ticks));
      return monotonic_ns + static_cast<uint64_t>(static_cast<int64_t>(past * ns_per_tick));
    }
  };
  Line line() const {
    const Slot& slot = slots_[current_.load(std::memory_order_acquire)];
    return {slot.ticks.load(std::memory_order_relaxed), slot.monotonic_ns.load(std::memory_order_relaxed),
            slot.ns_per_tick.load(std::memory_order_relaxed)};
  }

 private:
  static constexpr int64_t kRateSpanNs = 10'000'000'000;
  struct Slot {
    std::atomic<uint64_t> ticks{0}, monotonic_ns{0};
    std::atomic<double> ns_per_tick{1.0};
  };
  Pair first_{};
  std::array<Slot, 2> slots_;
  std::atomic<uint32_t> current_{0};
};

}  // namespace onpath::dpdk
