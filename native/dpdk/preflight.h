// What is looked at before EAL starts: it starts once per process, so a common mistake must not be the one
// that uses it up.
#pragma once

#include <sched.h>

#include "dpdk/failure.h"
#include "dpdk/options.h"

namespace onpath::dpdk {

/// Errors: INVALID_ARGUMENT, NO_HUGEPAGES, PERMISSION_DENIED, OUT_OF_MEMORY.
Expected<Surroundings> look_around(const Options& options);

/// The CPUs that the calling thread may use.
cpu_set_t own_cpus();

/// Free hugepages in bytes, and in words: `3 of 512 pages of 2048 kB are free`.
struct Hugepages {
  uint64_t free_bytes = 0;
  std::string text;
};
Hugepages count_hugepages();

/// EAL's runtime folder: its telemetry socket lies there.
std::string runtime_folder(const std::string& file_prefix);

/// Removes what processes that were killed left in the runtime folder: those of `onpath-<process id>`.
void sweep_runtime_folders();

}  // namespace onpath::dpdk
