#include "dataplane/shared_host_sink.h"

#include <algorithm>

namespace onpath {

bool SharedHostSink::pop(Delivery& out) {
  const auto lanes = static_cast<uint32_t>(lanes_.size());
  for (uint32_t tried = 0; tried < lanes; ++tried) {
    const uint32_t at = next_lane_;
    next_lane_ = at + 1 == lanes ? 0 : at + 1;
    uint32_t index;
    if (!lanes_[at]->pop_ready(index)) continue;
    HostBuffer& buffer = lanes_[at]->buffer(index);
    buffer.taken = true;
    taken_.add(buffer.complete);
    out = {at * slots_ + index, buffer.complete, buffer.infos, buffer.outputs};
    return true;
  }
  return false;
}

bool SharedHostSink::next(Delivery& out) {
  if (pop(out)) return true;
  want_news();
  return pop(out);
}

void SharedHostSink::release(uint32_t buffer) {
  const uint32_t lane = buffer / slots_;
  if (lane >= lanes_.size()) return;
  HostBuffer& held = lanes_[lane]->buffer(buffer % slots_);
  if (!held.taken) return;
  held.taken = false;
  lanes_[lane]->push_released(buffer % slots_);
}

bool SharedHostSink::has_ready() const {
  return std::any_of(lanes_.begin(), lanes_.end(), [](const auto& lane) { return lane->has_ready(); });
}

}  // namespace onpath
