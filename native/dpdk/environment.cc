#include "dpdk/environment.h"

#include <pthread.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>

#include "dpdk/log_ring.h"
#include "dpdk/preflight.h"

namespace onpath::dpdk {
namespace {

/// One per process, touched by the control thread only.
struct State {
  std::optional<Options> running;
  Outcome final_failure;  // DPDK cannot be started any more
};

State& state() {
  static auto* made = new State;
  return *made;
}

/// EAL leaves its folder behind; the socket in it goes by EAL's own exit handler, which runs before this one.
char* own_folder = nullptr;
void remove_own_folder() { rmdir(own_folder); }

void remove_folder_at_exit(const std::string& folder) {
  own_folder = strdup(folder.c_str());
  if (own_folder != nullptr) std::atexit(remove_own_folder);
}

Outcome start(const Options& options) {
  if (auto failure = check(options)) return failure;
  auto here = look_around(options);
  if (!here) return here.failure();
  if (!take_log(options.log_level))
    return Failure{"OUT_OF_MEMORY", "The stream for DPDK's log could not be made."};

  std::vector<std::string> arguments = eal_arguments(options, here.value());
  // EAL keeps pointers to its arguments, and swaps some.
  auto* kept = new std::vector<std::string>(std::move(arguments));
  auto* pointers = new std::vector<char*>;
  for (std::string& argument : *kept) pointers->push_back(argument.data());
  pointers->push_back(nullptr);

  const uint64_t mark = log_mark();
  const cpu_set_t cpus = own_cpus();
  remove_folder_at_exit(runtime_folder(file_prefix_of(options)));
  const int result = rte_eal_init(static_cast<int>(kept->size()), pointers->data());
  const int error = rte_errno;
  if (options.control_cpu < 0) pthread_setaffinity_np(pthread_self(), sizeof cpus, &cpus);
  if (result < 0) {
    std::string line;
    for (const std::string& argument : *kept) line += (line.empty() ? "" : " ") + argument;
    // Even where DPDK would start again, it keeps half of what the first attempt told it.
    state().final_failure =
        Failure{"EAL_FAILED", "DPDK's EAL did not start (" + std::string(rte_strerror(error)) + ")." +
                                  log_since(mark) + " Its arguments were: " + line +
                                  ". It cannot be started again in this process."};
    return state().final_failure;
  }
  state().running = options;
  return {};
}

}  // namespace

Outcome start_environment(const onpath_driver_options* asked) {
  const Options options = options_from(asked);
  if (state().final_failure) return state().final_failure;
  if (!state().running) return start(options);
  if (asked == nullptr) return {};
  const std::string difference = first_difference(options, *state().running);
  if (difference.empty()) return {};
  return Failure{"EAL_CONFLICT", "DPDK's EAL already runs in this process with other options: " + difference +
                                     ". It starts once: give the same options or none."};
}

const Options& running_options() { return *state().running; }

}  // namespace onpath::dpdk
