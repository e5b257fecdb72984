#include "dataplane/sample_pool.h"

#include <utility>

namespace onpath {

Result<std::unique_ptr<SamplePool>> SamplePool::make(const Program& program, uint32_t count, uint32_t sources,
                                                     bool own_states) {
  std::unique_ptr<SamplePool> pool(new SamplePool(count, sources));
  const size_t outputs = program.plan().outputs().size();
  pool->outputs_.resize(outputs * count);
  for (uint32_t i = 0; i < count; ++i) {
    OpenSample& sample = pool->at(i);
    sample.outputs = pool->outputs_.data() + outputs * i;
    if (!own_states) continue;
    auto state = program.make_state(Granularity::element);
    if (!state) return state.error();
    sample.state = state.value().get();
    pool->states_.push_back(std::move(state).value());
  }
  return pool;
}

}  // namespace onpath
