// What a lane does beside the rest where samples have many sizes: told by each chunk, with plans that may
// come after the samples. No lock, no allocation, no system call here.
#include "dataplane/lane.h"

namespace onpath {

/// check_chunk() for any size that the family takes; its shape is the packet's from here on.
std::optional<DropReason> Lane::take_shape() {
  if (chunk_.digest != digest_ || chunk_.output != 0) return DropReason::wrong_format;
  if (chunk_.rank != 2 && (chunk_.rank != 3 || chunk_.dims[2] != dims_[2])) return DropReason::wrong_shape;
  shape_ = {chunk_.dims[1], chunk_.dims[0]};
  const ShapeCache& shapes = *versions_.current().shapes;
  if (!shapes.allows(shape_)) return DropReason::wrong_shape;
  sample_bytes_ = shapes.sample_bytes(shape_);
  if (chunk_.length != 0 && chunk_.length != sample_bytes_) return DropReason::wrong_shape;
  return std::nullopt;
}

bool Lane::shapes_have_news() {
  for (uint32_t v = 0; v < versions_.count(); ++v) {
    if (versions_.at(v).shapes->has_news()) return true;
  }
  return false;
}

/// Goes on with the samples whose plans have come, and ends those that will never have one.
void Lane::settle_shapes(uint64_t now) {
  // Newest first: a version that is let go is not passed again, nor one behind it.
  for (uint32_t v = versions_.count(); v-- > 0;) settle_shapes(versions_.at(v), now);
}

void Lane::settle_shapes(LaneVersion& version, uint64_t now) {
  versions_.opened(version);  // not let go while it is looked through
  version.shapes->take_back();
  bool has_plan = false;
  while (OpenSample* sample = version.shapes->next_decided(has_plan)) {
    if (has_plan) {
      settle(*sample, now);
    } else {
      close_unfinished(*sample, DropReason::shape_refused);
    }
  }
  versions_.closed(version, [this](LaneVersion& over) { left(over); });
}

void Lane::settle(OpenSample& sample, uint64_t now) {
  LaneVersion& version = *sample.version;
  ForwardLane* forward = version.forward.get();
  if (forward != nullptr) forward->select(sample, parts_.streams->at(sample.stream));
  const uint64_t full_ns = version.shapes->adopt(sample, {sample.outputs, version.outputs}, forward);
  if (sample.missing_bytes == 0) return finish(sample, full_ns, now);
  if (forward != nullptr) forward->send_pending();
}

}  // namespace onpath
