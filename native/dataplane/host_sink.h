// Finished samples on their way to JavaScript. The worker writes outputs straight into a pooled buffer; the
// consumer reads them there and gives the buffer back.
#pragma once

#include <cstdint>
#include <memory>

#include "dataplane/config.h"
#include "plan/plan.h"
#include "wire/address.h"

namespace onpath {

/// What is known of a delivered sample beside its outputs. Times are CLOCK_MONOTONIC nanoseconds.
struct SampleInfo {
  uint64_t request_id = 0;
  Endpoint source;
  uint32_t ssrc = 0;
  uint32_t timestamp = 0;
  uint64_t first_packet_ns = 0;
  uint64_t last_packet_ns = 0;
  InputShape shape;
};

/// One filled buffer. outputs[i] points at `count` contiguous outputs of the plan's i-th format;
/// samples[0..count) are in the same order. Valid until release(buffer).
struct Delivery {
  uint64_t buffer = 0;
  uint32_t count = 0;
  const SampleInfo* samples = nullptr;
  uint8_t* const* outputs = nullptr;
  uint64_t version = 0;        // of the route: all of its samples were opened under this one
  const Plan* plan = nullptr;  // the version's
};

/// The consumer's side. Outlives the plane while a consumer holds it (buffers included). One consumer thread
/// at a time.
class HostSink {
 public:
  virtual ~HostSink() = default;
  /// The next filled buffer; false if there is none now.
  virtual bool next(Delivery& out) = 0;
  /// Gives a buffer back; each delivery exactly once.
  virtual void release(uint64_t buffer) = 0;
  /// Called from a thread of the plane after something became ready, and from inside on_ready() if something
  /// already is; calls are coalesced until next() has returned false. A null function detaches: after it
  /// returns no call is running or will come; so never attach or detach from inside `notify`.
  virtual void on_ready(void (*notify)(void*), void* context) = 0;
  /// Of the newest version of the route.
  virtual PlanPtr plan() const = 0;
  virtual uint32_t batch() const = 0;
};

}  // namespace onpath
