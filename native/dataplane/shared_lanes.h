// The lanes of a sink, one per worker and version of its route, merged for one consumer.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "dataplane/announcer.h"
#include "dataplane/counters.h"

namespace onpath {

/// The buffers of a sink under one version of its route.
template <class LaneType, class PlanPointer>
struct SinkVersion {
  uint64_t number = 1;
  PlanPointer plan;
  std::vector<std::unique_ptr<LaneType>> lanes;  // by worker
  // The consumer's: where it looks next, and how many deliveries it has.
  uint32_t next_lane = 0;
  uint64_t held = 0;
};

/// `LaneType` has slots(), the same in every lane of a version, and has_ready(). Of its slots the consumer
/// has handles: the version's number, and below it those of one lane behind those of the lane before.
template <class LaneType, class PlanPointer>
class SharedLanes : public Announcer {
 public:
  using Version = SinkVersion<LaneType, PlanPointer>;

  /// Complete samples that the consumer was given.
  uint64_t samples_taken() const { return taken_.get(); }
  /// A newer version; before a worker writes to it.
  void add(std::shared_ptr<Version> version) {
    const std::lock_guard lock(mutex_);
    versions_.push_back(std::move(version));
  }
  /// Forgets a version that no worker writes to any more; false while something of it is ready or held.
  bool remove(const Version& version) {
    const std::lock_guard lock(mutex_);
    if (version.held > 0 || any_ready(version)) return false;
    std::erase_if(versions_, [&](const auto& other) { return other.get() == &version; });
    return true;
  }

 protected:
  explicit SharedLanes(std::shared_ptr<Version> first) { versions_.push_back(std::move(first)); }

  /// The plan of the newest version.
  PlanPointer newest_plan() const {
    const std::lock_guard lock(mutex_);
    return versions_.back()->plan;
  }

  /// Calls `take(version, lane, handle of its first slot)` for the lanes in turn, older versions first, until
  /// one says true.
  template <class Take>
  bool take_next(Take take) {
    const std::lock_guard lock(mutex_);
    if (take_from_any(take)) return true;
    want_news();
    return take_from_any(take);
  }
  /// Calls `give(lane, slot)` for a delivery's handle; it says whether that was held.
  template <class Give>
  void give_back(uint64_t handle, Give give) {
    const std::lock_guard lock(mutex_);
    for (const auto& version : versions_) {
      if (static_cast<uint32_t>(version->number) != handle >> 32) continue;
      const uint32_t slots = version->lanes[0]->slots();
      const auto at = static_cast<uint32_t>(handle);
      if (at / slots < version->lanes.size() && give(*version->lanes[at / slots], at % slots))
        --version->held;
      return;
    }
  }
  bool has_ready() const final {
    const std::lock_guard lock(mutex_);
    return std::any_of(versions_.begin(), versions_.end(),
                       [](const auto& version) { return any_ready(*version); });
  }

  Counter taken_;

 private:
  static bool any_ready(const Version& version) {
    return std::any_of(version.lanes.begin(), version.lanes.end(),
                       [](const auto& lane) { return lane->has_ready(); });
  }

  template <class Take>
  bool take_from_any(Take take) {
    for (const auto& version : versions_) {
      const auto lanes = static_cast<uint32_t>(version->lanes.size());
      for (uint32_t tried = 0; tried < lanes; ++tried) {
        const uint32_t at = version->next_lane;
        version->next_lane = at + 1 == lanes ? 0 : at + 1;
        auto& lane = *version->lanes[at];
        if (take(*version, lane, version->number << 32 | uint64_t{at} * lane.slots())) {
          ++version->held;
          return true;
        }
      }
    }
    return false;
  }

  mutable std::mutex mutex_;  // the consumer's and the control side's; no worker takes it while it is busy
  std::vector<std::shared_ptr<Version>> versions_;  // oldest first; never empty
};

}  // namespace onpath
