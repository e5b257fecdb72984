// The open samples of one route on one worker: a fixed pool. The state of the sample in each place belongs to
// the version that the sample was opened under (lane_version.h).
#pragma once

#include <cstdint>

#include "dataplane/config.h"
#include "dataplane/open_pool.h"
#include "plan/program.h"

namespace onpath {

struct LaneVersion;

/// A sample that is being assembled.
struct OpenSample : OpenEntry {
  LaneVersion* version = nullptr;  // that it was opened under, and ends under
  SampleState* state = nullptr;
  uint8_t** outputs = nullptr;  // where they are placed now, one per output of the plan
  InputShape shape;
  uint64_t request_id = 0;
  uint64_t first_packet_ns = 0;
  uint64_t deadline_ns = 0;
  uint64_t missing_bytes = 0;  // of the input
  // A route with shapes: its shape's place in the cache, and where it waits for its plan.
  uint32_t slot = kNone;
  uint32_t waits = kNone;
  // Host sink: the place in a buffer.
  uint32_t buffer = kNone;
  uint32_t position = 0;
  // Forward sink: output bytes not sent yet, and whether any packet was lost on the way out.
  uint64_t unsent_bytes = 0;
  bool send_failed = false;
};

class SamplePool : public OpenPool<OpenSample> {
 public:
  /// Throws std::bad_alloc.
  explicit SamplePool(uint32_t count) : OpenPool(count) {}
};

}  // namespace onpath
