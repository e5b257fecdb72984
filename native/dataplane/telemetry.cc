#include "dataplane/telemetry.h"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "dataplane/plane.h"

namespace onpath {
namespace {

struct Registry {
  std::mutex mutex;  // held while a plane answers
  std::map<uint32_t, std::pair<const ObservedPlane*, const Plane*>> planes;
  uint32_t next = 0;
};

/// Never destroyed: DPDK's telemetry thread may ask until the process is gone.
Registry& registry() {
  static auto* const made = new Registry;
  return *made;
}

class Answer {
 public:
  explicit Answer(const onpath_telemetry_writer& writer) : to_(writer) {}

  void text(const char* name, const std::string& value) { to_.text(to_.self, name, value.c_str()); }
  void count(const char* name, uint64_t value) { to_.count(to_.self, name, value); }
  template <class Body>
  void inside(const std::string& name, Body body) {
    to_.begin(to_.self, name.c_str());
    body();
    to_.end(to_.self);
  }

 private:
  const onpath_telemetry_writer& to_;
};

/// "0/photos". Where the name has other characters than the answer takes, its place stands for it.
std::string key_of(uint32_t plane, const std::string& name, size_t place) {
  const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return c < 128 && (std::isalnum(c) != 0 || c == '_');
  });
  return std::to_string(plane) + '/' + (plain ? name : std::to_string(place));
}

/// Whether a thing was asked for: by its name, by plane and name, or with all others.
bool asked(std::string_view wanted, const std::string& key, const std::string& name) {
  return wanted.empty() || wanted == name || wanted == key ||
         (wanted.ends_with('/') && key.starts_with(wanted));
}

/// Those that are not zero, such as rx_drop_no_route_packets.
void add_drops(Answer& answer, const DropCounts& drops) {
  for (size_t i = 0; i < kDropReasonCount; ++i) {
    const auto reason = static_cast<DropReason>(i);
    if (drops[i] == 0) continue;
    const bool sample = drop_reason_scope(reason) == DropScope::sample;
    answer.count(
        ("drop_" + std::string(drop_reason_name(reason)) + (sample ? "_samples" : "_packets")).c_str(),
        drops[i]);
  }
}

void add_port(Answer& answer, const PortStats& port, const onpath_port_info& info) {
  answer.text("name", port.name);
  answer.text("driver", info.driver);
  answer.text("device", info.device);
  answer.count("link_up", info.link_up);
  answer.count("removed", info.removed);
  answer.count("rx_good_packets", port.counters.rx_packets);
  answer.count("rx_good_bytes", port.counters.rx_bytes);
  answer.count("rx_missed_packets", port.counters.rx_missed);
  answer.count("rx_control_packets", port.control_packets);
  answer.count("tx_good_packets", port.counters.tx_packets);
  answer.count("tx_good_bytes", port.counters.tx_bytes);
  add_drops(answer, port.drops);
}

void add_route(Answer& answer, const RouteStats& route) {
  answer.text("name", route.name);
  answer.count("rx_used_packets", route.packets_used);
  answer.count("rx_used_bytes", route.bytes_used);
  answer.count("rx_overlap_bytes", route.overlap_bytes);
  answer.count("tx_forwarded_packets", route.packets_forwarded);
  answer.count("opened_samples", route.samples_opened);
  answer.count("open_samples", route.samples_open);
  answer.count("complete_samples", route.samples_complete);
  answer.count("delivered_samples", route.samples_delivered);
  add_drops(answer, route.drops);
}

void add_worker(Answer& answer, const WorkerStats& worker) {
  answer.count("polls", worker.polls);
  answer.count("empty_polls", worker.empty_polls);
  answer.count("sleeps", worker.sleeps);
  answer.count("busy_ns", worker.busy_ns);
  answer.count("cpu_ns", worker.cpu_ns);
}

void add_latency(Answer& answer, const LatencyCounts& latency) {
  for (size_t stage = 0; stage < kLatencyStages; ++stage) {
    const HistogramCounts& counts = latency[stage];
    const uint64_t count = counts.count();
    if (count == 0) continue;
    answer.inside(std::string(latency_stage_name(static_cast<LatencyStage>(stage))), [&] {
      answer.count("count", count);
      answer.count("min_ns", std::min(counts.min, counts.max));
      answer.count("mean_ns", counts.sum / count);
      answer.count("p50_ns", counts.percentile(500));
      answer.count("p90_ns", counts.percentile(900));
      answer.count("p99_ns", counts.percentile(990));
      answer.count("p999_ns", counts.percentile(999));
      answer.count("max_ns", counts.max);
    });
  }
}

/// Calls `body(number, plane)` for every plane while none of them can end. 1.
template <class Body>
int each_plane(Body body) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  for (const auto& [number, plane] : all.planes) body(number, *plane.second);
  return 1;
}

/// The same for the things of a kind that were asked for, each in a dictionary of its own: `things(stats)` is
/// a list of what has a name, `body(plane, place, thing)` writes one. 0 if there is none of that name.
template <class Things, class Body>
int each_thing(const char* parameters, Answer& answer, Things things, Body body) {
  const std::string_view wanted = parameters == nullptr ? "" : parameters;
  size_t found = 0;
  each_plane([&](uint32_t number, const Plane& plane) {
    const PlaneStats stats = plane.stats();
    size_t place = 0;
    for (const auto& thing : things(stats)) {
      const std::string key = key_of(number, thing.name, place);
      if (asked(wanted, key, thing.name)) {
        ++found;
        answer.inside(key, [&] { body(plane, place, thing); });
      }
      ++place;
    }
  });
  return found > 0 || wanted.empty() ? 1 : 0;
}

const std::vector<PortStats>& ports_of(const PlaneStats& stats) { return stats.ports; }
const std::vector<RouteStats>& routes_of(const PlaneStats& stats) { return stats.routes; }

int answer_info(const char*, const onpath_telemetry_writer* writer) {
  Answer answer(*writer);
  uint64_t planes = 0, ports = 0, routes = 0, workers = 0, memory = 0;
  each_plane([&](uint32_t, const Plane& plane) {
    const PlaneStats stats = plane.stats();
    ++planes;
    ports += stats.ports.size();
    routes += stats.routes.size();
    workers += stats.workers.size();
    memory += plane.memory_bytes();
  });
  answer.count("pid", static_cast<uint64_t>(getpid()));
  answer.count("planes", planes);
  answer.count("ports", ports);
  answer.count("routes", routes);
  answer.count("workers", workers);
  answer.count("memory_bytes", memory);
  return 1;
}

int answer_planes(const char*, const onpath_telemetry_writer* writer) {
  Answer answer(*writer);
  return each_plane([&](uint32_t number, const Plane& plane) {
    const PlaneStats stats = plane.stats();
    answer.inside(std::to_string(number), [&] {
      answer.count("ports", stats.ports.size());
      answer.count("routes", stats.routes.size());
      answer.count("workers", stats.workers.size());
      answer.count("memory_bytes", plane.memory_bytes());
    });
  });
}

int answer_ports(const char* parameters, const onpath_telemetry_writer* writer) {
  Answer answer(*writer);
  return each_thing(parameters, answer, ports_of,
                    [&](const Plane& plane, size_t place, const PortStats& port) {
                      const auto infos = plane.port_infos();
                      add_port(answer, port, place < infos.size() ? infos[place] : onpath_port_info{});
                    });
}

int answer_routes(const char* parameters, const onpath_telemetry_writer* writer) {
  Answer answer(*writer);
  return each_thing(parameters, answer, routes_of,
                    [&](const Plane&, size_t, const RouteStats& route) { add_route(answer, route); });
}

int answer_workers(const char*, const onpath_telemetry_writer* writer) {
  Answer answer(*writer);
  return each_plane([&](uint32_t number, const Plane& plane) {
    const PlaneStats stats = plane.stats();
    for (size_t w = 0; w < stats.workers.size(); ++w) {
      answer.inside(std::to_string(number) + '/' + std::to_string(w),
                    [&] { add_worker(answer, stats.workers[w]); });
    }
  });
}

int answer_latency(const char* parameters, const onpath_telemetry_writer* writer) {
  Answer answer(*writer);
  return each_thing(parameters, answer, routes_of, [&](const Plane& plane, size_t place, const RouteStats&) {
    const auto latency = std::make_unique<LatencyCounts>();
    plane.add_latency(place, std::nullopt, *latency);
    add_latency(answer, *latency);
  });
}

int answer_drops(const char*, const onpath_telemetry_writer* writer) {
  Answer answer(*writer);
  DropCounts all{};
  each_plane([&](uint32_t, const Plane& plane) {
    const PlaneStats stats = plane.stats();
    const auto add = [&](const DropCounts& drops) {
      for (size_t i = 0; i < kDropReasonCount; ++i) all[i] += drops[i];
    };
    for (const PortStats& port : stats.ports) add(port.drops);
    for (const RouteStats& route : stats.routes) add(route.drops);
  });
  add_drops(answer, all);
  return 1;
}

constexpr onpath_telemetry_command kCommands[] = {
    {"/onpath/info", "Process, and sums over its planes. No parameters.", answer_info},
    {"/onpath/planes", "The planes that run. No parameters.", answer_planes},
    {"/onpath/ports", "Counters of ports. Parameter: a name, plane/name, or none for all.", answer_ports},
    {"/onpath/routes", "Counters of routes. Parameter: a name, plane/name, or none for all.", answer_routes},
    {"/onpath/workers", "Polls and processor time of workers. No parameters.", answer_workers},
    {"/onpath/latency", "Latency of routes, stage by stage. Parameter: a name, plane/name, or none for all.",
     answer_latency},
    {"/onpath/drops", "Drops by reason, over all planes. No parameters.", answer_drops},
};

}  // namespace

void ObservedPlane::begin(const Plane& plane) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  all.planes.emplace(all.next++, std::pair{this, &plane});
}

void ObservedPlane::end() {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  std::erase_if(all.planes, [this](const auto& entry) { return entry.second.first == this; });
}

std::span<const onpath_telemetry_command> telemetry_commands() { return kCommands; }

}  // namespace onpath
