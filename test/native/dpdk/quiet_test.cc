// A worker on ports of DPDK over a million packets: no allocation, no system call.
#include "dataplane/quiet_testing.h"
#include "dpdk/dpdk_testing.h"

#ifndef ONPATH_SANITIZED

namespace onpath::testing {
namespace {

using DpdkQuietWorker = Dpdk;

const onpath_port* ring_port(const std::string& device) {
  DpdkPortConfig config = OpenPort::config_of(device);
  config.transmit_queues = 2;  // the second is the feeder's; a ring has one, which both share
  return must(open_dpdk_port(config));
}

/// What is sent into a ring comes out of it: a thread feeds the worker through the worker's own port.
class Feeder {
 public:
  explicit Feeder(const onpath_port* port) : port_(port) {}
  uint64_t sent() const { return sent_; }

  void send(const Bytes& frame) {
    onpath_packet packet;
    while (port_->allocate(port_->self, 1, &packet, 1) != 1) std::this_thread::yield();
    std::copy(frame.begin(), frame.end(), packet.data);
    packet.length = static_cast<uint32_t>(frame.size());
    while (port_->transmit(port_->self, 1, &packet, 1) != 1) std::this_thread::yield();
    ++sent_;
  }

 private:
  const onpath_port* port_;
  uint64_t sent_ = 0;
};

void feed(Shared& shared, RouteConfig route, bool forward) {
  ASSERT_TRUE(start_plainly());
  const onpath_port* in = ring_port("net_ring0");
  const onpath_port* out = ring_port("net_ring1");
  ASSERT_TRUE(in != nullptr && out != nullptr);
  PlaneConfig config;
  config.ports = {{"p", in, {}}, {"q", out, {}}};
  config.routes = {std::move(route)};
  config.idle_after_ns = UINT64_MAX;
  const ProgramPtr kept = config.routes[0].program;
  const Program& program = *kept;
  const RawEnd framer(fresh_link());
  auto parts = must(build_plane(std::move(config)));
  ASSERT_TRUE(parts);
  Feeder feeder(in);
  const Bytes sample = sample_of(program, 1);
  run_counted(
      shared, *parts,
      [&](uint32_t timestamp) {
        for (const ChunkPacket& packet : cut(program, sample, 96, timestamp, timestamp))
          feeder.send(framer.frame_of(rtp_of(packet)));
      },
      [&] { return feeder.sent(); },
      [&] {
        // Worker 0 sends into queue 0 of the second ring, and polls it: what arrives there has no route.
        if (!forward) release_all(*parts->sinks[0]);
      });
}

TEST_F(DpdkQuietWorker, MakesNoSystemCallAndNoAllocationOverAMillionPacketsIntoAHostSink) {
  expect_quiet([](Shared& shared) {
    RouteConfig route = route_to_host(small_program());
    std::get<HostSinkConfig>(route.sink) = {4, 1'000'000, true};
    feed(shared, route, false);
  });
}

TEST_F(DpdkQuietWorker, NorWhenResultsLeaveByAnotherPort) {
  expect_quiet([](Shared& shared) {
    RouteConfig route = route_to_host(small_program());
    ForwardSinkConfig forward;
    forward.port = "q";
    forward.source = endpoint("10.0.1.1", 5000);
    forward.destination = endpoint("10.0.1.2", 5000);
    route.sink = forward;
    feed(shared, route, true);
  });
}

}  // namespace
}  // namespace onpath::testing

#endif
