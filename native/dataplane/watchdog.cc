#include "dataplane/watchdog.h"

#include <sys/types.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <utility>

#include "dataplane/clock.h"

namespace onpath {
namespace {

constexpr uint64_t kTickNs = 100'000'000;
constexpr uint64_t kLeastTickNs = 1'000'000;

/// Nanoseconds that a thread has run; 0: unknown.
uint64_t cpu_of(int thread) {
  // As the kernel encodes the CPU clock of a thread: its number's complement, "per thread", "scheduler's".
  const auto clock = static_cast<clockid_t>(~static_cast<uint32_t>(thread) << 3 | 4u | 2u);
  timespec time;
  if (clock_gettime(clock, &time) != 0) return 0;
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

/// Whether it has a core or waits for one. A thread that cannot be asked about counts as not.
bool is_runnable(int thread) {
  std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/stat");
  std::string stat;
  if (!std::getline(file, stat)) return false;
  const size_t name_end = stat.rfind(") ");
  return name_end != std::string::npos && stat.size() > name_end + 2 && stat[name_end + 2] == 'R';
}

onpath_port_info info_of(const onpath_port& port) {
  onpath_port_info info{};
  info.size = sizeof info;
  if (port.info != nullptr) port.info(port.self, &info);
  return info;
}

std::string quoted(const std::string& name) { return '"' + name + '"'; }

}  // namespace

Watchdog::Watchdog(const PlaneParts& parts, uint64_t hang_ns, std::shared_ptr<EventLog> events)
    : parts_(parts),
      hang_ns_(hang_ns),
      tick_ns_(hang_ns == 0 ? kTickNs : std::clamp(hang_ns / 4, kLeastTickNs, kTickNs)),
      events_(std::move(events)),
      workers_(parts.workers.size()) {
  for (const NamedPort& named : parts.ports.list()) {
    const onpath_port_info info = info_of(*named.port);
    ports_.push_back({info.link_up != 0, info.removed != 0});
  }
}

void Watchdog::start() {
  ControlThread::start("onpath-watch", [this] { run(); });
}

void Watchdog::run() {
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, std::chrono::nanoseconds(tick_ns_), [this] { return stopping_; })) {
    lock.unlock();
    look(now_ns());
    lock.lock();
  }
}

void Watchdog::look(uint64_t now) {
  for (uint32_t w = 0; w < workers_.size(); ++w) look_at_worker(w, now);
  for (size_t p = 0; p < ports_.size(); ++p) look_at_port(p, now);
}

void Watchdog::look_at_worker(uint32_t index, uint64_t now) {
  WatchedWorker& watched = workers_[index];
  Worker& worker = *parts_.workers[index];
  if (watched.fenced.get() != 0) {
    if (!worker.take_recovered()) return;
    watched.fenced.set(0);
    watched.unmoved = 0;
    parts_.group->set_live(index, true);
    events_->push(
        {PlaneEvent::Kind::worker_recovered,
         now,
         index,
         {},
         "Worker " + std::to_string(index) + " gets on again; the samples it had open are given up."});
    return;
  }
  if (hang_ns_ == 0) return;
  const uint64_t polls = worker.counters().polls.get();
  if (polls != watched.polls || !worker.is_polling()) {
    watched.polls = polls;
    watched.unmoved = 0;
    watched.cpu_ns = cpu_of(worker.thread_id());
    return;
  }
  ++watched.unmoved;
  if (!hangs(watched, worker)) return;
  worker.fence();
  parts_.group->set_live(index, false);
  watched.fenced.set(1);
  watched.fences.add(1);
  events_->push({PlaneEvent::Kind::worker_fenced,
                 now,
                 index,
                 {},
                 "Worker " + std::to_string(index) + " has not got on for " +
                     std::to_string(watched.unmoved * tick_ns_ / 1'000'000) + " ms while " +
                     describe(worker.place(), parts_) + "."});
}

/// Looks are counted, not time: a machine that was stopped hangs no worker. Nor does one that is overloaded:
/// a worker that wants to run must have run for long.
bool Watchdog::hangs(const WatchedWorker& watched, const Worker& worker) const {
  if (watched.unmoved * tick_ns_ < hang_ns_) return false;
  const uint64_t ran = cpu_of(worker.thread_id()) - watched.cpu_ns;
  return ran >= hang_ns_ / 2 || !is_runnable(worker.thread_id());
}

void Watchdog::look_at_port(size_t index, uint64_t now) {
  const NamedPort& named = parts_.ports.list()[index];
  if (named.port->info == nullptr) return;
  const onpath_port_info info = info_of(*named.port);
  WatchedPort& watched = ports_[index];
  const bool removed = info.removed != 0, link_up = info.link_up != 0;
  const auto tell = [&](PlaneEvent::Kind kind, const std::string& cause) {
    events_->push({kind, now, 0, named.name, cause});
  };
  const std::string port = "port " + quoted(named.name);
  if (removed != watched.removed) {
    watched.removed = removed;
    if (removed) {
      tell(PlaneEvent::Kind::port_removed,
           "The device of " + port + " is gone: nothing arrives or leaves by it any more.");
    } else {
      tell(PlaneEvent::Kind::port_recovered, "The device of " + port + " is back.");
    }
  }
  if (link_up != watched.link_up) {
    watched.link_up = link_up;
    if (link_up) {
      tell(PlaneEvent::Kind::link_up, "The link of " + port + " is up.");
    } else {
      tell(PlaneEvent::Kind::link_down,
           removed ? "The link of " + port + " went with its device." : "The link of " + port + " is down.");
    }
  }
}

std::string Watchdog::describe(const WorkerPlace& place, const PlaneParts& parts) {
  const auto port = [&] {
    return "port " +
           quoted(place.port < parts.ports.list().size() ? parts.ports.list()[place.port].name : "");
  };
  switch (place.what) {
    case WorkerPlace::What::starting:
      return "starting";
    case WorkerPlace::What::receiving:
      return "receiving from " + port();
    case WorkerPlace::What::sending:
      return "sending by " + port();
    case WorkerPlace::What::ticking:
      return "looking at deadlines";
    case WorkerPlace::What::taking:
      break;
  }
  if (!place.route) return "reading a packet of " + port();
  return "working on a packet of route " + quoted(parts.routes[*place.route].name);
}

}  // namespace onpath
