// How EAL is started: typed options, and their translation into the arguments EAL takes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/port_abi.h"
#include "dpdk/failure.h"

namespace onpath::dpdk {

/// onpath_driver_options in memory of its own.
struct Options {
  bool hugepages = true;
  uint32_t memory_mb = 0;
  bool telemetry = true;
  uint32_t log_level = 0;
  int32_t control_cpu = -1;
  std::string file_prefix;
  std::string iova;
  std::string plugins;
  std::vector<std::string> arguments;
};

/// The defaults for null.
Options options_from(const onpath_driver_options* options);

/// Refuses what is out of range, and every argument that would end the process or contradict a typed option.
/// Errors: INVALID_ARGUMENT.
Outcome check(const Options& options);

/// Names the first difference: `hugepages is false here and true there`; empty if there is none.
std::string first_difference(const Options& asked, const Options& running);

/// The prefix of EAL's runtime folder.
std::string file_prefix_of(const Options& options);

/// What can be known only on the machine.
struct Surroundings {
  std::string cpus;             // of the control thread, as in --lcores: "0,2"
  bool pci_bus = true;          // the PCI bus is among the plug-ins
  bool telemetry_ready = true;  // the runtime folder can hold a socket
  uint64_t ordinary_mb = 1024;  // for --no-huge when memory_mb is 0
};

/// The arguments of rte_eal_init, from the program name on.
std::vector<std::string> eal_arguments(const Options& options, const Surroundings& here);

}  // namespace onpath::dpdk
