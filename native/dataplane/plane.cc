// The plane around its parts: threads, statistics, close. Control path only.
#include "dataplane/plane.h"

#include <pthread.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <mutex>
#include <system_error>
#include <thread>

#include "dataplane/clock.h"
#include "dataplane/plane_captures.h"
#include "dataplane/plane_parts.h"
#include "dataplane/plane_senders.h"
#include "dataplane/plane_versions.h"
#include "dataplane/port_rules.h"
#include "dataplane/telemetry.h"
#include "dataplane/threads.h"
#include "dataplane/watchdog.h"

namespace onpath {
namespace {

void add_drops(DropCounts& to, const DropCounters& from) {
  for (size_t i = 0; i < kDropReasonCount; ++i) to[i] += from[i].get();
}

uint64_t cpu_of(std::thread& thread) {
  clockid_t clock;
  timespec time;
  if (pthread_getcpuclockid(thread.native_handle(), &clock) != 0 || clock_gettime(clock, &time) != 0)
    return 0;
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

class RunningPlane final : public Plane {
 public:
  RunningPlane(std::unique_ptr<PlaneParts> parts, const PlaneConfig& config)
      : parts_(std::move(parts)),
        close_timeout_(config.close_timeout_ns),
        rules_(*parts_),
        senders_(*parts_),
        captures_(*parts_),
        versions_(*parts_),
        watchdog_(*parts_, config.hang_ns, events_) {
    for (const NamedPort& port : parts_->ports.list()) last_ports_.push_back({port.name, {}, 0, {}});
  }
  ~RunningPlane() override { RunningPlane::close(); }

  /// Throws std::system_error. Errors: PORT_FAILED.
  Result<void> start() {
    rules_.tell();
    parts_->bell->start();
    if (parts_->shapes) parts_->shapes->start();
    using Begun = std::promise<Result<void>>;
    std::vector<std::shared_ptr<Begun>> begun;
    for (size_t w = 0; w < parts_->workers.size(); ++w) {
      const auto told = begun.emplace_back(std::make_shared<Begun>());
      auto ended = std::make_shared<std::promise<void>>();
      ended_.push_back(ended->get_future());
      // The thread has a part in all it touches, lest it hang for longer than the plane lives.
      threads_.push_back(start_thread("onpath-w" + std::to_string(w), [parts = parts_, w, told, ended] {
        Worker& worker = *parts->workers[w];
        const Result<void> taken = worker.begin_thread();
        told->set_value(taken);
        if (taken) worker.run();
        ended->set_value();
      }));
    }
    watchdog_.start();
    Result<void> all;
    for (const auto& told : begun) {
      if (auto taken = told->get_future().get(); !taken && all) all = taken;
    }
    if (all) observed_.begin(*this);
    return all;
  }

  void close() override {
    observed_.end();
    // Without the lock: what their owners are told may lead to questions to the plane.
    senders_.close();
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    closed_ = true;
    versions_.close();
    for (const auto& worker : parts_->workers) worker->stop();
    const bool all_ended = end_threads();
    versions_.free_unused();
    watchdog_.stop();
    captures_.close();
    parts_->bell->stop();  // announces what the workers delivered last
    if (parts_->shapes) parts_->shapes->stop();
    read_port_counters(last_ports_);
    read_port_infos(last_infos_);
    rules_.close();
    // Else the last thread that ends does it.
    if (all_ended) parts_->destroy_ports();
  }

  PlaneStats stats() const override {
    const std::lock_guard lock(mutex_);
    PlaneStats stats;
    stats.ports = last_ports_;
    if (!closed_) read_port_counters(stats.ports);
    for (size_t p = 0; p < stats.ports.size(); ++p) {
      for (const auto& worker : parts_->workers) {
        add_drops(stats.ports[p].drops, worker->port_counters(p).drops);
        stats.ports[p].control_packets += worker->port_counters(p).control_packets.get();
      }
    }
    for (size_t r = 0; r < parts_->routes.size(); ++r) stats.routes.push_back(route_stats(r));
    for (size_t w = 0; w < parts_->workers.size(); ++w) stats.workers.push_back(worker_stats(w));
    return stats;
  }

  void add_latency(std::optional<size_t> route, std::optional<size_t> worker,
                   LatencyCounts& to) const override {
    for (size_t w = 0; w < parts_->workers.size(); ++w) {
      for (size_t r = 0; r < parts_->routes.size(); ++r) {
        const RouteLatency* latency = parts_->workers[w]->route_counters(r).latency.get();
        if (latency == nullptr || w != worker.value_or(w) || r != route.value_or(r)) continue;
        for (size_t stage = 0; stage < kLatencyStages; ++stage) to[stage].add(latency->stages[stage]);
      }
    }
  }

  Result<std::shared_ptr<Capture>> start_capture(CaptureConfig config) override {
    return captures_.start(std::move(config));
  }

  std::shared_ptr<HostSink> host_sink(const std::string& route) const override {
    for (size_t r = 0; r < parts_->routes.size(); ++r) {
      if (parts_->routes[r].name == route) return parts_->sinks[r];
    }
    return nullptr;
  }

  std::shared_ptr<TextHostSink> text_sink(const std::string& route) const override {
    for (size_t r = 0; r < parts_->routes.size(); ++r) {
      if (parts_->routes[r].name == route) return parts_->text_sinks[r];
    }
    return nullptr;
  }

  std::vector<onpath_port_info> port_infos() const override {
    const std::lock_guard lock(mutex_);
    std::vector<onpath_port_info> infos = last_infos_;
    if (!closed_) read_port_infos(infos);
    return infos;
  }

  Result<std::unique_ptr<Sender>> open_sender(const std::string& port, SenderConfig config) override {
    const uint16_t own_port = config.source.port;
    const IpAddress receiver = config.destination.address;
    auto sender = senders_.open(port, std::move(config));
    // Afterwards: what is refused changes nothing. What it hears begins with what it sends.
    if (sender) rules_.add_sender(port, own_port, receiver);
    return sender;
  }

  Result<std::vector<uint64_t>> swap(const std::vector<RouteSwap>& swaps) override {
    return versions_.swap(swaps);
  }

  std::vector<uint64_t> versions(const std::string& route) const override {
    for (size_t r = 0; r < parts_->routes.size(); ++r) {
      if (parts_->routes[r].name == route) return versions_.alive(r);
    }
    return {};
  }

  std::vector<MemoryItem> memory() const override {
    std::vector<MemoryItem> items = parts_->memory->items();
    const uint64_t rings = captures_.memory_bytes();
    if (rings > 0) items.push_back({"plane", MemoryItem::kNoWorker, "capture rings", rings});
    return items;
  }
  uint64_t memory_bytes() const override {
    uint64_t total = 0;
    for (const MemoryItem& item : memory()) total += item.bytes;
    return total;
  }
  std::shared_ptr<EventLog> events() const override { return events_; }

 private:
  /// False: a worker hangs, and was left to itself.
  bool end_threads() {
    using Clock = std::chrono::steady_clock;
    constexpr std::chrono::seconds kGrace{1};  // of those who waited for one that hangs
    for (size_t w = threads_.size(); w < parts_->workers.size(); ++w) parts_->workers[w]->never_run();
    const auto wait_for_all = [this](Clock::time_point deadline) {
      bool all = true;
      for (const auto& ended : ended_) all = ended.wait_until(deadline) == std::future_status::ready && all;
      return all;
    };
    // Beyond a year it is as good as for ever, and fits the clock.
    const auto timeout = std::min<uint64_t>(close_timeout_, 365ull * 86'400 * 1'000'000'000);
    bool all = wait_for_all(Clock::now() + std::chrono::nanoseconds(timeout));
    if (!all) {
      parts_->group->abandon();
      all = wait_for_all(Clock::now() + kGrace);
    }
    abandoned_.resize(parts_->workers.size());
    for (size_t w = 0; w < threads_.size(); ++w) {
      if (ended_[w].wait_for(std::chrono::seconds(0)) == std::future_status::ready) {
        threads_[w].join();
        continue;
      }
      threads_[w].detach();
      abandoned_[w] = true;
      all = false;
      events_->push({PlaneEvent::Kind::worker_abandoned,
                     now_ns(),
                     static_cast<uint32_t>(w),
                     {},
                     "The plane was closed without worker " + std::to_string(w) + ", which hangs while " +
                         Watchdog::describe(parts_->workers[w]->place(), *parts_) +
                         ". Its thread, the ports and their memory stay."});
    }
    return all;
  }
  /// A worker that the plane was closed without, and that has not moved since.
  bool is_lost(size_t w) const { return closed_ && abandoned_[w] && !parts_->workers[w]->has_ended(); }

  void read_port_counters(std::vector<PortStats>& to) const {
    const auto& ports = parts_->ports.list();
    for (size_t p = 0; p < ports.size(); ++p) ports[p].port->counters(ports[p].port->self, &to[p].counters);
  }

  void read_port_infos(std::vector<onpath_port_info>& to) const {
    to.clear();
    for (const NamedPort& named : parts_->ports.list()) {
      onpath_port_info& info = to.emplace_back();
      info.size = sizeof info;
      info.numa_node = -1;
      if (named.port->info != nullptr) named.port->info(named.port->self, &info);
    }
  }

  static uint64_t ended_samples(const DropCounts& drops) {
    uint64_t ended = 0;
    for (size_t i = 0; i < kDropReasonCount; ++i) {
      const auto reason = static_cast<DropReason>(i);
      if (drop_reason_scope(reason) == DropScope::sample && reason != DropReason::undelivered)
        ended += drops[i];
    }
    return ended;
  }
  static uint64_t open_samples(const RouteCounters& counters) {
    DropCounts drops{};
    add_drops(drops, counters.drops);
    return counters.samples_opened.get() - counters.samples_complete.get() - ended_samples(drops);
  }

  RouteStats route_stats(size_t r) const {
    RouteStats stats;
    stats.name = parts_->routes[r].name;
    const std::vector<uint64_t> alive = versions_.alive(r);
    stats.version = alive.back();
    stats.versions_alive = alive.size();
    stats.versions_freed = versions_.freed(r);
    uint64_t sent = 0;
    for (size_t w = 0; w < parts_->workers.size(); ++w) {
      const RouteCounters& counters = parts_->workers[w]->route_counters(r);
      stats.packets_used += counters.packets_used.get();
      stats.bytes_used += counters.bytes_used.get();
      stats.overlap_bytes += counters.overlap_bytes.get();
      stats.packets_forwarded += counters.packets_forwarded.get();
      stats.nacks_sent += counters.nacks_sent.get();
      stats.packets_repaired += counters.packets_repaired.get();
      stats.reports_sent += counters.reports_sent.get();
      if (const ForwardResender* resender = parts_->workers[w]->resender(r)) {
        stats.nacks_received += resender->counters().nacks_received.get();
        stats.packets_resent += resender->counters().resent.get();
        stats.resends_refused += resender->counters().refused.get();
        stats.probes_sent += resender->counters().probes.get();
      }
      sent += counters.samples_sent.get();
      // Ends before beginnings: a sample that ends meanwhile must not look as if it had never begun.
      stats.samples_complete += counters.samples_complete.get();
      add_drops(stats.drops, counters.drops);
      stats.samples_opened += counters.samples_opened.get();
      if (is_lost(w)) stats.drops[static_cast<size_t>(DropReason::fenced)] += open_samples(counters);
    }
    const uint64_t ended = stats.samples_complete + ended_samples(stats.drops);
    stats.samples_open = stats.samples_opened > ended ? stats.samples_opened - ended : 0;
    if (parts_->sinks[r] == nullptr && parts_->text_sinks[r] == nullptr) {
      stats.samples_delivered = sent;
      return stats;
    }
    stats.samples_delivered =
        parts_->sinks[r] ? parts_->sinks[r]->samples_taken() : parts_->text_sinks[r]->samples_taken();
    if (closed_) {
      stats.drops[static_cast<size_t>(DropReason::undelivered)] =
          stats.samples_complete - stats.samples_delivered;
    }
    return stats;
  }

  WorkerStats worker_stats(size_t w) const {
    const WorkerCounters& counters = parts_->workers[w]->counters();
    WorkerStats stats;
    stats.polls = counters.polls.get();
    stats.empty_polls = counters.empty_polls.get();
    stats.sleeps = counters.sleeps.get();
    stats.busy_ns = counters.busy_ns.get();
    stats.cpu_ns = closed_ ? counters.cpu_ns.get() : cpu_of(threads_[w]);
    stats.fanned_out = counters.fanned_out.get();
    stats.fanned_in = counters.fanned_in.get();
    stats.fences = watchdog_.fences(w);
    stats.fenced = watchdog_.is_fenced(w) || is_lost(w);
    if (is_lost(w)) stats.packets_held = parts_->workers[w]->packets_in_hand();
    return stats;
  }

  const std::shared_ptr<PlaneParts> parts_;
  const uint64_t close_timeout_;
  const std::shared_ptr<EventLog> events_ = std::make_shared<EventLog>();
  PortRules rules_;
  PlaneSenders senders_;
  PlaneCaptures captures_;
  PlaneVersions versions_;
  Watchdog watchdog_;
  mutable std::mutex mutex_;
  mutable std::vector<std::thread> threads_;
  std::vector<std::future<void>> ended_;  // by thread
  std::vector<bool> abandoned_;           // by worker, from close() on
  std::vector<PortStats> last_ports_;     // counters as of close()
  std::vector<onpath_port_info> last_infos_;
  bool closed_ = false;
  ObservedPlane observed_;
};

}  // namespace

Result<std::unique_ptr<Plane>> start_plane(PlaneConfig config) {
  auto parts = build_plane(config);
  if (!parts) return parts.error();
  try {
    auto plane = std::make_unique<RunningPlane>(std::move(parts).value(), config);
    if (const auto ok = plane->start(); !ok) return ok.error();
    return std::unique_ptr<Plane>(std::move(plane));
  } catch (const std::system_error& error) {
    return Error{ErrorCode::PORT_FAILED,
                 std::string("The system refused a thread for a worker: ") + error.what() +
                     ". Raise the limit of threads (ulimit -u) or start fewer workers."};
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::OUT_OF_MEMORY, "The plane's threads could not be had. Ask for fewer workers."};
  }
}

}  // namespace onpath
