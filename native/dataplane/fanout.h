// Software fan-out: where a port has fewer queues than the plane has workers, the worker that polls a queue
// hands packets to the worker that has their stream, by a hash of source and SSRC. A stream is always of one
// worker, so its packets keep their order; it changes only when a worker is fenced or recovers. What is no
// RTP in UDP stays with the worker that polls. Hot path: no allocation, no lock; the one system call wakes a
// worker that sleeps.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/counters.h"
#include "dataplane/fanout_ring.h"
#include "dataplane/port_abi.h"
#include "dataplane/worker_group.h"

namespace onpath {

/// Of one queue of one port, on the worker that polls it.
class Fanout {
 public:
  /// `rings` by worker, null for `self`; they outlive this. `seed` keeps senders from choosing their worker.
  Fanout(const onpath_port& port, uint32_t queue, uint32_t self, uint64_t seed,
         std::shared_ptr<WorkerGroup> group, std::vector<std::shared_ptr<FanoutRing>> rings);

  /// Places of each ring: together about as many packets as a port lets its callers keep.
  static uint32_t ring_packets(const onpath_port& port, uint32_t workers);

  /// Hands on the packets of other workers' streams; those that stay lie first then, in order. Returns how
  /// many stay; `dropped`: for which there was no room, given back to the port.
  uint32_t spread(onpath_packet* packets, uint32_t count, uint64_t now, uint32_t& dropped);
  /// Gives packets back to the port with which the others are done.
  void take_back();
  /// The same for all there are. Only when no other worker runs.
  void take_back_all();
  /// Nothing is handed on any more.
  void end();

 private:
  static constexpr uint32_t kBuckets = 1024;

  uint32_t worker_of(const onpath_packet& packet) const;
  void share_out(uint64_t live);

  const onpath_port& port_;
  const uint32_t queue_;
  const uint32_t self_;
  const uint64_t seed_;
  const bool ethernet_;
  const std::shared_ptr<WorkerGroup> group_;
  const std::vector<std::shared_ptr<FanoutRing>> rings_;
  uint64_t live_ = 0;  // as of share_out()
  std::array<uint8_t, kBuckets> workers_{};
};

}  // namespace onpath
