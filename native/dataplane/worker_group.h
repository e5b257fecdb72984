// What the workers of a plane know of each other: who lives, and how to wake one that sleeps.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "dataplane/wake_fd.h"

namespace onpath {

class WorkerGroup {
 public:
  /// By worker, at most 64.
  explicit WorkerGroup(std::vector<std::shared_ptr<WakeFd>> wakes)
      : all_(wakes.size() >= 64 ? UINT64_MAX : (uint64_t{1} << wakes.size()) - 1),
        wakes_(std::move(wakes)),
        sleepers_(std::make_unique<Sleeper[]>(wakes_.size())),
        live_(all_) {}

  uint32_t size() const { return static_cast<uint32_t>(wakes_.size()); }

  /// A bit for each worker that is not fenced.
  uint64_t live() const { return live_.load(std::memory_order_relaxed); }
  void set_live(uint32_t worker, bool live) {
    const uint64_t bit = uint64_t{1} << worker;
    if (live) {
      live_.fetch_or(bit, std::memory_order_relaxed);
    } else {
      live_.fetch_and(~bit, std::memory_order_relaxed);
    }
  }

  /// The worker is about to sleep: what was published before a call of wake() that does not see this is seen
  /// by a look that follows.
  void falls_asleep(uint32_t worker) { sleepers_[worker].asleep.exchange(true, std::memory_order_acq_rel); }
  void is_awake(uint32_t worker) { sleepers_[worker].asleep.store(false, std::memory_order_relaxed); }
  /// After publishing something for it. A system call only if it sleeps.
  void wake(uint32_t worker) {
    if (sleepers_[worker].asleep.exchange(false, std::memory_order_acq_rel)) wakes_[worker]->wake();
  }

  /// Nobody waits any longer for a worker that hangs: the plane closes without it.
  void abandon() { abandoned_.store(true, std::memory_order_release); }
  bool abandoned() const { return abandoned_.load(std::memory_order_acquire); }

 private:
  struct alignas(64) Sleeper {
    std::atomic<bool> asleep{false};
  };

  const uint64_t all_;
  const std::vector<std::shared_ptr<WakeFd>> wakes_;
  const std::unique_ptr<Sleeper[]> sleepers_;
  alignas(64) std::atomic<uint64_t> live_;
  std::atomic<bool> abandoned_{false};
};

}  // namespace onpath
