// A plane without threads: a test feeds frames, moves the clock and looks.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "dataplane/fake_port.h"
#include "dataplane/plane_parts.h"
#include "dataplane/plane_testing.h"

namespace onpath::testing {

class SteppedPlane {
 public:
  explicit SteppedPlane(std::vector<RouteConfig> routes, uint32_t framing = ONPATH_FRAMING_ETHERNET,
                        std::optional<LocalHostConfig> in_host = {},
                        std::optional<LocalHostConfig> out_host = {},
                        const std::function<void(FakePort&, FakePort&)>& prepare = {}, bool flow_cache = true)
      : in(framing), out(framing) {
    if (prepare) prepare(in, out);  // before the plane is built
    in.table().mac[0] = out.table().mac[0] = 2;
    in.table().mac[5] = 1;
    out.table().mac[5] = 8;
    PlaneConfig config;
    config.ports = {{"p", in.port(), std::move(in_host)}, {"q", out.port(), std::move(out_host)}};
    config.routes = std::move(routes);
    config.idle_after_ns = UINT64_MAX;
    config.flow_cache = flow_cache;
    parts = must(build_plane(std::move(config)));
  }
  ~SteppedPlane() { finish(); }

  Worker& worker() { return *parts->workers[0]; }
  SharedHostSink& sink(size_t route = 0) { return *parts->sinks[route]; }
  const RouteCounters& route(size_t index = 0) { return worker().route_counters(index); }
  uint64_t dropped(DropReason reason, size_t route_index = 0) {
    return route(route_index).drops[static_cast<size_t>(reason)].get();
  }
  uint64_t port_dropped(DropReason reason, size_t port = 0) {
    return worker().port_counters(port).drops[static_cast<size_t>(reason)].get();
  }

  /// Polls until nothing more is taken.
  void poll() {
    while (worker().poll_once(now) > 0) {
    }
  }
  /// Moves the clock and lets timers run.
  void pass(uint64_t ns) {
    now += ns;
    worker().poll_once(now);
  }
  void send(const Bytes& rtp) {
    Bytes frame(udp_headers_bytes(source.address.is_v4()) + rtp.size());
    std::copy(rtp.begin(), rtp.end(), frame.end() - static_cast<int64_t>(rtp.size()));
    build_frame(frame.data(), {2, 0, 0, 0, 0, 2}, {2, 0, 0, 0, 0, 1}, source, destination, rtp.size(), 0);
    in.arrive(std::move(frame));
    poll();
  }
  void send(const ChunkPacket& packet) { send(rtp_of(packet)); }
  void send(const std::vector<ChunkPacket>& packets) {
    for (const ChunkPacket& packet : packets) send(packet);
  }

  /// Takes everything that is ready, as copies of output 0, and gives the buffers back.
  struct Taken {
    SampleInfo info;
    Bytes output;
    uint32_t batch;  // samples in its delivery
  };
  std::vector<Taken> take(size_t route_index = 0) {
    std::vector<Taken> taken;
    const uint64_t bytes = sink(route_index).plan()->outputs()[0].bytes;
    for (Delivery delivery; sink(route_index).next(delivery);) {
      for (uint32_t i = 0; i < delivery.count; ++i) {
        const uint8_t* at = delivery.outputs[0] + bytes * i;
        taken.push_back({delivery.samples[i], Bytes(at, at + bytes), delivery.count});
      }
      sink(route_index).release(delivery.buffer);
    }
    return taken;
  }

  void finish() {
    if (!finished_) worker().finish(now);
    finished_ = true;
  }

  /// Packets that arrived and are neither used nor dropped under a packet reason.
  int64_t unaccounted() {
    onpath_port_counters counters;
    in.port()->counters(in.port()->self, &counters);
    auto left = static_cast<int64_t>(counters.rx_packets);
    const auto subtract = [&](const DropCounters& drops) {
      for (size_t i = 0; i < kDropReasonCount; ++i) {
        if (drop_reason_scope(static_cast<DropReason>(i)) == DropScope::packet &&
            counts_arrivals(static_cast<DropReason>(i))) {
          left -= static_cast<int64_t>(drops[i].get());
        }
      }
    };
    for (size_t r = 0; r < parts->routes.size(); ++r) {
      left -= static_cast<int64_t>(route(r).packets_used.get());
      subtract(route(r).drops);
    }
    subtract(worker().port_counters(0).drops);
    left -= static_cast<int64_t>(worker().port_counters(0).control_packets.get());
    return left;
  }

  FakePort in, out;
  std::unique_ptr<PlaneParts> parts;
  uint64_t now = 1'000'000'000;
  Endpoint source = endpoint("10.0.0.2", 40000);
  Endpoint destination = endpoint("10.0.0.1", kUdpPort);

 private:
  bool finished_ = false;
};

}  // namespace onpath::testing
