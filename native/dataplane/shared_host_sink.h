// A host sink as the plane and its consumer share it. Outlives the plane while a consumer holds it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/host_lane.h"
#include "dataplane/host_sink.h"
#include "dataplane/shared_lanes.h"

namespace onpath {

class SharedHostSink final : public HostSink, public SharedLanes<HostLane> {
 public:
  SharedHostSink(PlanPtr plan, uint32_t batch, std::vector<std::unique_ptr<HostLane>> lanes)
      : SharedLanes(std::move(lanes)), plan_(std::move(plan)), batch_(batch) {}

  bool next(Delivery& out) override;
  void release(uint32_t buffer) override;
  void on_ready(void (*notify)(void*), void* context) override { set_notify(notify, context); }
  const PlanPtr& plan() const override { return plan_; }
  uint32_t batch() const override { return batch_; }

 private:
  const PlanPtr plan_;
  const uint32_t batch_;
};

}  // namespace onpath
