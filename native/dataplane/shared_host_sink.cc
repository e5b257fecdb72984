#include "dataplane/shared_host_sink.h"

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
  // From here on the consumer wants to be told again. Whatever was announced before this exchange is visible
  // to the second look.
  told_.exchange(false, std::memory_order_acq_rel);
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

void SharedHostSink::on_ready(void (*notify)(void*), void* context) {
  const std::lock_guard lock(notify_mutex_);
  notify_ = notify;
  context_ = context;
  told_.store(false, std::memory_order_release);
  if (notify == nullptr) return;
  for (const auto& lane : lanes_) {
    if (!lane->has_ready()) continue;
    told_.store(true, std::memory_order_release);
    notify_(context_);
    return;
  }
}

void SharedHostSink::ring() {
  if (!pending_.load(std::memory_order_relaxed)) return;
  const std::lock_guard lock(notify_mutex_);
  if (notify_ == nullptr) return;
  if (!pending_.exchange(false, std::memory_order_acq_rel)) return;
  if (!told_.exchange(true, std::memory_order_acq_rel)) notify_(context_);
}

}  // namespace onpath
