// What a lane does beside the rest where samples have many sizes: told by each chunk, with plans that may
// come after the samples. No lock, no allocation, no system call here.
#include "dataplane/lane.h"

namespace onpath {

/// check_chunk() for any size that the family takes; its shape is the packet's from here on.
std::optional<DropReason> Lane::take_shape() {
  if (chunk_.digest != digest_ || chunk_.output != 0) return DropReason::wrong_format;
  if (chunk_.rank != 2 && (chunk_.rank != 3 || chunk_.dims[2] != dims_[2])) return DropReason::wrong_shape;
  shape_ = {chunk_.dims[1], chunk_.dims[0]};
  if (!parts_.shapes->allows(shape_)) return DropReason::wrong_shape;
  sample_bytes_ = parts_.shapes->sample_bytes(shape_);
  if (chunk_.length != 0 && chunk_.length != sample_bytes_) return DropReason::wrong_shape;
  return std::nullopt;
}

/// A sample of a source that has more than its share ends, so that one of a new shape can wait for its plan,
/// or its shape gets a place. False: there is none.
bool Lane::make_shape_room(uint32_t source) {
  if (!evict_oldest_) return false;
  OpenSample* victim = nullptr;
  if (parts_.shapes->all_wait()) {
    const uint32_t waits = waiting_->victim(source, parts_.streams->class_of(source), true);
    if (waits != kNone) victim = parts_.shapes->waiting(waits);
  } else {
    victim = parts_.samples->victim(*parts_.streams, source, true);
  }
  if (victim != nullptr) close_unfinished(*victim, DropReason::evicted);
  return victim != nullptr;
}

/// Goes on with the samples whose plans have come, and ends those that will never have one.
void Lane::settle_shapes(uint64_t now) {
  parts_.shapes->take_back();
  bool has_plan = false;
  while (OpenSample* sample = parts_.shapes->next_decided(has_plan)) {
    if (has_plan) {
      settle(*sample, now);
    } else {
      close_unfinished(*sample, DropReason::shape_refused);
    }
  }
}

void Lane::settle(OpenSample& sample, uint64_t now) {
  ForwardLane* forward = parts_.forward.get();
  if (forward != nullptr) forward->select(sample, parts_.streams->at(sample.stream));
  waiting_->give_back(sample.waits);
  const uint64_t full_ns = parts_.shapes->adopt(sample, {sample.outputs, outputs_}, forward);
  if (sample.missing_bytes == 0) return finish(sample, full_ns, now);
  if (forward != nullptr) forward->send_pending();
}

}  // namespace onpath
