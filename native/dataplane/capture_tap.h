// Where a capture meets a worker: packets are copied as they came, right after the port gave them, before
// anything is changed in place. Hot path: without a capture one load and a branch per burst; with one no
// lock, no allocation, no system call.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "dataplane/capture_ring.h"
#include "dataplane/counters.h"
#include "dataplane/port_abi.h"
#include "dataplane/route_table.h"

namespace onpath {

/// What a capture takes: packets of one port, or those whose headers name one route. Damaged ones are taken
/// too.
struct CaptureFilter {
  uint32_t port = 0;
  std::optional<uint32_t> route;
  std::shared_ptr<const RouteTable> routes;
};

/// One capture on one worker.
class CaptureTap {
 public:
  CaptureTap(CaptureFilter filter, uint32_t snap_length, Region ring)
      : filter_(std::move(filter)), snap_length_(snap_length), ring_(std::move(ring)) {}

  // Worker's side.

  void see(uint32_t port_index, const onpath_port& port, const onpath_packet* packets, uint32_t count,
           uint64_t now);

  // Writer's side.

  CaptureRing& ring() { return ring_; }
  uint64_t taken() const { return taken_.get(); }
  uint64_t missed() const { return missed_.get(); }

 private:
  bool wants(const onpath_port& port, const onpath_packet& packet) const;

  const CaptureFilter filter_;
  const uint32_t snap_length_;
  CaptureRing ring_;
  uint64_t told_missed_ = 0;
  Counter taken_, missed_;
};

/// A worker's place for captures. One thread at a time attaches and detaches.
class CapturePoint {
 public:
  static constexpr uint32_t kMost = 4;

  // Worker's side.

  bool any() const { return attached_.load(std::memory_order_relaxed) != 0; }
  void see(uint32_t port_index, const onpath_port& port, const onpath_packet* packets, uint32_t count,
           uint64_t now);

  // Any thread, one at a time.

  bool full() const { return attached_.load(std::memory_order_relaxed) == kMost; }
  /// Only if not full.
  void attach(CaptureTap& tap);
  /// When it returns, the worker does not touch the tap any more. Waits for at most one burst.
  void detach(CaptureTap& tap);

 private:
  std::atomic<uint32_t> attached_{0};
  std::atomic<CaptureTap*> in_use_{nullptr};  // the worker is in it
  std::array<std::atomic<CaptureTap*>, kMost> taps_{};
};

}  // namespace onpath
