// A plane's counters and ports as plain objects of JavaScript.
#pragma once

#include <napi.h>

#include <vector>

#include "dataplane/plane.h"

namespace onpath::addon {

napi_value stats_to_js(napi_env env, const PlaneStats& stats, uint64_t memory_bytes);
napi_value memory_to_js(napi_env env, const std::vector<MemoryItem>& items);
napi_value port_infos_to_js(napi_env env, const std::vector<onpath_port_info>& infos);

}  // namespace onpath::addon
