// A sink for texts as the plane and its consumer share it. Outlives the plane while a consumer holds it.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "dataplane/shared_lanes.h"
#include "dataplane/text_host_lane.h"
#include "dataplane/text_sink.h"

namespace onpath {

class SharedTextSink final : public TextHostSink, public SharedLanes<TextHostLane, TextPlanPtr> {
 public:
  explicit SharedTextSink(const std::shared_ptr<Version>& first) : SharedLanes(first) { announce(*first); }

  /// Lanes of the version tell this sink what is ready; before a worker writes to them.
  void announce(Version& version) {
    for (const auto& lane : version.lanes) lane->announce_to(*this);
  }
  bool next(TextPart& out) override {
    return take_next([&](const Version& version, TextHostLane& lane, uint64_t first) {
      if (!lane.pop(out)) return false;
      out.handle += first;
      out.version = version.number;
      out.plan = version.plan.get();
      if (out.last && !out.failed) taken_.add(1);
      return true;
    });
  }
  void release(uint64_t handle) override {
    give_back(handle, [](TextHostLane& lane, uint32_t head) { return lane.release(head); });
  }
  void on_ready(void (*notify)(void*), void* context) override { set_notify(notify, context); }
  TextPlanPtr plan() const override { return newest_plan(); }
};

}  // namespace onpath
