// Swaps from another thread while workers run: samples stay whole and exact, and nothing piles up.
#include "dataplane/plane.h"
#include "dataplane/quiet_testing.h"
#include "dataplane/swaps_testing.h"

namespace onpath::testing {
namespace {

/// Which of two programs, whose outputs differ everywhere, each version is.
uint32_t shift_of(uint64_t version) { return 1 + version % 2; }

struct Seen {
  std::vector<Bytes> expected[2];  // by shift and request id
  uint64_t samples = 0;
  uint64_t wrong = 0;
  uint64_t versions = 0;  // changes of the version from one sample to the next
  uint64_t last = 0;
};

void look(HostSink& sink, Seen& seen) {
  for (Delivery delivery; sink.next(delivery);) {
    for (uint32_t i = 0; i < delivery.count; ++i) {
      const Bytes& expected =
          seen.expected[shift_of(delivery.version) - 1][delivery.samples[i].request_id % 16];
      seen.wrong += std::memcmp(delivery.outputs[0] + 384 * i, expected.data(), 384) != 0;
      ++seen.samples;
    }
    seen.versions += delivery.version != seen.last;
    seen.last = delivery.version;
    sink.release(delivery.buffer);
  }
}

TEST(SwapStorm, TenThousandSwapsUnderTrafficLeaveNothingBehindAndMixNothing) {
  const uint64_t swaps = 10'000 / kSlowdown;
  const std::string link = fresh_link();
  MemoryPortConfig two;
  two.queues = 2;
  RouteConfig route = route_to_host(shifted_program(shift_of(1)));
  std::get<HostSinkConfig>(route.sink) = {2, 1'000'000, true};
  PlaneConfig config = plane_on(memory_end(link, 0, two), {route});
  config.workers = 2;
  auto plane = must(start_plane(std::move(config)));
  const auto sink = plane->host_sink("r");
  const uint64_t bytes = plane->memory_bytes();
  const ProgramPtr programs[] = {shifted_program(1), shifted_program(2)};
  std::vector<std::vector<ChunkPacket>> samples;
  for (uint64_t i = 0; i < 16; ++i)
    samples.push_back(cut(*programs[0], sample_of(*programs[0], i), 96, 0, 0));

  std::atomic<bool> stop{false};
  std::atomic<uint64_t> sent{0};
  std::thread sender([&] {
    RawEnd far(link);
    for (uint64_t number = 0; !stop; ++number) {
      far.source.port = static_cast<uint16_t>(40000 + number % 16);
      for (ChunkPacket packet : samples[number % 16]) {
        packet.timestamp = static_cast<uint32_t>(number);
        packet.request_id = number;
        far.send(packet);
      }
      ++sent;
    }
  });
  Seen seen;
  for (uint64_t i = 0; i < 16; ++i) {
    for (uint32_t shift : {1u, 2u})
      seen.expected[shift - 1].push_back(shifted(sample_of(*programs[0], i), shift));
  }
  std::thread consumer([&] {
    while (!stop) look(*sink, seen);
  });
  uint64_t most_alive = 0;
  uint64_t done = 0;
  while (done < swaps) {
    const auto swapped = plane->swap({{.route = "r", .program = programs[shift_of(done + 2) - 1]}});
    if (swapped) {
      ASSERT_EQ(swapped.value().at(0), done + 2);
      ++done;
    } else {
      ASSERT_EQ(swapped.error().code, ErrorCode::BUSY) << swapped.error().message;
      std::this_thread::yield();
    }
    most_alive = std::max<uint64_t>(most_alive, plane->versions("r").size());
  }
  EXPECT_TRUE(wait_until([&] { return plane->versions("r").size() == 1; }));
  EXPECT_EQ(plane->memory_bytes(), bytes);
  stop = true;
  sender.join();
  consumer.join();
  EXPECT_TRUE(wait_until([&] {
    look(*sink, seen);
    return seen.samples == sent;
  }));
  plane->close();
  look(*sink, seen);
  const PlaneStats stats = plane->stats();
  EXPECT_EQ(imbalance(stats), "");
  EXPECT_EQ(seen.wrong, 0u);
  EXPECT_EQ(seen.samples, sent.load()) << "no packet was lost, so every sample is complete";
  EXPECT_EQ(stats.routes[0].version, swaps + 1);
  EXPECT_EQ(stats.routes[0].versions_freed, swaps);
  EXPECT_LE(most_alive, kMostVersions);
  EXPECT_GT(seen.versions, swaps / 100) << "samples came under few of the versions";
}

TEST(SwapStorm, ASleepingWorkerTakesAVersionAndAClosedPlaneTakesNone) {
  const std::string link = fresh_link();
  auto plane = must(start_plane(plane_on(memory_end(link, 0), {route_to_host(shifted_program(1))})));
  EXPECT_TRUE(wait_until([&] { return plane->stats().workers[0].sleeps > 0; }));
  EXPECT_EQ(must(plane->swap({{.route = "r", .program = shifted_program(2)}})).at(0), 2u);
  EXPECT_TRUE(wait_until([&] { return plane->versions("r") == std::vector<uint64_t>{2}; }));
  EXPECT_EQ(plane->swap({{.route = "r", .program = copy_program(3, 3)}}).error().code,
            ErrorCode::INVALID_SPEC);
  plane->close();
  EXPECT_EQ(plane->swap({{.route = "r", .program = shifted_program(3)}}).error().code, ErrorCode::CLOSED);
  EXPECT_TRUE(plane->versions("x").empty());
}

#ifndef ONPATH_SANITIZED

/// A million packets while another thread swaps.
void feed_swapped(Shared& shared, const RouteConfig& route, std::vector<RouteSwap> swaps) {
  const std::string in = fresh_link(), out = fresh_link();
  PlaneConfig config;
  config.ports = {{"p", memory_end(in, 0)}, {"q", memory_end(out, 0)}};
  config.routes = {route};
  config.idle_after_ns = UINT64_MAX;
  RawEnd far(in, 1), target(out, 1);
  auto parts = must(build_plane(std::move(config)));
  PlaneVersions versions(*parts);
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> swapped{0};
  std::thread swapper([&] {
    while (!stop) {
      if (versions.offer({swaps[swapped % swaps.size()]})) ++swapped;
      usleep(500);
    }
  });
  std::vector<ChunkPacket> packets;
  if (route.text) {
    packets = cut_text(text_of(1, 200), 60, 0);
  } else {
    packets = cut(*route.program, sample_of(*route.program, 1), 96, 0);
  }
  run_counted(
      shared, *parts,
      [&](uint32_t timestamp) {
        for (ChunkPacket& packet : packets) {
          packet.timestamp = timestamp;
          far.send(packet);
        }
      },
      [&] { return far.sent(); },
      [&] {
        if (parts->sinks[0]) release_all(*parts->sinks[0]);
        if (parts->text_sinks[0]) take_parts(*parts->text_sinks[0]);
        while (target.receive()) {
        }
      });
  stop = true;
  swapper.join();
  EXPECT_GT(swapped.load(), 100u);
  if (swapped.load() <= 100) shared.allocations = UINT64_MAX;  // the child's expectations are not seen
}

TEST(QuietWorker, NorWhilePipelinesAreSwapped) {
  expect_quiet([](Shared& shared) {
    RouteConfig route = route_to_host(small_program());
    std::get<HostSinkConfig>(route.sink) = {4, 1'000'000, true};
    feed_swapped(shared, route,
                 {{.route = "r", .program = shifted_program(1)}, {.route = "r", .program = small_program()}});
  });
}

TEST(QuietWorker, NorWhilePipelinesOfForwardSinksAre) {
  expect_quiet([](Shared& shared) {
    RouteConfig route = route_to_host(small_program());
    ForwardSinkConfig forward;
    forward.port = "q";
    forward.source = endpoint("10.0.1.1", 5000);
    forward.destination = endpoint("10.0.1.2", 5000);
    route.sink = forward;
    feed_swapped(shared, route,
                 {{.route = "r", .program = shifted_program(1)}, {.route = "r", .program = small_program()}});
  });
}

#endif

}  // namespace
}  // namespace onpath::testing
