// A worker: polls its queues of every port and takes each packet to its end before the next (run to
// completion). Hot path (poll_once): no lock, no allocation, no system call and no log line while packets
// arrive, but what a port itself is.
#pragma once

#include <poll.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/bell.h"
#include "dataplane/counters.h"
#include "dataplane/flow_cache.h"
#include "dataplane/lane.h"
#include "dataplane/local_host.h"
#include "dataplane/port_abi.h"
#include "dataplane/route_lane.h"
#include "dataplane/route_table.h"
#include "dataplane/rtcp_desk.h"
#include "dataplane/text_lane.h"
#include "dataplane/transmit_queue.h"
#include "dataplane/wake_fd.h"

namespace onpath {

class Worker {
 public:
  static constexpr uint32_t kBurst = 32;

  struct PortPart {
    const onpath_port* port = nullptr;
    std::vector<uint32_t> queues;  // this worker's, polled in turn
    std::unique_ptr<PortCounters> counters;
    std::unique_ptr<TransmitQueue> transmit;  // only if this worker sends there
    std::unique_ptr<LocalHost> host;          // only if the port has addresses
  };
  struct Parts {
    std::shared_ptr<const RouteTable> routes;
    std::vector<PortPart> ports;
    std::vector<std::unique_ptr<Lane>> lanes;           // by route; null where it takes texts
    std::vector<std::unique_ptr<TextLane>> text_lanes;  // by route; null where it takes images
    std::shared_ptr<WakeFd> wake;
    std::vector<std::shared_ptr<Announcer>> sinks;
    std::unique_ptr<RtcpDesk> rtcp;  // null: nobody here takes RTCP
    ShapeMaker* shapes = nullptr;    // only if some route takes many sizes
    Bell* bell = nullptr;            // null in tests that drive poll_once() themselves
    uint64_t idle_after_ns = 0;
    bool flow_cache = true;
  };
  explicit Worker(Parts parts);

  /// One round over all queues at the time `now`. Returns how many packets were taken to their end.
  uint32_t poll_once(uint64_t now);
  /// Ends everything that is open or staged; nothing may be polled afterwards.
  void finish(uint64_t now);

  /// First of all on the worker's thread: makes it known to the ports. Errors: PORT_FAILED; then run() must
  /// not be called.
  Result<void> begin_thread();
  /// The thread's body: polls until stop(), sleeps when nothing arrives.
  void run();
  /// From any thread.
  void stop();
  /// From the control side: a version that a route is to go on with. announce_versions() follows.
  void offer(size_t route, LaneVersion& version) { parts_.lanes[route]->offer(version); }
  void offer(size_t route, TextVersion& version) { parts_.text_lanes[route]->offer(version); }
  /// The next round begins with taking what was offered.
  void announce_versions();

  const WorkerCounters& counters() const { return counters_; }
  const PortCounters& port_counters(size_t port) const { return *parts_.ports[port].counters; }
  const RouteCounters& route_counters(size_t route) const { return routes_[route]->counters(); }
  /// Null: the route sends nothing again.
  const ForwardResender* resender(size_t route) const {
    return parts_.rtcp ? parts_.rtcp->resender(route) : nullptr;
  }

 private:
  /// One queue of one port, with the packets that wait for the consumer (backpressure).
  struct Queue {
    uint32_t port = 0;
    uint32_t queue = 0;
    uint32_t first = 0, last = 0;  // of `packets`: received, not taken to their end
    std::array<onpath_packet, kBurst> packets;
    FlowCache flows;
  };

  uint32_t poll_queue(Queue& queue, uint64_t now, bool give_up);
  bool take(Queue& queue, onpath_packet& packet, uint64_t now, bool give_up);
  bool take_apart(Queue& queue, onpath_packet& packet, uint64_t now, bool give_up);
  bool drop(const Queue& queue, DropReason reason);
  bool take_rtcp(const Queue& queue, const Datagram& datagram, uint64_t now);
  bool take_control(const Queue& queue, const onpath_packet& packet, DropReason reason, uint64_t now);
  void end_thread();
  void take_versions();
  void tick(uint64_t now);
  uint64_t next_tick_ns();
  bool holds_back() const;
  bool sends() const;
  void sleep();
  void wait(uint64_t now);

  static constexpr uint64_t kTickNs = 1'000'000;

  Parts parts_;
  std::vector<RouteLane*> routes_;  // of either kind
  std::vector<Queue> queues_;
  std::vector<pollfd> wait_fds_;
  bool can_wait_ = true;         // every queue has a wait_fd
  bool payload_is_read_ = true;  // by the route of the last sample: the next packet is likely of the same
  uint64_t next_tick_ = 0;
  WorkerCounters counters_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> versions_offered_{false};
  size_t begun_ports_ = 0;  // that know this thread
};

}  // namespace onpath
