// The worker's end of a host sink: output buffers, the places in them, and batches. Results are written
// straight into a buffer; a finished buffer goes to the consumer by index. Hot path: no allocation, no lock,
// no system call.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "dataplane/config.h"
#include "dataplane/host_sink.h"
#include "dataplane/latency.h"
#include "dataplane/region.h"
#include "dataplane/sample_pool.h"
#include "dataplane/spsc_ring.h"
#include "dataplane/wake_fd.h"

namespace onpath {

/// Room for `batch` samples. Filled by the worker, then read by the consumer, never by both at a time.
struct HostBuffer {
  uint8_t** outputs = nullptr;    // per output of the plan: `batch` contiguous outputs
  SampleInfo* infos = nullptr;    // per position
  uint32_t* positions = nullptr;  // per position: kFree, kComplete, or the open sample that fills it
  uint32_t open = 0;
  uint32_t complete = 0;
  uint64_t first_complete_ns = 0;
  uint64_t ready_ns = 0;  // when it became the consumer's; 0: not measured
  bool taken = false;     // the consumer's: handed out by next(), not released yet
};

class HostLane {
 public:
  /// Errors: OUT_OF_MEMORY, LIMIT_EXCEEDED (sizes that overflow).
  static Result<std::unique_ptr<HostLane>> make(const Plan& plan, uint32_t slots,
                                                const HostSinkConfig& config,
                                                std::shared_ptr<WakeFd> worker_wake);
  /// Bytes that make() takes, or UINT64_MAX if that overflows.
  static uint64_t bytes_for(const Plan& plan, uint32_t slots, const HostSinkConfig& config);

  /// What stands in the way of another sample.
  enum class Room : uint8_t { yes, consumer_holds, samples_hold };

  /// Times of samples go there, from before the worker starts.
  void measure(std::shared_ptr<RouteLatency> latency) { latency_ = std::move(latency); }

  // Worker's side.

  /// Whether reserve() would succeed; takes back what the consumer released.
  Room room();
  /// Gives the sample a place; only after room() said yes.
  void reserve(OpenSample& sample, uint32_t sample_index);
  /// The sample died: its place is given to a later one.
  void abandon(const OpenSample& sample);
  /// The sample's outputs are all there. True if a buffer became ready for the consumer.
  bool complete(const OpenSample& sample, const SampleInfo& info, uint64_t now);
  /// Delivers partly filled buffers whose first sample has waited max_wait_ns. True if one became ready.
  bool tick(uint64_t now, SamplePool& samples);
  /// When tick() has something to do next; UINT64_MAX: nothing waits.
  uint64_t next_tick_ns() const;
  /// The worker ends and no sample is open any more: delivers what is complete. True if one became ready.
  bool flush();
  /// While true, a release wakes the worker.
  void wait_for_release(bool waiting) { worker_waits_.exchange(waiting, std::memory_order_acq_rel); }
  bool has_released() const { return !released_.empty(); }

  // Consumer's side.

  bool pop_ready(uint32_t& buffer) { return ready_.pop(buffer); }
  bool has_ready() const { return !ready_.empty(); }
  void push_released(uint32_t buffer);
  HostBuffer& buffer(uint32_t index) { return buffers_[index]; }
  /// The buffer was popped.
  void note_taken(const HostBuffer& buffer) {
    if (buffer.ready_ns != 0) latency_->record(LatencyStage::wait, buffer.ready_ns, now_ns());
  }
  uint32_t slots() const { return slots_; }

  static constexpr uint32_t kFree = UINT32_MAX;
  static constexpr uint32_t kComplete = UINT32_MAX - 1;

 private:
  HostLane(uint32_t slots, const HostSinkConfig& config, std::shared_ptr<WakeFd> worker_wake);

  /// A place in a buffer that is being filled, or a fresh buffer; never in `except`. False if there is none.
  bool find_place(uint32_t except, uint32_t& buffer, uint32_t& position);
  void occupy(OpenSample& sample, uint32_t sample_index, uint32_t buffer, uint32_t position);
  bool deliver_partly(uint32_t index, SamplePool* samples);
  void compact(HostBuffer& buffer);
  void copy_place(const HostBuffer& from, uint32_t from_position, const HostBuffer& to, uint32_t to_position);
  void deliver(uint32_t index);
  void note_ready(HostBuffer& buffer);
  void stop_filling(uint32_t index);
  void take_back();

  const uint32_t slots_;
  const uint32_t batch_;
  const uint64_t max_wait_ns_;
  std::vector<uint64_t> output_bytes_;
  Region outputs_;
  std::vector<HostBuffer> buffers_;
  std::vector<uint8_t*> output_pointers_;
  std::vector<SampleInfo> infos_;
  std::vector<uint32_t> positions_;
  std::vector<uint32_t> free_;     // a stack: the buffer released last is the warmest
  std::vector<uint32_t> filling_;  // oldest first
  SpscRing ready_;
  SpscRing released_;
  std::atomic<bool> worker_waits_{false};
  std::shared_ptr<WakeFd> worker_wake_;
  std::shared_ptr<RouteLatency> latency_;  // null: not measured
};

}  // namespace onpath
