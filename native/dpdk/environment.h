// EAL, DPDK's environment: started once per process on the control thread, never cleaned up, because it
// cannot be started again.
#pragma once

#include "dataplane/port_abi.h"
#include "dpdk/failure.h"
#include "dpdk/options.h"

namespace onpath::dpdk {

/// Control thread only. Null options: whatever runs, else the defaults. Errors: those of check() and
/// look_around(), EAL_CONFLICT, EAL_FAILED.
Outcome start_environment(const onpath_driver_options* options);

/// What it runs with; only after it has started. Control thread only.
const Options& running_options();

}  // namespace onpath::dpdk
