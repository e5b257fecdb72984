#include "dataplane/host_lane.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "dataplane/saturating.h"

namespace onpath {
namespace {

/// Bytes of one buffer's outputs, each output starting on its own cache line.
uint64_t buffer_bytes(const Plan& plan, uint32_t batch) {
  uint64_t bytes = 0;
  for (const OutputFormat& output : plan.outputs())
    bytes = plus(bytes, whole_lines(times(output.bytes, batch)));
  return bytes;
}

}  // namespace

uint64_t HostLane::bytes_for(const Plan& plan, uint32_t slots, const HostSinkConfig& config) {
  const uint64_t per_place = sizeof(SampleInfo) + sizeof(uint32_t);
  const uint64_t per_buffer = plus(buffer_bytes(plan, config.batch), times(per_place, config.batch));
  return times(plus(per_buffer, sizeof(HostBuffer) + 4 * sizeof(uint64_t)), slots);
}

HostLane::HostLane(uint32_t slots, const HostSinkConfig& config, std::shared_ptr<WakeFd> worker_wake)
    : slots_(slots),
      batch_(config.batch),
      max_wait_ns_(config.max_wait_ns),
      ready_(slots),
      released_(slots),
      worker_wake_(std::move(worker_wake)) {}

Result<std::unique_ptr<HostLane>> HostLane::make(const Plan& plan, uint32_t slots,
                                                 const HostSinkConfig& config,
                                                 std::shared_ptr<WakeFd> worker_wake) {
  if (bytes_for(plan, slots, config) == kOverflow) {
    return Error{ErrorCode::LIMIT_EXCEEDED,
                 "slots times batch times the output's bytes overflow. Ask for fewer slots."};
  }
  std::unique_ptr<HostLane> lane(new HostLane(slots, config, std::move(worker_wake)));
  const uint64_t stride = buffer_bytes(plan, config.batch);
  auto region = Region::take(stride * slots, "output buffers");
  if (!region) return region.error();
  lane->outputs_ = std::move(region).value();

  const size_t outputs = plan.outputs().size();
  lane->buffers_.resize(slots);
  lane->output_pointers_.resize(outputs * slots);
  lane->infos_.resize(uint64_t{config.batch} * slots);
  lane->positions_.assign(uint64_t{config.batch} * slots, kFree);
  lane->filling_.reserve(slots);
  lane->free_.reserve(slots);
  for (const OutputFormat& output : plan.outputs()) lane->output_bytes_.push_back(output.bytes);
  for (uint32_t i = 0; i < slots; ++i) {
    HostBuffer& buffer = lane->buffers_[i];
    buffer.outputs = lane->output_pointers_.data() + outputs * i;
    buffer.infos = lane->infos_.data() + uint64_t{config.batch} * i;
    buffer.positions = lane->positions_.data() + uint64_t{config.batch} * i;
    uint8_t* at = lane->outputs_.data() + stride * i;
    for (size_t o = 0; o < outputs; ++o) {
      buffer.outputs[o] = at;
      at += whole_lines(lane->output_bytes_[o] * config.batch);
    }
    lane->free_.push_back(slots - 1 - i);
  }
  return lane;
}

void HostLane::take_back() {
  for (uint32_t index; released_.pop(index);) free_.push_back(index);
}

HostLane::Room HostLane::room() {
  for (uint32_t index : filling_) {
    if (buffers_[index].open + buffers_[index].complete < batch_) return Room::yes;
  }
  if (free_.empty()) take_back();
  if (!free_.empty()) return Room::yes;
  return filling_.size() < slots_ ? Room::consumer_holds : Room::samples_hold;
}

bool HostLane::find_place(uint32_t except, uint32_t& buffer, uint32_t& position) {
  for (uint32_t index : filling_) {
    const HostBuffer& candidate = buffers_[index];
    if (index == except || candidate.open + candidate.complete == batch_) continue;
    buffer = index;
    position = static_cast<uint32_t>(std::find(candidate.positions, candidate.positions + batch_, kFree) -
                                     candidate.positions);
    return true;
  }
  if (free_.empty()) take_back();
  if (free_.empty()) return false;
  buffer = free_.back();
  free_.pop_back();
  filling_.push_back(buffer);
  position = 0;
  return true;
}

void HostLane::occupy(OpenSample& sample, uint32_t sample_index, uint32_t buffer, uint32_t position) {
  HostBuffer& to = buffers_[buffer];
  to.positions[position] = sample_index;
  ++to.open;
  sample.buffer = buffer;
  sample.position = position;
  for (size_t o = 0; o < output_bytes_.size(); ++o)
    sample.outputs[o] = to.outputs[o] + output_bytes_[o] * position;
}

void HostLane::reserve(OpenSample& sample, uint32_t sample_index) {
  uint32_t buffer = 0, position = 0;
  find_place(kNone, buffer, position);
  occupy(sample, sample_index, buffer, position);
}

void HostLane::abandon(const OpenSample& sample) {
  HostBuffer& buffer = buffers_[sample.buffer];
  buffer.positions[sample.position] = kFree;
  if (--buffer.open == 0 && buffer.complete == 0) {
    stop_filling(sample.buffer);
    free_.push_back(sample.buffer);
  }
}

bool HostLane::complete(const OpenSample& sample, const SampleInfo& info, uint64_t now) {
  HostBuffer& buffer = buffers_[sample.buffer];
  buffer.positions[sample.position] = kComplete;
  buffer.infos[sample.position] = info;
  --buffer.open;
  if (buffer.complete++ == 0) buffer.first_complete_ns = now;
  if (buffer.complete < batch_) return false;
  stop_filling(sample.buffer);
  deliver(sample.buffer);
  return true;
}

uint64_t HostLane::next_tick_ns() const {
  uint64_t next = UINT64_MAX;
  if (max_wait_ns_ == 0) return next;
  for (uint32_t index : filling_) {
    if (buffers_[index].complete > 0) next = std::min(next, buffers_[index].first_complete_ns + max_wait_ns_);
  }
  return next;
}

bool HostLane::tick(uint64_t now, SamplePool& samples) {
  if (max_wait_ns_ == 0) return false;
  bool delivered = false;
  for (size_t i = 0; i < filling_.size();) {
    const uint32_t index = filling_[i];
    const HostBuffer& buffer = buffers_[index];
    const bool due = buffer.complete > 0 && now - buffer.first_complete_ns >= max_wait_ns_;
    if (due && deliver_partly(index, &samples)) {
      delivered = true;  // filling_[i] is another one now
    } else {
      ++i;
    }
  }
  return delivered;
}

bool HostLane::flush() {
  bool delivered = false;
  while (!filling_.empty()) delivered |= deliver_partly(filling_.front(), nullptr);
  return delivered;
}

bool HostLane::deliver_partly(uint32_t index, SamplePool* samples) {
  HostBuffer& buffer = buffers_[index];
  for (uint32_t p = 0; p < batch_ && buffer.open > 0; ++p) {
    const uint32_t sample_index = buffer.positions[p];
    if (sample_index >= kComplete) continue;
    // A sample that is still being assembled goes on elsewhere. With nowhere to go, the batch waits for the
    // next tick.
    uint32_t to = 0, position = 0;
    if (!find_place(index, to, position)) return false;
    OpenSample& sample = samples->at(sample_index);
    copy_place(buffer, p, buffers_[to], position);
    buffer.positions[p] = kFree;
    --buffer.open;
    occupy(sample, sample_index, to, position);
    sample.state->rebase({sample.outputs, output_bytes_.size()});
  }
  compact(buffer);
  stop_filling(index);
  deliver(index);
  return true;
}

void HostLane::compact(HostBuffer& buffer) {
  uint32_t filled = 0;
  for (uint32_t p = 0; p < batch_; ++p) {
    if (buffer.positions[p] != kComplete) continue;
    if (p != filled) {
      copy_place(buffer, p, buffer, filled);
      buffer.infos[filled] = buffer.infos[p];
    }
    ++filled;
  }
}

void HostLane::copy_place(const HostBuffer& from, uint32_t from_position, const HostBuffer& to,
                          uint32_t to_position) {
  for (size_t o = 0; o < output_bytes_.size(); ++o) {
    std::memcpy(to.outputs[o] + output_bytes_[o] * to_position,
                from.outputs[o] + output_bytes_[o] * from_position, output_bytes_[o]);
  }
}

void HostLane::stop_filling(uint32_t index) {
  filling_.erase(std::find(filling_.begin(), filling_.end(), index));
}

void HostLane::note_ready(HostBuffer& buffer) {
  buffer.ready_ns = now_ns();
  for (uint32_t p = 0; p < buffer.complete; ++p) {
    latency_->record(LatencyStage::first_packet, buffer.infos[p].first_packet_ns, buffer.ready_ns);
    latency_->record(LatencyStage::last_packet, buffer.infos[p].last_packet_ns, buffer.ready_ns);
  }
}

void HostLane::deliver(uint32_t index) {
  HostBuffer& buffer = buffers_[index];
  if (latency_) note_ready(buffer);
  std::fill_n(buffer.positions, batch_, kFree);
  ready_.push(index);  // holds every buffer there is, so it is never full
}

void HostLane::push_released(uint32_t index) {
  HostBuffer& buffer = buffers_[index];
  buffer.open = 0;
  buffer.complete = 0;
  released_.push(index);
  if (worker_waits_.exchange(false, std::memory_order_acq_rel)) worker_wake_->wake();
}

}  // namespace onpath
