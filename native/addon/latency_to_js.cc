#include "addon/latency_to_js.h"

#include <string>

#include "addon/output.h"

namespace onpath::addon {
namespace {

/// Counts below 2^53 are exact as float64.
napi_value counts_to_js(napi_env env, const HistogramCounts& counts) {
  void* memory = nullptr;
  napi_value buffer = nullptr, view = nullptr;
  const size_t size = counts.counts.size();
  if (napi_create_arraybuffer(env, size * sizeof(double), &memory, &buffer) != napi_ok ||
      napi_create_typedarray(env, napi_float64_array, size, buffer, 0, &view) != napi_ok) {
    return nullptr;
  }
  auto* to = static_cast<double*>(memory);
  for (size_t i = 0; i < size; ++i) to[i] = static_cast<double>(counts.counts[i]);
  return view;
}

}  // namespace

napi_value latency_to_js(napi_env env, const LatencyCounts& latency) {
  ObjectWriter stages(env);
  for (size_t stage = 0; stage < kLatencyStages; ++stage) {
    const HistogramCounts& counts = latency[stage];
    ObjectWriter histogram(env);
    histogram.set("counts", counts_to_js(env, counts)).count("sum", counts.sum);
    histogram.count("min", counts.min).count("max", counts.max);
    stages.set(std::string(latency_stage_name(static_cast<LatencyStage>(stage))).c_str(), histogram.value());
  }
  return stages.value();
}

}  // namespace onpath::addon
