// Looks after a plane's workers and ports a few times a second, from a thread of its own. A worker that does
// not get on is fenced: the others get its share of what is fanned out, until it moves again. A port whose
// link or device goes or comes is an event. Control path only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/counters.h"
#include "dataplane/event_log.h"
#include "dataplane/plane_parts.h"
#include "dataplane/threads.h"

namespace onpath {

class Watchdog : private ControlThread {
 public:
  /// `parts` outlive it. `hang_ns` 0: no worker is ever fenced.
  Watchdog(const PlaneParts& parts, uint64_t hang_ns, std::shared_ptr<EventLog> events);
  ~Watchdog() { stop(); }

  /// Throws std::system_error.
  void start();
  using ControlThread::stop;

  /// One look at everything; the thread's, or a test's.
  void look(uint64_t now);

  /// How often a worker was fenced, and whether it is.
  uint64_t fences(size_t worker) const { return workers_[worker].fences.get(); }
  bool is_fenced(size_t worker) const { return workers_[worker].fenced.get() != 0; }
  /// "taking a packet of route \"photos\"" and the like.
  static std::string describe(const WorkerPlace& place, const PlaneParts& parts);

 private:
  struct WatchedWorker {
    uint64_t polls = UINT64_MAX;  // at the last look
    uint32_t unmoved = 0;         // looks since they changed
    uint64_t cpu_ns = 0;          // of its thread, when they had changed
    Counter fences, fenced;
  };
  struct WatchedPort {
    bool link_up = false, removed = false;
  };

  void run();
  void look_at_worker(uint32_t index, uint64_t now);
  void look_at_port(size_t index, uint64_t now);
  bool hangs(const WatchedWorker& watched, const Worker& worker) const;

  const PlaneParts& parts_;
  const uint64_t hang_ns_;
  const uint64_t tick_ns_;
  const std::shared_ptr<EventLog> events_;
  std::vector<WatchedWorker> workers_;
  std::vector<WatchedPort> ports_;
};

}  // namespace onpath
