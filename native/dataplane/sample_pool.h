// The open samples of one route on one worker: a fixed pool whose states were all made at start, kept in the
// order of opening (and so of deadlines). Hot path: no allocation, no lock, no system call.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "dataplane/config.h"
#include "dataplane/stream_table.h"
#include "plan/program.h"

namespace onpath {

/// A sample that is being assembled.
struct OpenSample {
  SampleState* state = nullptr;
  uint8_t** outputs = nullptr;  // where they are placed now, one per output of the plan
  InputShape shape;
  uint32_t timestamp = 0;
  uint32_t stream = kNone;  // into the stream table
  uint64_t ended = 0;       // how many samples have ended in this place: another number, another sample
  uint64_t request_id = 0;
  uint64_t first_packet_ns = 0;
  uint64_t deadline_ns = 0;
  uint64_t missing_bytes = 0;  // of the input
  uint32_t next_of_stream = kNone;
  uint32_t older = kNone, newer = kNone;
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

class SamplePool {
 public:
  /// Without states of their own, samples are given one when they are opened. Errors: OUT_OF_MEMORY.
  static Result<std::unique_ptr<SamplePool>> make(const Program& program, uint32_t count, bool own_states);

  bool full() const { return free_count_ == 0; }
  bool none_open() const { return oldest_ == kNone; }
  /// The sample that was opened first, or null.
  OpenSample* oldest() { return oldest_ == kNone ? nullptr : &samples_[oldest_]; }
  OpenSample* newer_than(const OpenSample& sample) {
    return sample.newer == kNone ? nullptr : &samples_[sample.newer];
  }

  /// Only if not full. The newest from now on.
  OpenSample& open();
  void close(OpenSample& sample);

  uint32_t index_of(const OpenSample& sample) const {
    return static_cast<uint32_t>(&sample - samples_.data());
  }
  OpenSample& at(uint32_t index) { return samples_[index]; }
  uint32_t capacity() const { return static_cast<uint32_t>(samples_.size()); }

 private:
  SamplePool() = default;

  std::vector<OpenSample> samples_;
  std::vector<std::unique_ptr<SampleState>> states_;
  std::vector<uint8_t*> outputs_;
  std::vector<uint32_t> free_;  // a stack: the state used last is the one in the caches
  uint32_t free_count_ = 0;
  uint32_t oldest_ = kNone, newest_ = kNone;
};

}  // namespace onpath
