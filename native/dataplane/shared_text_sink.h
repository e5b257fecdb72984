// A sink for texts as the plane and its consumer share it: one lane per worker, merged for one consumer.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "dataplane/announcer.h"
#include "dataplane/counters.h"
#include "dataplane/text_host_lane.h"
#include "dataplane/text_sink.h"

namespace onpath {

class SharedTextSink final : public TextHostSink, public Announcer {
 public:
  SharedTextSink(TextPlanPtr plan, std::vector<std::unique_ptr<TextHostLane>> lanes)
      : plan_(std::move(plan)), lanes_(std::move(lanes)) {
    for (const auto& lane : lanes_) lane->announce_to(*this);
  }

  bool next(TextPart& out) override {
    if (pop(out)) return true;
    want_news();
    return pop(out);
  }
  void release(uint32_t handle) override {
    const uint32_t segments = lanes_[0]->segments();
    if (handle / segments < lanes_.size()) lanes_[handle / segments]->release(handle % segments);
  }
  void on_ready(void (*notify)(void*), void* context) override { set_notify(notify, context); }
  const TextPlanPtr& plan() const override { return plan_; }

  TextHostLane& lane(uint32_t worker) { return *lanes_[worker]; }
  /// Complete texts of which the last part was taken.
  uint64_t texts_taken() const { return taken_.get(); }

 private:
  bool pop(TextPart& out) {
    for (size_t tried = 0; tried < lanes_.size(); ++tried) {
      const size_t at = next_lane_;
      next_lane_ = at + 1 == lanes_.size() ? 0 : at + 1;
      if (!lanes_[at]->pop(out)) continue;
      out.handle += static_cast<uint32_t>(at) * lanes_[at]->segments();
      if (out.last && !out.failed) taken_.add(1);
      return true;
    }
    return false;
  }
  bool has_ready() const override {
    return std::any_of(lanes_.begin(), lanes_.end(), [](const auto& lane) { return lane->has_ready(); });
  }

  const TextPlanPtr plan_;
  const std::vector<std::unique_ptr<TextHostLane>> lanes_;
  size_t next_lane_ = 0;
  Counter taken_;
};

}  // namespace onpath
