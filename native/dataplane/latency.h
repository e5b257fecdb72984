// How long what takes: from the wire to the sink for every sample, and stage by stage for one packet of every
// 64th burst. All times are CLOCK_MONOTONIC nanoseconds.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "dataplane/clock.h"
#include "dataplane/histogram.h"

namespace onpath {

/// A packet arrives at its port's timestamp, or without one when the worker began the round of polling that
/// found it.
enum class LatencyStage : uint8_t {
  // Of every sample that is complete. Host: until its buffer (with batches: the whole batch) became ready
  // for the consumer; of a text, its last part. Forward: until the port took its last packet.
  first_packet,  // from the arrival of its first packet
  last_packet,   // from the arrival of the packet that completed it
  // Of every buffer: host, from ready to taken by the consumer; forward, from staged to taken by the port.
  wait,
  // Of every 16th sample that is complete: from its last byte in place to its buffer ready or its last packet
  // staged.
  finish,
  // Of one packet of every 64th burst that is not empty, each time at another place of the burst.
  receive,   // the port's receive call, for the whole burst
  classify,  // from the worker's look at the packet to its bytes going to the program
  program,   // placing and transforming the packet's bytes; on an in-place route, rewriting them
};
inline constexpr size_t kLatencyStages = 7;
inline constexpr uint32_t kTimedBursts = 64;
inline constexpr uint32_t kTimedFinishes = 16;

/// As JavaScript and telemetry call it.
std::string_view latency_stage_name(LatencyStage stage);

/// One route on one worker. The worker writes, but `wait` of a host sink is its consumer's.
struct alignas(64) RouteLatency {
  std::array<Histogram, kLatencyStages> stages;

  void record(LatencyStage stage, uint64_t from_ns, uint64_t to_ns) {
    // A port's timestamp may be a little ahead of our clock.
    stages[static_cast<size_t>(stage)].record(to_ns > from_ns ? to_ns - from_ns : 0);
  }
};

/// By stage.
using LatencyCounts = std::array<HistogramCounts, kLatencyStages>;

/// Times one packet of every 64th burst, with readings of the clock before, between and after. A worker has
/// one; while no packet is timed, what the data path does of it is a branch on `timing`.
class PacketProbe {
 public:
  void enable() { bursts_left_ = kTimedBursts; }

  /// Before the port is asked: 0, or the time if the burst that comes is timed.
  uint64_t receive_begins() const { return bursts_left_ == 0 ? now_ns() : 0; }
  /// The timed burst came. Returns which of its packets is timed.
  uint32_t received(uint64_t begun, uint32_t packets) {
    receive_ns_ = now_ns() - begun;
    bursts_left_ = kTimedBursts;
    return turn_++ % packets;
  }
  /// A burst that was not empty came.
  void count_burst() { bursts_left_ -= bursts_left_ != kDisabled; }

  void packet_begins() {
    timing = true;
    route_ = nullptr;
    begun_ = now_ns();
  }
  void packet_ends();

  /// By the lane that has found where the packet's bytes go; null: nothing is measured.
  void program_begins(RouteLatency* route) {
    if (timing) [[unlikely]] {
      route_ = route;
      program_begun_ = now_ns();
    }
  }
  void program_ends() {
    if (timing) [[unlikely]]
      program_ended_ = now_ns();
  }

  bool timing = false;

 private:
  static constexpr uint32_t kDisabled = UINT32_MAX;

  uint32_t bursts_left_ = kDisabled;
  uint32_t turn_ = 0;
  uint64_t receive_ns_ = 0;
  uint64_t begun_ = 0, program_begun_ = 0, program_ended_ = 0;
  RouteLatency* route_ = nullptr;
};

/// When a sample that leaves through a transmit queue came, and when its last packet was staged.
struct LeavingSample {
  uint64_t first_packet_ns = 0;
  uint64_t last_packet_ns = 0;
  uint64_t staged_ns = 0;
};

}  // namespace onpath
