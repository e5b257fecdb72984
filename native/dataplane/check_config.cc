// What a plane may be started with. Every refusal names the route or port, what was received and what was
// expected.
#include <algorithm>
#include <array>
#include <string>

#include "dataplane/host_addresses.h"
#include "dataplane/plane_parts.h"
#include "dataplane/saturating.h"
#include "dataplane/text_forward_lane.h"

namespace onpath {
namespace {

constexpr uint32_t kMaxWorkers = 64;
constexpr uint32_t kMaxCount = 1u << 16;                  // slots, open samples, streams, batch
constexpr uint64_t kMaxWaitingBytes = uint64_t{1} << 30;  // of one text
constexpr uint32_t kMaxSegment = 1u << 20;                // elements
constexpr uint32_t kMaxShapes = 1024;                     // looked through for every sample that is opened

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

Error invalid(std::string message) { return {ErrorCode::INVALID_SPEC, std::move(message)}; }

template <class Item>
std::string names_of(const std::vector<Item>& items) {
  std::string names;
  for (const Item& item : items) names += (names.empty() ? "" : ", ") + quoted(item.name);
  return names.empty() ? "none" : names;
}

template <class Item>
Result<void> check_names(const std::vector<Item>& items, const std::string& kind) {
  for (size_t i = 0; i < items.size(); ++i) {
    if (items[i].name.empty())
      return invalid("A " + kind + " has an empty name. Give every " + kind + " a name of its own.");
    for (size_t j = 0; j < i; ++j) {
      if (items[i].name == items[j].name) {
        return invalid("Two " + kind + "s are named " + quoted(items[i].name) + ". Give every " + kind +
                       " a name of its own.");
      }
    }
  }
  return {};
}

Result<void> check_count(const std::string& route, const char* field, uint32_t value) {
  if (value >= 1 && value <= kMaxCount) return {};
  return invalid("Route " + quoted(route) + ": " + field + " is " + std::to_string(value) +
                 ", expected 1 to " + std::to_string(kMaxCount) + ".");
}

Result<void> check_payload_type(const std::string& route, uint32_t type) {
  // RFC 5761 section 4: these read as RTCP.
  if (type <= 127 && (type < 64 || type > 95)) return {};
  return invalid("Route " + quoted(route) + ": payload type " + std::to_string(type) +
                 " cannot be used. Expected 0 to 63 or 96 to 127; 64 to 95 read as RTCP (RFC 5761).");
}

bool has_port(const PlaneConfig& config, const std::string& name) {
  return std::any_of(config.ports.begin(), config.ports.end(),
                     [&](const NamedPort& port) { return port.name == name; });
}

Result<void> check_sink(const PlaneConfig& config, const RouteConfig& route) {
  if (const auto* host = std::get_if<HostSinkConfig>(&route.sink))
    return check_count(route.name, "batch", host->batch);
  const auto& forward = std::get<ForwardSinkConfig>(route.sink);
  if (!has_port(config, forward.port)) {
    return invalid("Route " + quoted(route.name) + " forwards to port " + quoted(forward.port) +
                   ", which the plane does not have (" + names_of(config.ports) + ").");
  }
  return check_payload_type(route.name, forward.payload_type);
}

/// Whether `shapes` fits the route, and a shape fits `shapes`.
Result<void> check_shapes(const RouteConfig& route, const ShapesConfig& shapes) {
  const std::string name = "Route " + quoted(route.name);
  if (!shapes.family || shapes.family->largest() != route.program)
    return invalid(name + ": its program is not that of its family's largest size.");
  if (route.payload != PayloadFormat::chunk) {
    return invalid(name +
                   " takes images of many sizes, but RFC 4175 does not carry the size. Use onpath chunks, or "
                   "a pipeline for one size.");
  }
  if (shapes.cached < 1 || shapes.cached > kMaxShapes) {
    return invalid(name + ": shapes.cached is " + std::to_string(shapes.cached) + ", expected 1 to " +
                   std::to_string(kMaxShapes) + ".");
  }
  if (shapes.waiting < 1 || shapes.waiting > kMaxShapes) {
    return invalid(name + ": shapes.waiting is " + std::to_string(shapes.waiting) + ", expected 1 to " +
                   std::to_string(kMaxShapes) + ".");
  }
  const uint64_t largest = ShapeCache::shape_bytes(route.program->plan(), route.open_samples);
  if (largest > shapes.state_bytes) {
    const SampleFormat& input = route.program->plan().input();
    return Error{ErrorCode::LIMIT_EXCEEDED, name + ": the states of " + std::to_string(route.open_samples) +
                                                " open samples of " + std::to_string(input.width) + "x" +
                                                std::to_string(input.height) + " need " +
                                                std::to_string(largest) + " bytes; shapes.stateBytes is " +
                                                std::to_string(shapes.state_bytes) +
                                                ". Raise it, or lower openSamples, maxWidth or maxHeight."};
  }
  return {};
}

/// Whether the rest of a route fits a plan for texts.
Result<void> check_text(const RouteConfig& route, const TextRouteConfig& text) {
  const std::string name = "Route " + quoted(route.name);
  if (!text.plan || route.program || route.shapes) return invalid(name + " has not one pipeline.");
  if (route.payload != PayloadFormat::chunk)
    return invalid(name + " takes texts, which RFC 4175 does not carry. Use onpath chunks.");
  if (text.waiting_bytes < 1 || text.waiting_bytes > kMaxWaitingBytes) {
    return invalid(name + ": text.waitingBytes is " + std::to_string(text.waiting_bytes) +
                   ", expected 1 to " + std::to_string(kMaxWaitingBytes) + ".");
  }
  const auto* host = std::get_if<HostSinkConfig>(&route.sink);
  if (text.segment_elements > kMaxSegment || (host != nullptr && text.segment_elements < 1)) {
    return invalid(name + ": tokens in a segment are " + std::to_string(text.segment_elements) +
                   ", expected 1 to " + std::to_string(kMaxSegment) + ".");
  }
  if (host != nullptr && (host->batch != 1 || host->max_wait_ns != 0))
    return invalid(name + " takes texts, which are not batched. Leave out batch and maxWaitMs.");
  if (host != nullptr && host->backpressure) {
    return invalid(name +
                   " takes texts, whose tokens may be more than there is room for whatever waits: they are "
                   "given up as no_segment then. Use slowConsumer 'drop'.");
  }
  if (host == nullptr && text.plan->has_offsets()) {
    return invalid(name + " forwards tokens, but not their offsets. Leave out the pipeline's offsets.");
  }
  return {};
}

}  // namespace

Result<void> check_pipeline(const RouteConfig& route) {
  if (!route.program && !route.text) return invalid("Route " + quoted(route.name) + " has no pipeline.");
  if (route.text) return check_text(route, *route.text);
  const SampleFormat& input = route.program->plan().input();
  if (route.payload == PayloadFormat::rfc4175 && input.format == PixelFormat::gray) {
    return invalid("Route " + quoted(route.name) +
                   " takes RFC 4175, which has no sampling for gray. Use a pipeline with rgb, bgr, rgba, "
                   "bgra or uyvy input, or onpath chunks.");
  }
  if (route.payload == PayloadFormat::rfc4175 && !input.row_major) {
    return invalid("Route " + quoted(route.name) + " takes RFC 4175, which carries row-major images, not '" +
                   input.text + "'. Use onpath chunks, or a pipeline with row-major input.");
  }
  if (route.payload == PayloadFormat::rfc4175 &&
      (input.width > kMaxVideoSide || input.height > kMaxVideoSide)) {
    return invalid("Route " + quoted(route.name) +
                   " takes RFC 4175, which numbers lines and pixels in 15 bits; " +
                   std::to_string(input.width) + "x" + std::to_string(input.height) + " is beyond " +
                   std::to_string(kMaxVideoSide) + " a side. Use onpath chunks.");
  }
  if (route.shapes) return check_shapes(route, *route.shapes);
  return {};
}

namespace {

Result<void> check_route(const PlaneConfig& config, const RouteConfig& route) {
  if (!has_port(config, route.port)) {
    return invalid("Route " + quoted(route.name) + " names port " + quoted(route.port) +
                   ", which the plane does not have (" + names_of(config.ports) + ").");
  }
  if (route.deadline_ns == 0)
    return invalid("Route " + quoted(route.name) + ": the deadline is 0; expected more.");
  if (const auto ok = check_count(route.name, "slots", route.slots); !ok) return ok;
  if (const auto ok = check_count(route.name, "openSamples", route.open_samples); !ok) return ok;
  if (const auto ok = check_count(route.name, "maxStreams", route.max_streams); !ok) return ok;
  if (route.payload_type) {
    if (const auto ok = check_payload_type(route.name, *route.payload_type); !ok) return ok;
  }
  for (const IpPrefix& prefix : route.sources) {
    if (prefix.bits > 128) {
      return invalid("Route " + quoted(route.name) + ": a source prefix has " + std::to_string(prefix.bits) +
                     " bits; an address has 128.");
    }
  }
  if (const auto ok = check_repair(route); !ok) return ok;
  if (const auto ok = check_pipeline(route); !ok) return ok;
  return check_sink(config, route);
}

Result<void> check_port(const NamedPort& named, uint32_t workers) {
  const onpath_port* port = named.port;
  if (port == nullptr) return invalid("Port " + quoted(named.name) + " is not open.");
  if (port->version != ONPATH_PORT_ABI_VERSION || port->size < sizeof(onpath_port)) {
    return Error{ErrorCode::PORT_FAILED,
                 "Port " + quoted(named.name) + " was built for version " + std::to_string(port->version) +
                     " of the port interface; this is version " + std::to_string(ONPATH_PORT_ABI_VERSION) +
                     ". Install the matching driver."};
  }
  // Fewer queues that receive are fine: some workers then have nothing to poll there.
  if (port->queues < 1 || workers > port->transmit_queues) {
    return invalid("The plane has " + std::to_string(workers) + " workers, but port " + quoted(named.name) +
                   " has " + std::to_string(port->queues) + " receive and " +
                   std::to_string(port->transmit_queues) +
                   " transmit queues. Open the port with a transmit queue for each worker.");
  }
  if (named.host) return check_host(named);
  return {};
}

}  // namespace

Result<void> check_config(const PlaneConfig& config) {
  if (config.ports.empty()) return invalid("The plane has no port. Give at least one.");
  if (config.workers < 1 || config.workers > kMaxWorkers) {
    return invalid("workers is " + std::to_string(config.workers) + ", expected 1 to " +
                   std::to_string(kMaxWorkers) + ".");
  }
  if (config.routes.size() > RouteTable::kMaxRoutes) {
    return invalid("The plane has " + std::to_string(config.routes.size()) + " routes; the most is " +
                   std::to_string(RouteTable::kMaxRoutes) + ".");
  }
  if (const auto ok = check_names(config.ports, "port"); !ok) return ok;
  if (const auto ok = check_names(config.routes, "route"); !ok) return ok;
  for (const NamedPort& port : config.ports) {
    if (const auto ok = check_port(port, config.workers); !ok) return ok;
  }
  for (const RouteConfig& route : config.routes) {
    if (const auto ok = check_route(config, route); !ok) return ok;
  }
  return {};
}

namespace {

/// Bytes of the pools of one version of a route on each worker.
std::array<uint64_t, 3> parts_of_version(const RouteConfig& route) {
  const auto* host = std::get_if<HostSinkConfig>(&route.sink);
  if (route.text) {
    const TextRouteConfig& text = *route.text;
    const uint64_t outputs =
        host != nullptr
            ? TextHostLane::bytes_for(text, route.slots)
            : TextForwardLane::bytes_for(text, std::get<ForwardSinkConfig>(route.sink), route.open_samples);
    return {TextVersion::states_bytes(route), 0, outputs};
  }
  const Plan& plan = route.program->plan();
  const uint64_t shapes = route.shapes ? ShapeCache::bytes_for(*route.shapes, route.open_samples) : 0;
  const uint64_t outputs = host != nullptr ? HostLane::bytes_for(plan, route.slots, *host)
                                           : ForwardLane::bytes_for(plan, route.open_samples);
  return {LaneVersion::states_bytes(route), shapes, outputs};
}

/// Bytes of a route's other pools on each worker.
std::array<uint64_t, 2> parts_of(const RouteConfig& route) {
  return {route.text ? TextPool::bytes_for(*route.text, route.open_samples)
                     : times(sizeof(OpenSample), route.open_samples),
          plus(StreamTable::bytes_for(route.max_streams), repair_bytes(route))};
}

}  // namespace

uint64_t version_bytes(const RouteConfig& route) {
  uint64_t total = 0;
  for (const uint64_t part : parts_of_version(route)) total = plus(total, part);
  return total;
}

Result<uint64_t> pool_bytes(const PlaneConfig& config) {
  uint64_t total = 0;
  for (const RouteConfig& route : config.routes) {
    total = plus(total, times(version_bytes(route), config.workers));
    for (const uint64_t part : parts_of(route)) total = plus(total, times(part, config.workers));
    if (total == kOverflow || total > config.max_memory_bytes) {
      return Error{ErrorCode::LIMIT_EXCEEDED,
                   "The pools of the plane up to route " + quoted(route.name) + " need " +
                       (total == kOverflow ? std::string("more than 2^64") : std::to_string(total)) +
                       " bytes; limits.memoryBytes is " + std::to_string(config.max_memory_bytes) +
                       ". Ask for fewer slots, open samples or a smaller batch."};
    }
  }
  return total;
}

}  // namespace onpath
