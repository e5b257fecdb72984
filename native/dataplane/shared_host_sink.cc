#include "dataplane/shared_host_sink.h"

#include <utility>

namespace onpath {

bool SharedHostSink::next(Delivery& out) {
  return take_next([&](const Version& version, HostLane& lane, uint64_t first) {
    uint32_t index;
    if (!lane.pop_ready(index)) return false;
    HostBuffer& buffer = lane.buffer(index);
    buffer.taken = true;
    taken_.add(buffer.complete);
    out = {first + index, buffer.complete, buffer.infos, buffer.outputs, version.number, version.plan.get()};
    return true;
  });
}

void SharedHostSink::release(uint64_t buffer) {
  give_back(buffer, [](HostLane& lane, uint32_t index) {
    if (!std::exchange(lane.buffer(index).taken, false)) return false;
    lane.push_released(index);
    return true;
  });
}

}  // namespace onpath
