// The driver's table: the boundary, where failures become plain C and no exception passes.
#include <rte_version.h>

#include <cstdio>
#include <exception>
#include <new>

#include "dataplane/port_abi.h"
#include "dpdk/control_thread.h"
#include "dpdk/environment.h"
#include "dpdk/port.h"
#include "dpdk/telemetry.h"

namespace onpath::dpdk {
namespace {

void tell(onpath_failure* failure, const char* code, const char* message) {
  if (failure == nullptr) return;
  std::snprintf(failure->code, sizeof failure->code, "%s", code);
  std::snprintf(failure->message, sizeof failure->message, "%s", message);
}

/// Runs `body` on the control thread; false, with `failure` filled in, if it failed in whatever way.
template <class Body>
bool guarded(onpath_failure* failure, const Body& body) {
  try {
    Outcome outcome;
    ControlThread::get().run([&] { outcome = body(); });
    if (outcome) tell(failure, outcome->code, outcome->message.c_str());
    return !outcome;
  } catch (const std::bad_alloc&) {
    tell(failure, "OUT_OF_MEMORY", "There is not enough memory for DPDK's driver.");
  } catch (const std::exception& error) {
    tell(failure, "PORT_FAILED", error.what());
  }
  return false;
}

int start(const onpath_driver_options* options, onpath_failure* failure) {
  if (options != nullptr && options->size < sizeof(onpath_driver_options)) {
    tell(failure, "DRIVER_MISSING",
         "The DPDK driver is newer than the addon that loaded it. Install both anew.");
    return 0;
  }
  return guarded(failure, [&] { return start_environment(options); }) ? 1 : 0;
}

const onpath_port* open(const onpath_driver_port_options* options, onpath_failure* failure) {
  if (options == nullptr || options->size < sizeof(onpath_driver_port_options)) {
    tell(failure, "DRIVER_MISSING",
         "The DPDK driver is newer than the addon that loaded it. Install both anew.");
    return nullptr;
  }
  const onpath_port* opened = nullptr;
  guarded(failure, [&]() -> Outcome {
    if (auto outcome = start_environment(nullptr)) return outcome;
    auto port = open_port(*options);
    if (!port) return port.failure();
    opened = &port.value()->table;
    return {};
  });
  return opened;
}

int observe(const onpath_telemetry_command* commands, uint32_t count, onpath_failure* failure) {
  return guarded(failure, [&] { return register_commands({commands, count}); }) ? 1 : 0;
}

}  // namespace
}  // namespace onpath::dpdk

extern "C" __attribute__((visibility("default"))) const onpath_driver* onpath_driver_table(void) {
  static const onpath_driver table{sizeof(onpath_driver), ONPATH_DRIVER_ABI_VERSION, rte_version(),
                                   onpath::dpdk::start,   onpath::dpdk::open,        onpath::dpdk::observe};
  return &table;
}
