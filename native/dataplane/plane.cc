// The plane around its parts: threads, statistics, close. Control path only.
#include "dataplane/plane.h"

#include <pthread.h>
#include <time.h>

#include <future>
#include <mutex>
#include <system_error>
#include <thread>

#include "dataplane/plane_parts.h"
#include "dataplane/plane_senders.h"
#include "dataplane/plane_versions.h"
#include "dataplane/threads.h"

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
  explicit RunningPlane(std::unique_ptr<PlaneParts> parts)
      : parts_(std::move(parts)), senders_(*parts_), versions_(*parts_) {
    for (const NamedPort& port : parts_->ports.list()) last_ports_.push_back({port.name, {}, 0, {}});
  }
  ~RunningPlane() override { RunningPlane::close(); }

  /// Throws std::system_error. Errors: PORT_FAILED.
  Result<void> start() {
    parts_->bell->start();
    if (parts_->shapes) parts_->shapes->start();
    using Begun = std::promise<Result<void>>;
    std::vector<std::shared_ptr<Begun>> begun;
    for (size_t w = 0; w < parts_->workers.size(); ++w) {
      Worker* worker = parts_->workers[w].get();
      const auto told = begun.emplace_back(std::make_shared<Begun>());
      threads_.push_back(start_thread("onpath-w" + std::to_string(w), [worker, told] {
        const Result<void> taken = worker->begin_thread();
        told->set_value(taken);
        if (taken) worker->run();
      }));
    }
    Result<void> all;
    for (const auto& told : begun) {
      if (auto taken = told->get_future().get(); !taken && all) all = taken;
    }
    return all;
  }

  void close() override {
    // Without the lock: what their owners are told may lead to questions to the plane.
    senders_.close();
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    closed_ = true;
    versions_.close();
    for (const auto& worker : parts_->workers) worker->stop();
    for (std::thread& thread : threads_) thread.join();
    versions_.free_unused();
    parts_->bell->stop();  // announces what the workers delivered last
    if (parts_->shapes) parts_->shapes->stop();
    read_port_counters(last_ports_);
    read_port_infos(last_infos_);
    parts_->ports.destroy();
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
    return senders_.open(port, std::move(config));
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

  uint64_t memory_bytes() const override {
    return parts_->memory_bytes + static_cast<uint64_t>(versions_.more_bytes());
  }

 private:
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

  RouteStats route_stats(size_t r) const {
    RouteStats stats;
    stats.name = parts_->routes[r].name;
    const std::vector<uint64_t> alive = versions_.alive(r);
    stats.version = alive.back();
    stats.versions_alive = alive.size();
    stats.versions_freed = versions_.freed(r);
    uint64_t sent = 0;
    for (const auto& worker : parts_->workers) {
      const RouteCounters& counters = worker->route_counters(r);
      stats.packets_used += counters.packets_used.get();
      stats.bytes_used += counters.bytes_used.get();
      stats.overlap_bytes += counters.overlap_bytes.get();
      stats.packets_forwarded += counters.packets_forwarded.get();
      stats.nacks_sent += counters.nacks_sent.get();
      stats.packets_repaired += counters.packets_repaired.get();
      stats.reports_sent += counters.reports_sent.get();
      if (const ForwardResender* resender = worker->resender(r)) {
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
    }
    uint64_t ended = stats.samples_complete;
    for (size_t i = 0; i < kDropReasonCount; ++i) {
      const auto reason = static_cast<DropReason>(i);
      if (drop_reason_scope(reason) == DropScope::sample && reason != DropReason::undelivered)
        ended += stats.drops[i];
    }
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
    return stats;
  }

  const std::unique_ptr<PlaneParts> parts_;
  PlaneSenders senders_;
  PlaneVersions versions_;
  mutable std::mutex mutex_;
  mutable std::vector<std::thread> threads_;
  std::vector<PortStats> last_ports_;  // counters as of close()
  std::vector<onpath_port_info> last_infos_;
  bool closed_ = false;
};

}  // namespace

Result<std::unique_ptr<Plane>> start_plane(PlaneConfig config) {
  auto parts = build_plane(std::move(config));
  if (!parts) return parts.error();
  try {
    auto plane = std::make_unique<RunningPlane>(std::move(parts).value());
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
