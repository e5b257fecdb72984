// Questions of dpdk-telemetry.py that the driver passes on to whoever loaded it. Must not know what is asked.
#pragma once

#include <span>

#include "dataplane/port_abi.h"
#include "dpdk/failure.h"

namespace onpath::dpdk {

/// Control thread only, with EAL running. The commands stay for ever. Errors: PORT_FAILED.
Outcome register_commands(std::span<const onpath_telemetry_command> commands);

}  // namespace onpath::dpdk
