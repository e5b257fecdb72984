// The planes of this process as an observer beside it sees them, by DPDK's telemetry: which commands there
// are and what they answer. Control path only; nothing here is asked by the data path.
#pragma once

#include <cstdint>
#include <span>

#include "dataplane/port_abi.h"

namespace onpath {

class Plane;

/// A plane that answers while it runs: known by a number, the first of the process being 0. end() returns
/// when nobody asks it any more, so it comes before the plane's own end.
class ObservedPlane {
 public:
  ObservedPlane() = default;
  ObservedPlane(const ObservedPlane&) = delete;
  ObservedPlane& operator=(const ObservedPlane&) = delete;
  ~ObservedPlane() { end(); }

  void begin(const Plane& plane);
  /// Idempotent, any thread.
  void end();
};

/// Of every plane that runs. They last as long as the process.
std::span<const onpath_telemetry_command> telemetry_commands();

}  // namespace onpath
