// The lanes of a sink, one per worker, merged for one consumer.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "dataplane/announcer.h"
#include "dataplane/counters.h"

namespace onpath {

/// `Lane` has slots(), the same in every lane, and has_ready(). Of its slots the consumer has handles: those
/// of one lane follow those of the lane before.
template <class Lane>
class SharedLanes : public Announcer {
 public:
  Lane& lane(uint32_t worker) { return *lanes_[worker]; }
  /// Complete samples that the consumer was given.
  uint64_t samples_taken() const { return taken_.get(); }

 protected:
  explicit SharedLanes(std::vector<std::unique_ptr<Lane>> lanes) : lanes_(std::move(lanes)) {}

  /// Calls `take(lane, handle of its first slot)` for the lanes in turn until one says true.
  template <class Take>
  bool take_next(Take take) {
    if (take_from_any(take)) return true;
    want_news();
    return take_from_any(take);
  }
  /// The lane, or null, and the slot in it.
  std::pair<Lane*, uint32_t> slot_of(uint32_t handle) const {
    const uint32_t slots = lanes_[0]->slots();
    const uint32_t lane = handle / slots;
    return {lane < lanes_.size() ? lanes_[lane].get() : nullptr, handle % slots};
  }
  bool has_ready() const final {
    return std::any_of(lanes_.begin(), lanes_.end(), [](const auto& lane) { return lane->has_ready(); });
  }

  const std::vector<std::unique_ptr<Lane>> lanes_;
  Counter taken_;

 private:
  template <class Take>
  bool take_from_any(Take take) {
    const auto lanes = static_cast<uint32_t>(lanes_.size());
    for (uint32_t tried = 0; tried < lanes; ++tried) {
      const uint32_t at = next_lane_;
      next_lane_ = at + 1 == lanes ? 0 : at + 1;
      if (take(*lanes_[at], at * lanes_[at]->slots())) return true;
    }
    return false;
  }

  uint32_t next_lane_ = 0;
};

}  // namespace onpath
