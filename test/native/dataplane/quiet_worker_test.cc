// A worker over a million packets: no allocation, no system call (and so no futex).
#include "dataplane/clock.h"
#include "dataplane/quiet_testing.h"
#include "dataplane/shapes_testing.h"

#ifndef ONPATH_SANITIZED

namespace onpath::testing {
namespace {

void feed(Shared& shared, const RouteConfig& route, bool forward) {
  const std::string in = fresh_link(), out = fresh_link();
  PlaneConfig config;
  config.ports = {{"p", memory_end(in, 0)}, {"q", memory_end(out, 0)}};
  config.routes = {route};
  config.idle_after_ns = UINT64_MAX;
  RawEnd far(in, 1), target(out, 1);
  auto parts = must(build_plane(std::move(config)));
  const Program& program = *route.program;
  const Bytes sample = sample_of(program, 1);
  run_counted(
      shared, *parts,
      [&](uint32_t timestamp) {
        for (const ChunkPacket& packet : cut(program, sample, 96, timestamp, timestamp)) far.send(packet);
      },
      [&] { return far.sent(); },
      [&] {
        if (!forward) release_all(*parts->sinks[0]);
        while (target.receive()) {
        }
      });
}

void feed_host_sink(Shared& shared) {
  RouteConfig route = route_to_host(small_program());
  std::get<HostSinkConfig>(route.sink) = {4, 1'000'000, true};
  feed(shared, route, false);
}

void feed_resize(Shared& shared) {
  RouteConfig route = route_to_host(resize_program(16, 8));
  std::get<HostSinkConfig>(route.sink).backpressure = true;
  feed(shared, route, false);
}

/// Three sizes in turn, all of whose plans are made before the worker's thread begins.
void feed_shapes(Shared& shared) {
  const std::string link = fresh_link();
  const auto family = must(PlanFamily::make(family_spec()));
  RouteConfig route = route_of(family);
  std::get<HostSinkConfig>(route.sink).backpressure = true;
  PlaneConfig config;
  config.ports = {{"p", memory_end(link, 0)}};
  config.routes = {route};
  config.idle_after_ns = UINT64_MAX;
  RawEnd far(link, 1);
  auto parts = must(build_plane(std::move(config)));
  const ShapedImage images[] = {{*family, {16, 8}, 1}, {*family, {15, 9}, 2}, {*family, {8, 16}, 3}};
  for (uint32_t i = 0; i < 3; ++i) {
    for (const ChunkPacket& packet : images[i].packets(96, (1u << 30) + i)) far.send(packet);
  }
  const bool warm = wait_until([&] {
    parts->workers[0]->poll_once(now_ns());
    parts->shapes->make_all();
    return parts->workers[0]->route_counters(0).samples_complete.get() == 3;
  });
  if (!warm) return;
  run_counted(
      shared, *parts,
      [&](uint32_t timestamp) {
        for (const ChunkPacket& packet : images[timestamp % 3].packets(96, timestamp)) far.send(packet);
      },
      [&] { return far.sent(); }, [&] { release_all(*parts->sinks[0]); }, kFewerPackets);
}

void feed_forward_sink(Shared& shared) {
  RouteConfig route = route_to_host(small_program());
  ForwardSinkConfig forward;
  forward.port = "q";
  forward.source = endpoint("10.0.1.1", 5000);
  forward.destination = endpoint("10.0.1.2", 5000);
  route.sink = forward;
  feed(shared, route, true);
}

/// The worker that is watched polls the one queue and hands half of the streams to the other.
void feed_fanned(Shared& shared) {
  const std::string link = fresh_link();
  MemoryPortConfig one;
  one.senders = 1;
  PlaneConfig config;
  config.ports = {{"p", memory_end(link, 0, one)}};
  config.routes = {route_to_host(small_program())};
  config.workers = 2;
  config.idle_after_ns = UINT64_MAX;
  RawEnd far(link, 1);
  auto parts = must(build_plane(std::move(config)));
  const Program& program = *parts->routes[0].program;
  const Bytes sample = sample_of(program, 1);
  run_counted(
      shared, *parts,
      [&](uint32_t timestamp) {
        // No more on their way than a ring holds.
        while (far.sent() > packets_taken(*parts) + 128) std::this_thread::yield();
        for (const ChunkPacket& packet : cut(program, sample, 96, timestamp, timestamp, timestamp % 16))
          far.send(packet);
      },
      [&] { return far.sent(); }, [&] { release_all(*parts->sinks[0]); }, kFewerPackets);
  if (parts->workers[0]->counters().fanned_out.get() == 0) shared.allocations = 1;  // nothing was shown
}

TEST(QuietWorker, MakesNoSystemCallAndNoAllocationOverAMillionPacketsIntoAHostSink) {
  expect_quiet(feed_host_sink);
}
TEST(QuietWorker, NorWithAProgramThatResizes) { expect_quiet(feed_resize); }
TEST(QuietWorker, NorWithImagesOfManySizesWhosePlansAreThere) { expect_quiet(feed_shapes, kFewerPackets); }
TEST(QuietWorker, NorWhenItHandsStreamsToAnotherWorker) { expect_quiet(feed_fanned, kFewerPackets); }
TEST(QuietWorker, NorIntoAForwardSink) { expect_quiet(feed_forward_sink); }

TEST(QuietWorker, TheCountSeesASystemCallIfThereIsOne) {
  SharedMemory memory;
  const Counted counted = run_traced(*memory, [](Shared& shared) {
    std::atomic<bool> stop{false};
    std::thread thread([&] {
      shared.worker = static_cast<pid_t>(syscall(SYS_gettid));
      shared.phase = Shared::warm;
      shared.await(Shared::traced);
      while (!stop) syscall(SYS_getppid);
    });
    while (shared.phase.load() != Shared::traced) usleep(100);
    wait_until([&] { return shared.system_calls.load() > 0; });
    shared.phase = Shared::done;
    shared.await(Shared::untraced);
    stop = true;
    thread.join();
  });
  ASSERT_EQ(counted.failure, "");
  EXPECT_GT(counted.system_calls, 0u);
}

}  // namespace
}  // namespace onpath::testing

#endif
