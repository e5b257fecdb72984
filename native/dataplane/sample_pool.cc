#include "dataplane/sample_pool.h"

#include <utility>

namespace onpath {

Result<std::unique_ptr<SamplePool>> SamplePool::make(const Program& program, uint32_t count,
                                                     bool own_states) {
  std::unique_ptr<SamplePool> pool(new SamplePool);
  const size_t outputs = program.plan().outputs().size();
  pool->samples_.resize(count);
  pool->outputs_.resize(outputs * count);
  for (uint32_t i = 0; i < count; ++i) {
    pool->samples_[i].outputs = pool->outputs_.data() + outputs * i;
    pool->free_.push_back(count - 1 - i);
    if (!own_states) continue;
    auto state = program.make_state(Granularity::element);
    if (!state) return state.error();
    pool->samples_[i].state = state.value().get();
    pool->states_.push_back(std::move(state).value());
  }
  pool->free_count_ = count;
  return pool;
}

OpenSample& SamplePool::open() {
  const uint32_t index = free_[--free_count_];
  OpenSample& sample = samples_[index];
  sample.older = newest_;
  sample.newer = kNone;
  (newest_ == kNone ? oldest_ : samples_[newest_].newer) = index;
  newest_ = index;
  return sample;
}

void SamplePool::close(OpenSample& sample) {
  ++sample.ended;
  (sample.older == kNone ? oldest_ : samples_[sample.older].newer) = sample.newer;
  (sample.newer == kNone ? newest_ : samples_[sample.newer].older) = sample.older;
  free_[free_count_++] = index_of(sample);
}

}  // namespace onpath
