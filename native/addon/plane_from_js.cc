#include "addon/plane_from_js.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "addon/address_from_js.h"
#include "addon/names.h"
#include "addon/plane.h"
#include "addon/program.h"
#include "addon/spec_from_js.h"
#include "addon/text_program.h"

namespace onpath::addon {

namespace {

constexpr size_t kMostPorts = 1024;
constexpr size_t kMostRoutes = 65536;
constexpr size_t kMostPrefixes = 65536;
enum class SinkKind : uint8_t { host, forward };
constexpr Choice<SinkKind> kSinkKinds[] = {{"host", SinkKind::host}, {"forward", SinkKind::forward}};

/// The source address may be left out, not its port.
Endpoint source_endpoint(const Input& of) {
  Endpoint result;
  if (const Input own = of["sourceAddress"]; !own.is_undefined()) result.address = address_from_js(own);
  result.port = of["sourceUdpPort"].integer<uint16_t>();
  return result;
}

uint8_t payload_type(const Input& input) {
  const auto type = input.integer<uint8_t>();
  if (type > 127) input.fail("an RTP payload type from 0 to 127");
  return type;
}

/// Saturates: a time that does not fit is as good as never.
uint64_t nanoseconds(double count, double unit_ns) {
  const double ns = count * unit_ns;
  return ns >= 18446744073709549568.0 ? UINT64_MAX : static_cast<uint64_t>(ns);
}

uint64_t duration(const Input& input, double unit_ns) {
  return nanoseconds(input.number(0, std::numeric_limits<double>::infinity()), unit_ns);
}

/// A port of its own, or the name of one and the running plane it belongs to.
std::variant<PortSpec, PortOfPlane> sender_port(const Input& input) {
  const Input plane = input["plane"];
  if (plane.is_undefined()) return port_from_js(input);
  PortOfPlane port;
  port.name = input["name"].text();
  port.plane = NativePlane::core_of(plane, "a running plane");
  return port;
}

HostSinkConfig host_sink(const Input& input) {
  HostSinkConfig sink;
  sink.batch = input["batch"].integer<uint32_t>();
  sink.max_wait_ns = duration(input["maxWaitMs"], 1e6);
  sink.backpressure = input["backpressure"].boolean();
  return sink;
}

ResendConfig resend_from_js(const Input& input) {
  ResendConfig resend;
  resend.packets = input["packets"].integer<uint32_t>();
  resend.packets_per_second = input["packetsPerSecond"].integer<uint32_t>();
  return resend;
}

RepairConfig repair_from_js(const Input& input) {
  RepairConfig repair;
  input["feedback"].each(kMostPrefixes, [&](const Input& source) {
    repair.feedback.push_back(parsed(source, parse_prefix(source.text())));
  });
  repair.nack = input["nack"].boolean();
  repair.reorder_ns = duration(input["reorderMs"], 1e6);
  repair.retry_ns = duration(input["retryMs"], 1e6);
  repair.max_retries = input["maxRetries"].integer<uint32_t>();
  repair.tail_ns = duration(input["tailMs"], 1e6);
  repair.window_packets = input["windowPackets"].integer<uint32_t>();
  repair.report_ns = duration(input["reportMs"], 1e6);
  repair.packets_per_second = input["packetsPerSecond"].integer<uint32_t>();
  repair.route_packets_per_second = input["routePacketsPerSecond"].integer<uint32_t>();
  repair.next_port = input["nextPort"].boolean();
  return repair;
}

ForwardSinkConfig forward_sink(const Input& input) {
  ForwardSinkConfig sink;
  sink.port = input["port"].text();
  sink.destination = endpoint_from_js(input, "address", "udpPort");
  sink.source = source_endpoint(input);
  sink.destination_mac = mac_from_js(input["destinationMac"]);
  sink.payload_type = payload_type(input["payloadType"]);
  sink.ssrc = input["ssrc"].integer<uint32_t>();
  sink.max_payload_bytes = input["maxPayloadBytes"].integer<uint32_t>();
  if (const Input resend = input["resend"]; !resend.is_undefined()) sink.resend = resend_from_js(resend);
  return sink;
}

ProgramPtr program(const Input& input) {
  const std::shared_ptr<ProgramCore> core = NativeProgram::core_of(input, "a compiled program");
  return core == nullptr ? nullptr : core->program_ptr();
}

ShapesConfig shapes_from_js(const Input& input, const ProgramPtr& largest) {
  ShapesConfig shapes;
  const Input spec = input["spec"];
  const PipelineSpec most = spec_from_js(spec);
  if (!input.failed()) shapes.family = parsed(spec, PlanFamily::of(most, largest));
  shapes.cached = input["cached"].integer<uint32_t>();
  shapes.waiting = input["waiting"].integer<uint32_t>();
  shapes.state_bytes = input["stateBytes"].integer<uint64_t>();
  return shapes;
}

TextRouteConfig text_from_js(const Input& input) {
  TextRouteConfig text;
  if (const auto core = NativeTextProgram::core_of(input["program"], "a compiled program for texts"))
    text.plan = core->plan();
  text.waiting_bytes = input["waitingBytes"].integer<uint64_t>();
  text.segment_elements = input["segmentElements"].integer<uint32_t>();
  text.whole = input["whole"].boolean();
  return text;
}

RouteConfig route(const Input& input) {
  RouteConfig route;
  route.name = input["name"].text();
  route.port = input["port"].text();
  route.udp_port = input["udpPort"].integer<uint16_t>();
  if (const Input type = input["payloadType"]; !type.is_undefined()) route.payload_type = payload_type(type);
  input["sources"].each(kMostPrefixes, [&](const Input& source) {
    route.sources.push_back(parsed(source, parse_prefix(source.text())));
  });
  route.payload = input["payload"].choice(kPayloads);
  if (const Input text = input["text"]; !text.is_undefined()) {
    route.text = text_from_js(text);
  } else {
    route.program = program(input["program"]);
  }
  if (const Input shapes = input["shapes"]; !shapes.is_undefined())
    route.shapes = shapes_from_js(shapes, route.program);
  route.slots = input["slots"].integer<uint32_t>();
  route.open_samples = input["openSamples"].integer<uint32_t>();
  route.max_streams = input["maxStreams"].integer<uint32_t>();
  route.deadline_ns = duration(input["deadlineMs"], 1e6);
  route.evict_oldest = input["evictOldest"].boolean();
  if (const Input repair = input["repair"]; !repair.is_undefined()) route.repair = repair_from_js(repair);
  const Input sink = input["sink"];
  if (sink["type"].choice(kSinkKinds) == SinkKind::host) {
    route.sink = host_sink(sink);
  } else {
    route.sink = forward_sink(sink);
  }
  return route;
}

}  // namespace

PlaneSpec plane_from_js(const Input& input) {
  PlaneSpec spec;
  if (const Input eal = input["eal"]; !eal.is_undefined()) spec.eal = eal_from_js(eal);
  input["ports"].each(kMostPorts, [&](const Input& element) { spec.ports.push_back(port_from_js(element)); });
  input["routes"].each(kMostRoutes, [&](const Input& element) { spec.routes.push_back(route(element)); });
  spec.workers = input["workers"].integer<uint32_t>();
  spec.max_memory_bytes = input["maxMemoryBytes"].integer<uint64_t>();
  spec.idle_after_ns = duration(input["idleAfterUs"], 1e3);
  return spec;
}

std::vector<RouteSwap> swaps_from_js(const Input& input) {
  std::vector<RouteSwap> swaps;
  input.each(kMostRoutes, [&](const Input& element) {
    RouteSwap& swap = swaps.emplace_back();
    swap.route = element["route"].text();
    if (const Input text = element["text"]; !text.is_undefined()) {
      if (const auto core = NativeTextProgram::core_of(text, "a compiled program for texts"))
        swap.text = core->plan();
      return;
    }
    swap.program = program(element["program"]);
    if (const Input spec = element["shapes"]; !spec.is_undefined()) {
      const PipelineSpec most = spec_from_js(spec);
      if (!spec.failed()) swap.family = parsed(spec, PlanFamily::of(most, swap.program));
    }
  });
  return swaps;
}

SenderSpec sender_from_js(const Input& input) {
  SenderSpec spec;
  spec.port = sender_port(input["port"]);
  SenderConfig& config = spec.config;
  config.destination = endpoint_from_js(input, "address", "udpPort");
  config.source = source_endpoint(input);
  config.destination_mac = mac_from_js(input["destinationMac"]);
  config.payload = input["payload"].choice(kPayloads);
  config.texts = input["texts"].boolean();
  if (config.texts) {
    // Their format is one and the same.
  } else if (const Input taker = input["program"]; !taker.is_undefined()) {
    if (const ProgramPtr takes = program(taker); takes != nullptr) {
      config.format = takes->plan().input();
    }
  } else {
    const auto width = input["width"].integer<uint32_t>();
    const auto height = input["height"].integer<uint32_t>();
    const PixelFormat format = input["format"].choice(kPixelFormats);
    if (!input.failed()) config.format = parsed(input, sample_format(width, height, format));
  }
  config.send_dims = input["sendDims"].boolean();
  config.payload_type = payload_type(input["payloadType"]);
  config.ssrc = input["ssrc"].integer<uint32_t>();
  config.max_payload_bytes = input["maxPayloadBytes"].integer<uint32_t>();
  config.bits_per_second = input["bitsPerSecond"].number(0);
  config.burst_bytes = input["burstBytes"].integer<uint64_t>();
  if (const Input resend = input["resend"]; !resend.is_undefined()) config.resend = resend_from_js(resend);
  config.queued_samples = input["queuedSamples"].integer<uint32_t>();
  return spec;
}

}  // namespace onpath::addon
