// A plane's counters as plain numbers of JavaScript.
#pragma once

#include <napi.h>

#include "dataplane/plane.h"

namespace onpath::addon {

napi_value stats_to_js(napi_env env, const PlaneStats& stats, uint64_t memory_bytes);

}  // namespace onpath::addon
