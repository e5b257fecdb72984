// A sink for texts as the plane and its consumer share it. Outlives the plane while a consumer holds it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/shared_lanes.h"
#include "dataplane/text_host_lane.h"
#include "dataplane/text_sink.h"

namespace onpath {

class SharedTextSink final : public TextHostSink, public SharedLanes<TextHostLane> {
 public:
  SharedTextSink(TextPlanPtr plan, std::vector<std::unique_ptr<TextHostLane>> lanes)
      : SharedLanes(std::move(lanes)), plan_(std::move(plan)) {
    for (const auto& lane : lanes_) lane->announce_to(*this);
  }

  bool next(TextPart& out) override {
    return take_next([&](TextHostLane& lane, uint32_t first) {
      if (!lane.pop(out)) return false;
      out.handle += first;
      if (out.last && !out.failed) taken_.add(1);
      return true;
    });
  }
  void release(uint32_t handle) override {
    const auto [lane, head] = slot_of(handle);
    if (lane != nullptr) lane->release(head);
  }
  void on_ready(void (*notify)(void*), void* context) override { set_notify(notify, context); }
  const TextPlanPtr& plan() const override { return plan_; }

 private:
  const TextPlanPtr plan_;
};

}  // namespace onpath
