// A host sink as the plane and its consumer share it: one lane per worker, merged for one consumer, and the
// notification between them. Outlives the plane while a consumer holds it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/announcer.h"
#include "dataplane/counters.h"
#include "dataplane/host_lane.h"
#include "dataplane/host_sink.h"

namespace onpath {

class SharedHostSink final : public HostSink, public Announcer {
 public:
  SharedHostSink(PlanPtr plan, uint32_t slots, uint32_t batch, std::vector<std::unique_ptr<HostLane>> lanes)
      : plan_(std::move(plan)), slots_(slots), batch_(batch), lanes_(std::move(lanes)) {}

  bool next(Delivery& out) override;
  void release(uint32_t buffer) override;
  void on_ready(void (*notify)(void*), void* context) override { set_notify(notify, context); }
  const PlanPtr& plan() const override { return plan_; }
  uint32_t batch() const override { return batch_; }

  HostLane& lane(uint32_t worker) { return *lanes_[worker]; }
  uint64_t samples_taken() const { return taken_.get(); }

 private:
  bool pop(Delivery& out);
  bool has_ready() const override;

  const PlanPtr plan_;
  const uint32_t slots_;
  const uint32_t batch_;
  const std::vector<std::unique_ptr<HostLane>> lanes_;
  uint32_t next_lane_ = 0;
  Counter taken_;
};

}  // namespace onpath
