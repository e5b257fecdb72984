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
#include "dataplane/capture_tap.h"
#include "dataplane/counters.h"
#include "dataplane/fanout.h"
#include "dataplane/flow_cache.h"
#include "dataplane/lane.h"
#include "dataplane/latency.h"
#include "dataplane/local_host.h"
#include "dataplane/port_abi.h"
#include "dataplane/route_lane.h"
#include "dataplane/route_table.h"
#include "dataplane/rtcp_desk.h"
#include "dataplane/text_lane.h"
#include "dataplane/transmit_queue.h"
#include "dataplane/wake_fd.h"
#include "dataplane/worker_group.h"
#include "dataplane/worker_place.h"

namespace onpath {

class Worker {
 public:
  static constexpr uint32_t kBurst = 32;
  /// Of what is kept for one queue of a port.
  static const size_t kQueueBytes;

  struct PortPart {
    const onpath_port* port = nullptr;
    std::vector<uint32_t> queues;  // this worker's, polled in turn
    std::unique_ptr<PortCounters> counters;
    std::unique_ptr<TransmitQueue> transmit;               // only if this worker sends there
    std::unique_ptr<LocalHost> host;                       // only if the port has addresses
    std::vector<std::unique_ptr<Fanout>> fanouts;          // by queue of `queues`; empty: none is needed
    std::vector<std::shared_ptr<FanoutRing>> from_others;  // packets of this worker's streams
  };
  struct Parts {
    std::shared_ptr<const RouteTable> routes;
    std::vector<PortPart> ports;
    std::vector<std::unique_ptr<Lane>> lanes;           // by route; null where it takes texts
    std::vector<std::unique_ptr<TextLane>> text_lanes;  // by route; null where it takes images
    std::shared_ptr<WakeFd> wake;
    std::shared_ptr<WorkerGroup> group;
    uint32_t index = 0;  // in the group
    std::vector<std::shared_ptr<Announcer>> sinks;
    std::unique_ptr<RtcpDesk> rtcp;  // null: nobody here takes RTCP
    ShapeMaker* shapes = nullptr;    // only if some route takes many sizes
    Bell* bell = nullptr;            // null in tests that drive poll_once() themselves
    uint64_t idle_after_ns = 0;
    uint64_t max_sleep_ns = 0;  // at a time, if some queue can only be polled
    bool flow_cache = true;
    std::unique_ptr<PacketProbe> probe;
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

  /// It has no thread and will have none: others do not wait for what it might hand on.
  void never_run();
  /// Gives back to the ports what others were handed of their packets. Only when no worker runs.
  void take_back_all();

  // For the watchdog, from its thread.

  /// Whether the worker runs, and is not asleep: then counters().polls moves, or it hangs.
  bool is_polling() const { return life_.load(std::memory_order_acquire) == Life::polling; }
  bool has_ended() const { return life_.load(std::memory_order_acquire) == Life::ended; }
  /// Where it is now.
  WorkerPlace place() const;
  /// Of the thread, as the kernel numbers it.
  int thread_id() const { return thread_id_.load(std::memory_order_relaxed); }
  /// What is open will be given up when the worker moves again.
  void fence() { fence_.store(Fence::fenced, std::memory_order_release); }
  /// True once when a fenced worker has moved and given up what was open.
  bool take_recovered() {
    Fence recovered = Fence::recovered;
    return fence_.compare_exchange_strong(recovered, Fence::none, std::memory_order_acq_rel);
  }

  /// Packets that it received or was handed, and of which nothing came yet. Only while it does not move.
  uint64_t packets_in_hand() const;

  const WorkerCounters& counters() const { return counters_; }
  /// Where captures take packets from.
  CapturePoint& capture_point() { return capture_point_; }
  const PortCounters& port_counters(size_t port) const { return *parts_.ports[port].counters; }
  const RouteCounters& route_counters(size_t route) const { return routes_[route]->counters(); }
  /// Null: the route sends nothing again.
  const ForwardResender* resender(size_t route) const {
    return parts_.rtcp ? parts_.rtcp->resender(route) : nullptr;
  }

 private:
  /// Where packets come from: a port, by whatever way.
  struct Queue {
    uint32_t port = 0;
    FlowCache flows;
  };
  /// One queue of one port, with the packets that wait for the consumer (backpressure).
  struct PolledQueue : Queue {
    uint32_t queue = 0;
    uint32_t first = 0, last = 0;  // of `packets`: received, not taken to their end
    std::array<onpath_packet, kBurst> packets;
    Fanout* fanout = nullptr;  // null: every packet is this worker's
  };
  /// What another worker hands on of a queue it polls.
  struct HandedQueue : Queue {
    FanoutRing* ring = nullptr;
    bool held_back = false;  // its oldest packet waits for the consumer
  };
  enum class Life : uint8_t { starting, polling, sleeping, ended };
  enum class Fence : uint8_t { none, fenced, recovered };

  uint32_t poll_queue(PolledQueue& queue, uint64_t now, bool give_up);
  uint32_t poll_handed(HandedQueue& queue, uint64_t now, bool give_up);
  uint32_t receive(PolledQueue& queue, uint64_t now);
  uint32_t take_in_row(Queue& queue, onpath_packet* packets, uint32_t count, uint32_t timed, uint64_t now,
                       bool give_up);
  bool take_timed(Queue& queue, onpath_packet& packet, uint64_t now, bool give_up);
  uint32_t fan_out(PolledQueue& queue, uint64_t now);
  void enter(WorkerPlace::What what, uint32_t index) {
    place_.store(WorkerPlace::packed(what, index), std::memory_order_relaxed);
  }
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
  bool look_before_sleep();
  void wait(uint64_t now, uint64_t nap_ns);
  void recover(uint64_t now);
  void end_fanout();

  static constexpr uint64_t kTickNs = 1'000'000;

  Parts parts_;
  std::vector<RouteLane*> routes_;  // of either kind
  std::vector<PolledQueue> queues_;
  std::vector<HandedQueue> handed_;
  std::vector<pollfd> wait_fds_;
  bool can_wait_ = true;         // every queue has a wait_fd
  bool payload_is_read_ = true;  // by the route of the last sample: the next packet is likely of the same
  uint64_t next_tick_ = 0;
  WorkerCounters counters_;
  CapturePoint capture_point_;
  std::atomic<bool> stopping_{false};
  size_t begun_ports_ = 0;  // that know this thread
  std::atomic<bool> versions_offered_{false};
  std::atomic<uint64_t> place_{0};               // WorkerPlace, packed
  std::atomic<const RouteLane*> lane_{nullptr};  // of the packet that is being taken, once it is known
  std::atomic<Life> life_{Life::starting};
  std::atomic<Fence> fence_{Fence::none};
  std::atomic<int> thread_id_{0};
};

}  // namespace onpath
