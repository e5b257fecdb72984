// The worker's side of a shape cache; the maker's is in shape_maker.cc.
#include "dataplane/shape_cache.h"

#include <algorithm>

#include "dataplane/saturating.h"

namespace onpath {
namespace {

constexpr uint32_t kRefusedKept = 16;

}  // namespace

ShapeCache::ShapeCache(const ShapesConfig& config, uint32_t open_samples)
    : family_(config.family),
      budget_(config.state_bytes),
      channels_(pixel_format_channels(config.family->largest()->plan().input().format)),
      state_count_(open_samples),
      slots_(config.cached),
      waiting_(config.waiting),
      refused_(kRefusedKept),
      requests_(config.cached),
      made_(config.cached) {
  const SampleFormat& most = family_->largest()->plan().input();
  for (uint32_t i = 0; i < config.waiting; ++i) {
    waiting_[i].bytes = std::make_unique<WaitingSample>(most.bytes, most.element_bytes);
    free_waiting_.push_back(i);
  }
}

uint64_t ShapeCache::bytes_for(const ShapesConfig& config, uint32_t open_samples) {
  const SampleFormat& most = config.family->largest()->plan().input();
  const uint64_t waiting = times(WaitingSample::bytes_for(most.bytes, most.element_bytes), config.waiting);
  // The maker works on one shape at a time: its tables are made before it is known whether they fit.
  const uint64_t slot = sizeof(Slot) + open_samples * (sizeof(void*) * 2);
  return plus(plus(waiting, times(slot, config.cached)), config.state_bytes);
}

uint64_t ShapeCache::shape_bytes(const Plan& plan, uint32_t open_samples) {
  return plus(plan.table_bytes(), times(plan.packet_state_bytes(), open_samples));
}

ShapeCache::Slot* ShapeCache::find(InputShape shape) {
  for (Slot& slot : slots_) {
    if (slot.shape == shape && slot.place != Place::empty) return &slot;
  }
  return nullptr;
}

bool ShapeCache::was_refused(InputShape shape) const {
  return std::find(refused_.begin(), refused_.end(), shape) != refused_.end();
}

bool ShapeCache::ready(InputShape shape) const {
  const Slot* slot = find(shape);
  return slot != nullptr && slot->place == Place::ready;
}

const ShapeCache::Slot* ShapeCache::victim(uint64_t now, bool empty_too) const {
  const Slot* oldest = nullptr;
  for (const Slot& slot : slots_) {
    if (slot.place == Place::empty && empty_too) return &slot;
    if (slot.place != Place::ready || slot.open_samples > 0) continue;
    const uint64_t holds = std::min(slot.completed, kMostHolds + 1);
    if (holds >= 2 && now - slot.last_used_ns <= (holds - 1) * kHoldNs) continue;
    const bool useless = slot.completed == 0;
    if (oldest == nullptr || (useless && oldest->completed > 0) ||
        (useless == (oldest->completed == 0) && slot.last_used_ns < oldest->last_used_ns))
      oldest = &slot;
  }
  return oldest;
}

std::optional<DropReason> ShapeCache::refusal(InputShape shape, uint64_t now) const {
  const Slot* slot = find(shape);
  if (slot != nullptr && slot->place == Place::ready) return std::nullopt;
  if (slot == nullptr && was_refused(shape)) return DropReason::wrong_shape;
  if (free_waiting_.empty()) return DropReason::shape_pending;
  if (slot == nullptr) slot = victim(now, true);
  if (slot == nullptr || slot->place == Place::refused || slot->place == Place::freeing)
    return DropReason::shape_pending;
  return std::nullopt;
}

void ShapeCache::open(OpenSample& sample, uint64_t now) {
  Slot* slot = find(sample.shape);
  if (slot == nullptr) {
    slot = &slots_[index_of(*victim(now, true))];
    slot->shape = sample.shape;
    slot->completed = 0;
    request(*slot, Place::making);
  }
  ++slot->open_samples;
  slot->last_used_ns = now;
  sample.slot = index_of(*slot);
  if (slot->place == Place::ready) {
    sample.waits = kNone;
    sample.state = slot->free_states.back();
    slot->free_states.pop_back();
    return;
  }
  sample.waits = free_waiting_.back();
  free_waiting_.pop_back();
  Waiting& waiting = waiting_[sample.waits];
  waiting.sample = &sample;
  waiting.full_ns = 0;
  waiting.bytes->set_sample_bytes(sample_bytes(sample.shape));
  sample.state = waiting.bytes.get();
}

void ShapeCache::leave(OpenSample& sample) {
  Slot& slot = slots_[sample.slot];
  if (sample.waits != kNone) {
    waiting_[sample.waits].sample = nullptr;
    free_waiting_.push_back(sample.waits);
  } else {
    slot.free_states.push_back(sample.state);
  }
  sample.state = nullptr;
  --slot.open_samples;
  left(slot);
}

/// What no sample waits for any more is not asked for again.
void ShapeCache::left(Slot& slot) {
  const bool useless = slot.place == Place::refused || slot.place == Place::no_room;
  if (useless && slot.open_samples == 0) slot.place = Place::empty;
}

void ShapeCache::request(Slot& slot, Place as) {
  slot.place = as;
  requests_.push(index_of(slot));  // holds every place there is, and each is in it once
}

void ShapeCache::take_back() {
  for (uint32_t index; made_.pop(index);) {
    Slot& slot = slots_[index];
    switch (slot.outcome) {
      case Outcome::ready:
        slot.place = Place::ready;
        break;
      case Outcome::no_room:
        slot.place = Place::no_room;
        break;
      case Outcome::refused:
        slot.place = Place::refused;
        refused_[next_refused_++ % kRefusedKept] = slot.shape;
        break;
      case Outcome::out_of_memory:  // perhaps not the next time
        slot.place = Place::refused;
        break;
      case Outcome::freed:
        slot.place = Place::empty;
        break;
    }
    left(slot);
  }
}

void ShapeCache::tick(uint64_t now) {
  uint64_t held = 0;
  bool some_underway = false;
  for (const Slot& slot : slots_) {
    if (slot.place == Place::ready) held += slot.bytes;
    some_underway |= slot.place == Place::making || slot.place == Place::freeing;
  }
  if (some_underway) return;  // what they take is not known
  for (Slot& slot : slots_) {
    if (slot.place != Place::no_room) continue;
    if (held + slot.bytes <= budget_) return request(slot, Place::making);
    const Slot* given_up = victim(now, false);
    if (given_up != nullptr) request(slots_[index_of(*given_up)], Place::freeing);
    return;
  }
}

OpenSample* ShapeCache::next_decided(bool& has_plan) {
  for (const Waiting& waiting : waiting_) {
    if (waiting.sample == nullptr) continue;
    const Place place = slots_[waiting.sample->slot].place;
    has_plan = place == Place::ready;
    if (has_plan || place == Place::refused) return waiting.sample;
  }
  return nullptr;
}

uint64_t ShapeCache::adopt(OpenSample& sample, std::span<uint8_t* const> outputs, EmitListener* listener) {
  Slot& slot = slots_[sample.slot];
  Waiting& waiting = waiting_[sample.waits];
  sample.state = slot.free_states.back();
  slot.free_states.pop_back();
  sample.state->begin(outputs, nullptr);
  waiting.bytes->replay(*sample.state, listener);
  free_waiting_.push_back(sample.waits);
  sample.waits = kNone;
  waiting.sample = nullptr;
  return waiting.full_ns;
}

}  // namespace onpath
