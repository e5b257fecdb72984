// Ports of DPDK. The driver is a shared object of its own (native/dpdk), built against one DPDK release and
// loaded when the first port of its kind is opened: without it everything else works. Control path only;
// calls may take seconds.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "dataplane/port_abi.h"

namespace onpath {

/// How DPDK's environment (EAL) is started, once per process.
struct DpdkOptions {
  bool hugepages = true;     // false: ordinary memory
  uint32_t memory_mb = 0;    // 0: chosen by the driver
  bool telemetry = true;     // socket for dpdk-telemetry.py
  uint32_t log_level = 0;    // 0: nothing to stderr; 1 (emergency) to 8 (debug)
  int32_t control_cpu = -1;  // of the control thread; -1: any
  std::string file_prefix;   // empty: made from the process id
  std::string iova;          // "pa", "va", or empty: chosen by the driver
  std::string plugins;       // poll-mode drivers that come before the installed ones; empty: none
  std::vector<std::string> arguments;
};

struct DpdkPortConfig {
  std::string device;  // PCI address, or virtual device with its arguments
  uint32_t queues = 1;
  uint32_t transmit_queues = 1;
  uint32_t receive_descriptors = 1024;
  uint32_t transmit_descriptors = 1024;
  uint32_t mtu = 1500;        // 0: the device's own
  uint32_t buffer_bytes = 0;  // 0: a frame fits one
  uint32_t buffers = 0;       // 0: chosen from queues and descriptors
  bool promiscuous = false;
  bool all_multicast = false;
  /// ONPATH_OFFLOAD_* that may be used, and those of mlx5 to be switched on; of the latter, those to be
  /// switched off. In neither: as the device's driver has it.
  uint32_t offloads = ONPATH_OFFLOAD_CHECKSUMS | ONPATH_OFFLOAD_RSS | ONPATH_OFFLOAD_TIMESTAMPS |
                      ONPATH_OFFLOAD_STEERING | ONPATH_OFFLOAD_MARK | ONPATH_OFFLOAD_ALLOW_LIST;
  uint32_t offloads_off = 0;
  std::vector<std::array<uint8_t, 6>> multicast;
};

/// Loads the driver and starts its environment if that has not happened yet. No options: whatever runs, else
/// the defaults. Errors: DRIVER_MISSING, EAL_CONFLICT, EAL_FAILED, NO_HUGEPAGES, PERMISSION_DENIED,
/// INVALID_ARGUMENT.
Result<void> start_dpdk(const std::optional<DpdkOptions>& options);

/// Only after start_dpdk() succeeded. Errors: DEVICE_NOT_FOUND, DEVICE_IN_USE, INVALID_ARGUMENT, PORT_FAILED,
/// PERMISSION_DENIED, OUT_OF_MEMORY, NO_HUGEPAGES.
Result<const onpath_port*> open_dpdk_port(const DpdkPortConfig& config);

}  // namespace onpath
