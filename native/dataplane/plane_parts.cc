#include "dataplane/plane_parts.h"

#include <sys/random.h>

#include <algorithm>
#include <new>
#include <utility>

#include "dataplane/clock.h"

namespace onpath {
namespace {

uint64_t random_bits() {
  uint64_t bits = 0;
  if (getrandom(&bits, sizeof bits, GRND_NONBLOCK) != static_cast<ssize_t>(sizeof bits))
    bits = now_ns() * 0x9e3779b97f4a7c15u;
  return bits;
}

/// Makes the workers of a checked configuration, part by part.
class Builder {
 public:
  Builder(PlaneConfig& config, PlaneParts& parts) : config_(config), parts_(parts) {}

  Result<void> build() {
    if (auto ok = make_route_table(); !ok) return ok;
    if (auto ok = make_wakes(); !ok) return ok;
    if (auto ok = make_sinks(); !ok) return ok;
    make_hosts();
    make_repairs();
    if (std::any_of(config_.routes.begin(), config_.routes.end(),
                    [](const RouteConfig& route) { return route.shapes.has_value(); }))
      parts_.shapes = std::make_unique<ShapeMaker>();
    parts_.bell = std::make_unique<Bell>(announcers_, parts_.shapes.get());
    for (uint32_t w = 0; w < config_.workers; ++w) {
      if (auto ok = make_worker(w); !ok) return ok;
    }
    return {};
  }

 private:
  uint32_t port_index(const std::string& name) const {
    uint32_t index = 0;
    while (config_.ports[index].name != name) ++index;
    return index;
  }

  Result<void> make_route_table() {
    std::vector<RouteTable::Entry> entries;
    for (const RouteConfig& route : config_.routes) {
      entries.push_back({route.name, port_index(route.port), route.udp_port, route.payload_type});
    }
    auto table = RouteTable::make(entries, static_cast<uint32_t>(config_.ports.size()));
    if (!table) return table.error();
    route_table_ = std::make_shared<const RouteTable>(std::move(table).value());
    parts_.memory_bytes += route_table_->bytes();
    return {};
  }

  Result<void> make_wakes() {
    for (uint32_t w = 0; w < config_.workers; ++w) {
      auto wake = WakeFd::make();
      if (!wake) return wake.error();
      parts_.wakes.push_back(std::move(wake).value());
    }
    return {};
  }

  /// The first version of every route, but for the workers' parts of it, and the sinks over them.
  Result<void> make_sinks() {
    const size_t routes = config_.routes.size();
    parts_.sinks.resize(routes);
    parts_.text_sinks.resize(routes);
    parts_.versions.resize(routes);
    first_ssrc_.resize(routes);
    for (size_t r = 0; r < routes; ++r) {
      const RouteConfig& route = config_.routes[r];
      if (const auto* forward = std::get_if<ForwardSinkConfig>(&route.sink))
        first_ssrc_[r] = first_ssrc(*forward);
      auto version = make_version(route, 1, parts_.wakes);
      if (!version) return version.error();
      if (const auto& host = version.value()->host) {
        parts_.sinks[r] = std::make_shared<SharedHostSink>(host, std::get<HostSinkConfig>(route.sink).batch);
        announcers_.push_back(parts_.sinks[r]);
      }
      if (const auto& host = version.value()->text_host) {
        parts_.text_sinks[r] = std::make_shared<SharedTextSink>(host);
        announcers_.push_back(parts_.text_sinks[r]);
      }
      parts_.versions[r].alive.push_back(std::move(version).value());
    }
    return {};
  }

  /// A host follows as many next hops as forward sinks and senders can have.
  void make_hosts() {
    for (const NamedPort& named : config_.ports) {
      std::shared_ptr<PortHost>& host = parts_.hosts.emplace_back();
      if (!named.host) continue;
      const uint32_t first_sender = first_sender_queue(*named.port, config_.workers);
      uint32_t next_hops =
          named.port->transmit_queues > first_sender ? named.port->transmit_queues - first_sender : 0;
      for (const RouteConfig& route : config_.routes) {
        const auto* forward = std::get_if<ForwardSinkConfig>(&route.sink);
        next_hops += forward != nullptr && forward->port == named.name;
      }
      host = std::make_shared<PortHost>(*named.host, mac_at(named.port->mac), next_hops, parts_.wakes[0]);
      parts_.memory_bytes += host->neighbours.bytes();
    }
  }

  void make_repairs() {
    std::vector<uint32_t> ports;
    for (const RouteConfig& route : config_.routes) ports.push_back(port_index(route.port));
    repairs_ = std::make_unique<RepairParts>(config_, std::move(ports), first_ssrc_);
    parts_.sender_inboxes = repairs_->sender_inboxes();
    parts_.memory_bytes += repairs_->sender_bytes();
  }

  /// Only for routes with repair, as the port then is one that this worker sends by.
  Result<void> repair(uint32_t w, size_t r, RouteLane& lane, StreamTable* streams, RouteCounters* counters,
                      Worker::Parts& worker) {
    if (!config_.routes[r].repair) return {};
    const uint32_t port = port_index(config_.routes[r].port);
    const PortHost* host = parts_.hosts[port].get();
    return repairs_->repair(
        r, lane,
        {streams, worker.ports[port].port, &transmit_queue(worker.ports[port], w),
         host == nullptr ? nullptr : &host->addresses, counters, static_cast<uint32_t>(random_bits())});
  }

  static uint32_t first_ssrc(const ForwardSinkConfig& config) {
    return config.ssrc != 0 ? config.ssrc : static_cast<uint32_t>(random_bits());
  }

  Result<void> make_worker(uint32_t w) {
    Worker::Parts worker;
    worker.routes = route_table_;
    worker.wake = parts_.wakes[w];
    worker.sinks = announcers_;
    worker.bell = parts_.bell.get();
    worker.shapes = parts_.shapes.get();
    worker.idle_after_ns = config_.idle_after_ns;
    worker.flow_cache = config_.flow_cache;
    for (const NamedPort& named : config_.ports) {
      Worker::PortPart& part = worker.ports.emplace_back();
      part.port = named.port;
      part.counters = std::make_unique<PortCounters>();
      for (uint32_t q = w; q < named.port->queues; q += config_.workers) {
        part.queues.push_back(q);
        parts_.memory_bytes += sizeof(FlowCache);
      }
      if (const auto& host = parts_.hosts[worker.ports.size() - 1]) {
        // The first worker keeps the timers: every port has a queue for it to send by.
        part.host = std::make_unique<LocalHost>(host, *named.port, transmit_queue(part, w), w == 0,
                                                config_.workers > 1, random_bits());
      }
    }
    repairs_->begin_worker(w);
    worker.lanes.resize(config_.routes.size());
    worker.text_lanes.resize(config_.routes.size());
    for (size_t r = 0; r < config_.routes.size(); ++r) {
      if (config_.routes[r].text) {
        auto lane = make_text_lane(w, r, worker);
        if (!lane) return lane.error();
        worker.text_lanes[r] = std::move(lane).value();
      } else {
        auto lane = make_lane(w, r, worker);
        if (!lane) return lane.error();
        worker.lanes[r] = std::move(lane).value();
      }
    }
    worker.rtcp = repairs_->make_desk();
    parts_.workers.push_back(std::make_unique<Worker>(std::move(worker)));
    return {};
  }

  Result<std::unique_ptr<Lane>> make_lane(uint32_t w, size_t r, Worker::Parts& worker) {
    const RouteConfig& route = config_.routes[r];
    Lane::Parts lane;
    auto counters = std::make_unique<RouteCounters>();
    lane.streams = std::make_unique<StreamTable>(route.max_streams, random_bits());
    lane.samples = std::make_unique<SamplePool>(route.open_samples);
    if (auto ok = add_version(w, r, worker, *counters); !ok) return ok.error();
    lane.version = parts_.versions[r].alive[0]->lanes[w].get();
    if (lane.version->shapes) parts_.shapes->add(lane.version->shapes);
    lane.host_sink = parts_.sinks[r];
    StreamTable* const streams = lane.streams.get();
    RouteCounters* const counted = counters.get();
    auto made = std::make_unique<Lane>(route, port_index(route.port), std::move(counters), std::move(lane));
    if (auto ok = repair(w, r, *made, streams, counted, worker); !ok) return ok.error();
    return made;
  }

  Result<std::unique_ptr<TextLane>> make_text_lane(uint32_t w, size_t r, Worker::Parts& worker) {
    const RouteConfig& route = config_.routes[r];
    TextLane::Parts lane;
    auto counters = std::make_unique<RouteCounters>();
    lane.streams = std::make_unique<StreamTable>(route.max_streams, random_bits());
    lane.texts = std::make_unique<TextPool>(*route.text, route.open_samples);
    if (auto ok = add_version(w, r, worker, *counters); !ok) return ok.error();
    lane.version = parts_.versions[r].alive[0]->texts[w].get();
    StreamTable* const streams = lane.streams.get();
    RouteCounters* const counted = counters.get();
    auto made =
        std::make_unique<TextLane>(route, port_index(route.port), std::move(counters), std::move(lane));
    if (auto ok = repair(w, r, *made, streams, counted, worker); !ok) return ok.error();
    return made;
  }

  Result<OutgoingPath> outgoing_path(size_t r, const ForwardSinkConfig& forward,
                                     const Worker::Parts& worker) {
    const uint32_t target = port_index(forward.port);
    auto path =
        OutgoingPath::make(*worker.ports[target].port, forward.source, forward.destination,
                           forward.destination_mac, forward.max_payload_bytes, parts_.hosts[target].get());
    if (path) return path;
    return Error{ErrorCode::INVALID_SPEC,
                 "Route \"" + config_.routes[r].name + "\": " + path.error().message};
  }

  TransmitQueue& transmit_queue(Worker::PortPart& port, uint32_t w) {
    if (!port.transmit) {
      port.transmit = std::make_unique<TransmitQueue>(*port.port, w, port.counters->drops);
      parts_.memory_bytes += sizeof(TransmitQueue);
    }
    return *port.transmit;
  }

  /// The worker's part of the first version of a route, and how results leave.
  Result<void> add_version(uint32_t w, size_t r, Worker::Parts& worker, RouteCounters& counters) {
    const RouteConfig& route = config_.routes[r];
    RouteVersions& versions = parts_.versions[r];
    const auto* forward = std::get_if<ForwardSinkConfig>(&route.sink);
    if (forward == nullptr) return add_worker(*versions.alive[0], route, nullptr);
    auto path = outgoing_path(r, *forward, worker);
    if (!path) return path.error();
    Worker::PortPart& target = worker.ports[port_index(forward->port)];
    const void* domain = worker.ports[port_index(route.port)].port->domain;
    ForwardWay& way = versions.ways.emplace_back();
    way.config = *forward;
    way.path = path.value();
    way.first_ssrc = first_ssrc_[r] + w;
    way.ssrc_step = config_.workers;
    way.queue = &transmit_queue(target, w);
    way.counters = &counters;
    auto resender = repairs_->make_resender(r, way.path, *way.queue);
    if (!resender) return resender.error();
    way.resender = resender.value();
    way.shares_buffers = domain != nullptr && domain == target.port->domain;
    return add_worker(*versions.alive[0], route, &way);
  }

  PlaneConfig& config_;
  PlaneParts& parts_;
  std::shared_ptr<const RouteTable> route_table_;
  std::vector<std::shared_ptr<Announcer>> announcers_;
  std::vector<uint32_t> first_ssrc_;  // by route
  std::unique_ptr<RepairParts> repairs_;
};

}  // namespace

void OwnedPorts::destroy() {
  for (const NamedPort& named : ports_) {
    // A port of another version has its functions elsewhere.
    if (named.port != nullptr && named.port->version == ONPATH_PORT_ABI_VERSION)
      named.port->destroy(named.port->self);
  }
  ports_.clear();
}

uint32_t first_sender_queue(const onpath_port& port, uint32_t workers) {
  return std::max(port.queues, workers);
}

Result<std::unique_ptr<PlaneParts>> build_plane(PlaneConfig config) {
  OwnedPorts ports(config.ports);
  try {
    if (const auto ok = check_config(config); !ok) return ok.error();
    const auto bytes = pool_bytes(config);
    if (!bytes) return bytes.error();
    std::unique_ptr<PlaneParts> parts(new PlaneParts(std::move(ports)));
    parts->memory_bytes = bytes.value();
    parts->max_memory_bytes = config.max_memory_bytes;
    if (const auto ok = Builder(config, *parts).build(); !ok) return ok.error();
    parts->routes = std::move(config.routes);
    return parts;
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::OUT_OF_MEMORY,
                 "The pools of the plane could not be had. Ask for fewer slots, open samples or streams."};
  }
}

}  // namespace onpath
