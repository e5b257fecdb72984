// Latency histograms as typed arrays of JavaScript.
#pragma once

#include <napi.h>

#include "dataplane/latency.h"

namespace onpath::addon {

/// By the stage's name: counts of buckets, sum, min, max. Stages of which nothing was recorded are there too.
napi_value latency_to_js(napi_env env, const LatencyCounts& latency);

}  // namespace onpath::addon
