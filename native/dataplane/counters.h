// Counters with one writer each, readable by anyone at any time: a plain add for the writer, no lock prefix,
// no shared line.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "base/drop_reason.h"

namespace onpath {

/// A number that one thread writes and others read.
class Counter {
 public:
  void add(uint64_t n) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void set(uint64_t n) { value_.store(n, std::memory_order_relaxed); }
  uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

using DropCounters = std::array<Counter, kDropReasonCount>;

inline void count_drop(DropCounters& drops, DropReason reason) { drops[static_cast<size_t>(reason)].add(1); }

/// One route on one worker.
struct alignas(64) RouteCounters {
  Counter packets_used, bytes_used, overlap_bytes;
  Counter samples_opened, samples_complete;
  Counter samples_sent;  // forward sinks: wholly accepted by the port
  Counter packets_forwarded;
  // Loss repair: packets asked for (as often as they were), packets that came then, receiver reports.
  Counter nacks_sent, packets_repaired, reports_sent;
  DropCounters drops;
};

/// One port on one worker: packets that left before a route was known, and packets that the port did not
/// send.
struct alignas(64) PortCounters {
  DropCounters drops;
  Counter
      control_packets;  // received and dealt with by the plane itself: ARP, neighbour discovery, ICMP, IGMP
};

struct alignas(64) WorkerCounters {
  Counter polls, empty_polls, sleeps, busy_ns;
  Counter cpu_ns;  // set when the thread ends
};

}  // namespace onpath
