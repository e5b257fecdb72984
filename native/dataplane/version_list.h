// The versions of a route on one worker: the one that new samples are opened under, and older ones until
// their last open sample has ended. The control side makes and frees them (plane_versions.h) and offers the
// newest; the worker takes it between two bursts. Worker's side: no allocation, no lock, no system call.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>

namespace onpath {

/// Versions of a route that may be alive at a time: the newest, and those that samples or the consumer still
/// hold.
inline constexpr uint32_t kMostVersions = 8;

/// What a worker and the control side tell each other of one version.
struct WorkerVersion {
  uint64_t open_samples = 0;        // the worker's
  std::atomic<bool> taken{false};   // new samples are opened under it
  std::atomic<bool> let_go{false};  // the worker will not touch it again
};

/// `Version` is a WorkerVersion.
template <class Version>
class VersionList {
 public:
  explicit VersionList(Version& first) {
    versions_[0] = &first;
    first.taken.store(true, std::memory_order_relaxed);
  }

  // Control side.

  /// The worker is to go on with this version. One that it had not taken yet it never will.
  void offer(Version& version) {
    if (Version* missed = offered_.exchange(&version, std::memory_order_acq_rel))
      missed->let_go.store(true, std::memory_order_release);
  }

  // Worker's side.

  Version& current() { return *versions_[count_ - 1]; }
  /// Oldest first; the last one is current().
  uint32_t count() const { return count_; }
  Version& at(uint32_t index) { return *versions_[index]; }

  /// Goes on with what is offered, if anything is; `hand_over(before, next)` is called in between.
  /// `end(version)`: nothing is open under it any more, and it is let go.
  template <class HandOver, class End>
  void take(HandOver hand_over, End end) {
    Version* next = offered_.exchange(nullptr, std::memory_order_acq_rel);
    if (next == nullptr) return;
    Version& before = current();
    hand_over(before, *next);
    versions_[count_++] = next;
    if (before.open_samples == 0) let_go(before, end);
    next->taken.store(true, std::memory_order_release);
  }

  void opened(Version& version) { ++version.open_samples; }
  /// A sample has ended. The version may be gone when this returns.
  template <class End>
  void closed(Version& version, End end) {
    if (--version.open_samples == 0 && &version != &current()) [[unlikely]]
      let_go(version, end);
  }

 private:
  template <class End>
  void let_go(Version& version, End end) {
    end(version);
    const auto last = versions_.begin() + count_;
    std::copy(std::find(versions_.begin(), last, &version) + 1, last,
              std::find(versions_.begin(), last, &version));
    --count_;
    version.let_go.store(true, std::memory_order_release);
  }

  std::array<Version*, kMostVersions> versions_{};
  uint32_t count_ = 1;
  std::atomic<Version*> offered_{nullptr};
};

}  // namespace onpath
