#include "dataplane/shared_host_sink.h"

#include <utility>

namespace onpath {

bool SharedHostSink::next(Delivery& out) {
  return take_next([&](HostLane& lane, uint32_t first) {
    uint32_t index;
    if (!lane.pop_ready(index)) return false;
    HostBuffer& buffer = lane.buffer(index);
    buffer.taken = true;
    lane.note_taken(buffer);
    taken_.add(buffer.complete);
    out = {first + index, buffer.complete, buffer.infos, buffer.outputs};
    return true;
  });
}

void SharedHostSink::release(uint32_t buffer) {
  const auto [lane, index] = slot_of(buffer);
  if (lane == nullptr || !std::exchange(lane->buffer(index).taken, false)) return;
  lane->push_released(index);
}

}  // namespace onpath
