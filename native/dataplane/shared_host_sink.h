// A host sink as the plane and its consumer share it. Outlives the plane while a consumer holds it.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "dataplane/host_lane.h"
#include "dataplane/host_sink.h"
#include "dataplane/shared_lanes.h"

namespace onpath {

class SharedHostSink final : public HostSink, public SharedLanes<HostLane, PlanPtr> {
 public:
  SharedHostSink(std::shared_ptr<Version> first, uint32_t batch)
      : SharedLanes(std::move(first)), batch_(batch) {}

  bool next(Delivery& out) override;
  void release(uint64_t buffer) override;
  void on_ready(void (*notify)(void*), void* context) override { set_notify(notify, context); }
  PlanPtr plan() const override { return newest_plan(); }
  uint32_t batch() const override { return batch_; }

 private:
  const uint32_t batch_;
};

}  // namespace onpath
