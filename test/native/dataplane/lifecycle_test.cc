// Start and close: nothing is left behind, nothing in flight goes uncounted, deliveries outlive the plane.
#include <gtest/gtest.h>

#include <dirent.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "dataplane/checker.h"
#include "dataplane/hanging_port.h"

namespace onpath::testing {
namespace {

size_t entries_of(const char* folder) {
  DIR* dir = opendir(folder);
  if (dir == nullptr) return 0;
  size_t count = 0;
  while (readdir(dir) != nullptr) ++count;
  closedir(dir);
  return count;
}

/// Threads that were joined may stay in /proc for a moment.
bool threads_are(size_t count) {
  return wait_until([&] { return entries_of("/proc/self/task") == count; });
}

TEST(Lifecycle, TwoHundredStartsAndClosesLeaveNoDescriptorAndNoThread) {
  const ProgramPtr program = small_program();
  const std::string link = fresh_link();
  const size_t descriptors = entries_of("/proc/self/fd");
  const size_t threads = entries_of("/proc/self/task");
  MemoryPortConfig small;
  small.depth = 64;
  small.max_bytes = 512;
  for (int i = 0; i < 200; ++i) {
    auto plane = must(start_plane(plane_on(memory_end(link, 0, small), {route_to_host(program)})));
    SenderConfig config = sender_on(memory_end(link, 1, small), *program);
    config.max_payload_bytes = 400;
    auto sender = must(open_sender(config));
    const Bytes sample = sample_of(*program, 1);
    ASSERT_TRUE(sender->send(sample, 1, [](const Result<SendReport>&) {}).ok());
    if (i % 2 == 0) plane->close();
    sender->close();
    plane->close();
    sender->close();
  }
  EXPECT_EQ(entries_of("/proc/self/fd"), descriptors);
  EXPECT_TRUE(threads_are(threads));
}

TEST(Lifecycle, ClosingDuringTrafficCountsEveryPacketAndSample) {
  const ProgramPtr program = small_program();
  for (int round = 0; round < 20; ++round) {
    const std::string link = fresh_link();
    auto plane = must(start_plane(plane_on(memory_end(link, 0), {route_to_host(program)})));
    std::atomic<bool> stop{false};
    std::thread feeder([&] {
      const onpath_port* port = memory_end(link, 1);
      auto sender = must(open_sender(sender_on(port, *program)));
      const Bytes sample = sample_of(*program, 1);
      while (!stop) {
        (void)sender->send(sample, 1, [](const Result<SendReport>&) {});
        std::this_thread::yield();
      }
      sender->close();
    });
    EXPECT_TRUE(wait_until([&] { return plane->stats().routes[0].samples_complete > 10; }));
    std::thread other([&] { plane->close(); });
    plane->close();
    other.join();
    stop = true;
    feeder.join();
    const PlaneStats stats = plane->stats();
    EXPECT_EQ(imbalance(stats), "");
    EXPECT_EQ(stats.routes[0].samples_open, 0u);
    EXPECT_EQ(stats.routes[0].samples_complete,
              stats.routes[0].samples_delivered + dropped(stats.routes[0], DropReason::undelivered));
  }
}

TEST(Lifecycle, OpenSamplesCountAsClosedAndFinishedOnesAsUndeliveredUntilTaken) {
  const ProgramPtr program = small_program();
  const std::string link = fresh_link();
  auto plane = must(start_plane(plane_on(memory_end(link, 0), {route_to_host(program)})));
  const auto sink = plane->host_sink("r");
  RawEnd far(link);
  const Bytes sample = sample_of(*program, 7);
  for (uint32_t t = 0; t < 3; ++t) {
    for (const ChunkPacket& packet : cut(*program, sample, 192, t, 7)) far.send(packet);
  }
  far.send(cut(*program, sample, 192, 9, 7)[0]);
  ASSERT_TRUE(wait_until([&] {
    const PlaneStats now = plane->stats();
    return now.routes[0].samples_complete == 3 && now.routes[0].samples_open == 1;
  }));
  Delivery early;
  ASSERT_TRUE(wait_until([&] { return sink->next(early); }));
  plane->close();
  PlaneStats stats = plane->stats();
  EXPECT_EQ(dropped(stats.routes[0], DropReason::closed), 1u);
  EXPECT_EQ(dropped(stats.routes[0], DropReason::undelivered), 2u);
  Delivery late;
  ASSERT_TRUE(sink->next(late));
  stats = plane->stats();
  EXPECT_EQ(dropped(stats.routes[0], DropReason::undelivered), 1u);
  EXPECT_EQ(stats.routes[0].samples_delivered, 2u);
  plane.reset();
  const Bytes expected = expected_of(*program, sample);
  EXPECT_EQ(std::memcmp(early.outputs[0], expected.data(), expected.size()), 0);
  EXPECT_EQ(std::memcmp(late.outputs[0], expected.data(), expected.size()), 0);
  sink->release(early.buffer);
  sink->release(late.buffer);
  sink->release(late.buffer);  // a second time changes nothing
  Delivery last;
  EXPECT_TRUE(sink->next(last));
  EXPECT_FALSE(sink->next(last));
}

TEST(Lifecycle, ThreadsAreNamedAndLeaveSignalsToTheProcess) {
  const std::string link = fresh_link();
  auto plane = must(start_plane(plane_on(memory_end(link, 0), {route_to_host(small_program())})));
  bool found = false;
  ASSERT_TRUE(wait_until([&] {
    DIR* tasks = opendir("/proc/self/task");
    while (const dirent* task = readdir(tasks)) {
      const std::string folder = std::string("/proc/self/task/") + task->d_name;
      std::string name;
      std::ifstream(folder + "/comm") >> name;
      if (name != "onpath-w0") continue;
      found = true;
      std::ifstream status(folder + "/status");
      for (std::string line; std::getline(status, line);) {
        if (line.rfind("SigBlk:", 0) == 0) {
          const uint64_t blocked = std::stoull(line.substr(7), nullptr, 16);
          EXPECT_TRUE(blocked >> (SIGINT - 1) & 1);
          EXPECT_TRUE(blocked >> (SIGTERM - 1) & 1);
        }
      }
    }
    closedir(tasks);
    return found;
  }));
}

/// The first worker sleeps whenever nothing comes, and each packet wakes it.
void expect_naps_between_samples(Plane& plane, const Program& program, RawEnd& far, Checker& checker) {
  for (uint64_t number = 0; number < 20; ++number) {
    ASSERT_TRUE(wait_until([&] {
      const uint64_t polls = plane.stats().workers[0].polls;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      const WorkerStats now = plane.stats().workers[0];
      return now.sleeps > 0 && now.polls == polls;
    })) << "an idle worker spins";
    for (const ChunkPacket& p :
         cut(program, sample_of(program, number), 96, static_cast<uint32_t>(number), number))
      far.send(p);
    ASSERT_TRUE(wait_until([&] {
      checker.pump();
      return checker.samples == number + 1;
    }));
  }
}

TEST(Lifecycle, AnIdlePlaneSleepsAndAPacketWakesIt) {
  const ProgramPtr program = small_program();
  const std::string link = fresh_link();
  auto plane = must(start_plane(plane_on(memory_end(link, 0), {route_to_host(program)})));
  RawEnd far(link);
  Checker checker(program, plane->host_sink("r"));
  expect_naps_between_samples(*plane, *program, far, checker);
  EXPECT_EQ(checker.wrong, 0u);
}

TEST(Lifecycle, AWorkerOfAPortThatCanOnlyBePolledSleepsToo) {
  const ProgramPtr program = small_program();
  const std::string link = fresh_link();
  HangingPort polled(memory_end(link, 0));
  polled.poll_only = true;
  RouteConfig route = route_to_host(program);
  route.deadline_ns = 30'000'000'000;
  PlaneConfig config = plane_on(polled.port(), {route});
  config.max_sleep_ns = 2'000'000;
  auto plane = must(start_plane(std::move(config)));
  RawEnd far(link);
  Checker checker(program, plane->host_sink("r"));
  expect_naps_between_samples(*plane, *program, far, checker);
  EXPECT_EQ(checker.wrong, 0u);
  plane->close();
  EXPECT_EQ(plane->stats().workers[0].fences, 0u);
  EXPECT_EQ(imbalance(plane->stats()), "");
}

TEST(Lifecycle, ASleepingWorkerKeepsItsDeadlines) {
  const ProgramPtr program = small_program();
  const std::string link = fresh_link();
  RouteConfig route = route_to_host(program);
  route.deadline_ns = 20'000'000;
  auto plane = must(start_plane(plane_on(memory_end(link, 0), {route})));
  RawEnd far(link);
  far.send(cut(*program, sample_of(*program, 1), 96, 1)[0]);
  EXPECT_TRUE(wait_until([&] { return dropped(plane->stats().routes[0], DropReason::incomplete) == 1; }));
  EXPECT_GT(plane->stats().workers[0].sleeps, 0u);
}

TEST(Lifecycle, ConsumersAreToldOncePerReadySpellAndNotAfterDetaching) {
  const ProgramPtr program = small_program();
  const std::string link = fresh_link();
  PlaneConfig config = plane_on(memory_end(link, 0), {route_to_host(program)});
  config.idle_after_ns = UINT64_MAX;
  auto plane = must(start_plane(std::move(config)));
  const auto sink = plane->host_sink("r");
  RawEnd far(link);
  std::atomic<int> told{0};
  const auto tell = [](void* count) { ++*static_cast<std::atomic<int>*>(count); };
  const auto send = [&](uint64_t number) {
    for (const ChunkPacket& p :
         cut(*program, sample_of(*program, number), 192, static_cast<uint32_t>(number), number))
      far.send(p);
  };
  // A sample is counted before it is ready: it is when the worker has polled again.
  const auto ready = [&](uint64_t samples) {
    if (!wait_until([&] { return plane->stats().routes[0].samples_complete == samples; })) return false;
    const uint64_t polls = plane->stats().workers[0].polls;
    return wait_until([&] { return plane->stats().workers[0].polls > polls + 1; });
  };
  send(1);
  ASSERT_TRUE(ready(1));
  sink->on_ready(tell, &told);  // something is ready already
  EXPECT_EQ(told, 1);
  send(2);
  ASSERT_TRUE(ready(2));
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(told, 1) << "told again before next() returned false";
  Delivery delivery;
  int taken = 0;
  while (sink->next(delivery)) {
    sink->release(delivery.buffer);
    ++taken;
  }
  EXPECT_EQ(taken, 2);
  send(3);
  EXPECT_TRUE(wait_until([&] { return told == 2; }));
  sink->on_ready(nullptr, nullptr);
  while (sink->next(delivery)) sink->release(delivery.buffer);
  send(4);
  ASSERT_TRUE(wait_until([&] { return plane->stats().routes[0].samples_complete == 4; }));
  plane->close();
  EXPECT_EQ(told, 2);
}

class Backpressure : public ::testing::TestWithParam<uint64_t> {};  // idle_after_ns: 0 sleeps at every pause

TEST_P(Backpressure, LosesNothingHoweverSlowTheConsumer) {
  const ProgramPtr program = small_program();
  const std::string link = fresh_link();
  RouteConfig route = route_to_host(program);
  route.slots = 4;
  std::get<HostSinkConfig>(route.sink).backpressure = true;
  PlaneConfig config = plane_on(memory_end(link, 0), {route});
  config.idle_after_ns = GetParam();
  auto plane = must(start_plane(std::move(config)));
  const auto sink = plane->host_sink("r");
  RawEnd far(link);
  const uint64_t samples = 300;
  for (uint64_t number = 0; number < samples; ++number) {
    for (const ChunkPacket& p :
         cut(*program, sample_of(*program, number), 192, static_cast<uint32_t>(number), number))
      far.send(p);
  }
  Checker checker(program, sink);
  ASSERT_TRUE(wait_until([&] {
    Delivery delivery;
    if (sink->next(delivery)) {
      checker.check(delivery);
      sink->release(delivery.buffer);
    }
    return checker.samples == samples;
  }));
  plane->close();
  EXPECT_EQ(checker.wrong, 0u);
  EXPECT_EQ(dropped(plane->stats().routes[0], DropReason::slow_consumer), 0u);
  EXPECT_EQ(imbalance(plane->stats()), "");
}

INSTANTIATE_TEST_SUITE_P(Lifecycle, Backpressure,
                         ::testing::Values(uint64_t{0}, uint64_t{50'000}, UINT64_MAX));

TEST(Lifecycle, PacketsHeldBackAtCloseCountAsSlowConsumer) {
  const ProgramPtr program = small_program();
  const std::string link = fresh_link();
  RouteConfig route = route_to_host(program);
  route.slots = 1;
  std::get<HostSinkConfig>(route.sink).backpressure = true;
  auto plane = must(start_plane(plane_on(memory_end(link, 0), {route})));
  RawEnd far(link);
  for (uint64_t number = 0; number < 5; ++number) {
    for (const ChunkPacket& p :
         cut(*program, sample_of(*program, number), 384, static_cast<uint32_t>(number), number))
      far.send(p);
  }
  // The second packet is held back; what came in the same burst waits behind it, the rest in the port.
  ASSERT_TRUE(wait_until([&] { return plane->stats().ports[0].counters.rx_packets >= 2; }));
  plane->close();
  const PlaneStats stats = plane->stats();
  EXPECT_EQ(stats.routes[0].samples_complete, 1u);
  EXPECT_EQ(dropped(stats.routes[0], DropReason::slow_consumer), stats.ports[0].counters.rx_packets - 1);
  EXPECT_EQ(imbalance(stats), "");
}

}  // namespace
}  // namespace onpath::testing
