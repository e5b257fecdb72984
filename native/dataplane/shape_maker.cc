#include "dataplane/shape_maker.h"

#include <algorithm>
#include <new>

namespace onpath {

bool ShapeCache::make_next() {
  uint32_t index;
  if (!requests_.pop(index)) return false;
  Slot& slot = slots_[index];
  free_plan(slot);
  if (slot.place == Place::freeing) {
    slot.outcome = Outcome::freed;
  } else {
    try {
      slot.outcome = make(slot);
    } catch (const std::bad_alloc&) {
      slot.outcome = Outcome::out_of_memory;
    }
    if (slot.outcome != Outcome::ready) free_plan(slot);
  }
  made_.push(index);
  return true;
}

ShapeCache::Outcome ShapeCache::make(Slot& slot) {
  auto program = family_->program(slot.shape.width, slot.shape.height);
  if (!program) return Outcome::refused;
  slot.bytes = shape_bytes(program.value()->plan(), state_count_);
  if (slot.bytes > budget_) return Outcome::refused;
  if (slot.bytes > budget_ - held_bytes_) return Outcome::no_room;
  slot.free_states.reserve(state_count_);
  for (uint32_t i = 0; i < state_count_; ++i) {
    auto state = program.value()->make_state(Granularity::element);
    if (!state) return Outcome::out_of_memory;
    slot.free_states.push_back(state.value().get());
    slot.states.push_back(std::move(state).value());
  }
  slot.program = std::move(program).value();
  held_bytes_ += slot.bytes;
  return Outcome::ready;
}

void ShapeCache::free_plan(Slot& slot) {
  if (slot.program) held_bytes_ -= slot.bytes;
  slot.free_states.clear();
  slot.states.clear();
  slot.program.reset();
}

void ShapeMaker::add(std::shared_ptr<ShapeCache> cache) {
  const std::lock_guard lock(mutex_);
  caches_.push_back(std::move(cache));
}

void ShapeMaker::remove(const std::shared_ptr<ShapeCache>& cache) {
  const std::lock_guard lock(mutex_);
  std::erase(caches_, cache);
}

void ShapeMaker::start() {
  ControlThread::start("onpath-shapes", [this] { run(); });
}

bool ShapeMaker::asked() {
  const std::lock_guard lock(mutex_);
  return asked_now();
}

bool ShapeMaker::asked_now() const {
  return std::any_of(caches_.begin(), caches_.end(), [](const auto& cache) { return cache->has_requests(); });
}

void ShapeMaker::ring() {
  {
    const std::lock_guard lock(mutex_);
    if (!asked_now()) return;
    wanted_ = true;
  }
  changed_.notify_all();
}

bool ShapeMaker::stopping() {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

void ShapeMaker::make_all() {
  // One of each in turn: a route that is flooded with new shapes does not keep the others waiting.
  for (bool more = true; more;) {
    more = false;
    std::vector<std::shared_ptr<ShapeCache>> caches;
    {
      const std::lock_guard lock(mutex_);
      caches = caches_;
    }
    for (const auto& cache : caches) more |= !stopping() && cache->make_next();
  }
}

void ShapeMaker::run() {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || wanted_; });
      if (stopping_) return;
      wanted_ = false;
    }
    make_all();
  }
}

}  // namespace onpath
