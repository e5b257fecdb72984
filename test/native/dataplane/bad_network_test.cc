// Loss, duplication, reordering, damage and re-cut overlaps: what completes is exact, the books balance,
// memory stays flat.
#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "dataplane/checker.h"

namespace onpath::testing {
namespace {

uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  uint64_t size = 0, resident = 0;
  statm >> size >> resident;
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

MemoryPortConfig bad_network(uint64_t seed) {
  MemoryPortConfig config;
  config.impairments.loss = 0.2;
  config.impairments.duplicate = 0.1;
  config.impairments.corrupt = 0.01;
  config.impairments.reorder_span = 64;
  config.impairments.seed = seed;
  config.max_bytes = 512;
  return config;
}

/// One sample cut twice, differently, so that its packets overlap; in any order.
void send_twice_cut(RawEnd& far, const Program& program, uint64_t number, Random& random) {
  const Bytes sample = sample_of(program, number);
  const auto timestamp = static_cast<uint32_t>(number * 3000);
  auto packets = cut(program, sample, 96, timestamp, number);
  for (auto& packet : cut(program, sample, 3 * random.between(20, 60), timestamp, number))
    packets.push_back(std::move(packet));
  random.shuffle(packets);
  for (const ChunkPacket& packet : packets) far.send(packet);
}

TEST(BadNetwork, EverySampleThatCompletesIsExactAndTheBooksBalanceAndMemoryStaysFlatOver100000Samples) {
  const uint64_t samples = 100'000 / kSlowdown;
  const ProgramPtr program = small_program();
  const std::string link = fresh_link();
  const MemoryPortConfig like = bad_network(7);
  RouteConfig route = route_to_host(program);
  route.open_samples = 32;
  route.deadline_ns = 50'000'000;
  std::get<HostSinkConfig>(route.sink).backpressure = true;
  auto plane = must(start_plane(plane_on(memory_end(link, 0, like), {route})));
  MemoryPortConfig clean;
  clean.max_bytes = like.max_bytes;
  RawEnd far(link, 1, clean);
  Checker checker(program, plane->host_sink("r"));
  checker.start();
  Random random(test_seed());
  uint64_t resident_early = 0;
  for (uint64_t number = 0; number < samples; ++number) {
    if (number == samples / 10) resident_early = resident_bytes();
    send_twice_cut(far, *program, number, random);
  }
  const uint64_t resident_late = resident_bytes();
  // A sample at the end of the stream: deadlines close what is missing, the window of reordered frames
  // empties.
  EXPECT_TRUE(wait_until([&] {
    const PlaneStats stats = plane->stats();
    return stats.routes[0].samples_open == 0 && stats.routes[0].samples_complete == checker.samples;
  }));
  plane->close();
  checker.stop();

  const PlaneStats stats = plane->stats();
  const RouteStats& books = stats.routes[0];
  EXPECT_EQ(imbalance(stats), "");
  EXPECT_EQ(checker.wrong, 0u);
  EXPECT_EQ(checker.repeated, 0u);
  EXPECT_EQ(checker.samples, books.samples_delivered);
  EXPECT_EQ(books.samples_delivered, books.samples_complete);
  EXPECT_EQ(dropped(books, DropReason::undelivered), 0u);
  EXPECT_GT(books.samples_complete, samples / 2);
  EXPECT_LT(books.samples_complete, samples);
  EXPECT_LE(books.samples_opened, samples) << "a late packet opened a sample a second time";
  EXPECT_GT(dropped(books, DropReason::incomplete) + dropped(books, DropReason::evicted), 0u);
  EXPECT_GT(dropped(books, DropReason::duplicate), 0u);
  EXPECT_GT(dropped(books, DropReason::late), 0u);
  EXPECT_GT(books.overlap_bytes, 0u);
  EXPECT_GT(stats.ports[0].counters.impaired_lost, 0u);
  EXPECT_GT(dropped(stats.ports[0], DropReason::bad_udp_checksum), 0u);
  // AddressSanitizer keeps what the test frees.
  EXPECT_TRUE(kSanitized || resident_late < resident_early + (4u << 20))
      << resident_early << " " << resident_late;
}

TEST(BadNetwork, ResizedImagesSurviveItToo) {
  const ProgramPtr program = resize_program(40, 30);
  const std::string link = fresh_link();
  MemoryPortConfig like = bad_network(11);
  like.impairments.loss = 0.02;
  like.max_bytes = 1024;
  RouteConfig route = route_to_host(program);
  route.deadline_ns = 100'000'000;
  route.open_samples = 128;
  route.slots = 256;
  // Else a checker that gets no core for a while gets few samples.
  std::get<HostSinkConfig>(route.sink).backpressure = true;
  auto plane = must(start_plane(plane_on(memory_end(link, 0, like), {route})));
  MemoryPortConfig clean;
  clean.max_bytes = like.max_bytes;
  RawEnd far(link, 1, clean);
  Checker checker(program, plane->host_sink("r"));
  checker.start();
  Random random(test_seed());
  for (uint64_t number = 0; number < 2000 / kSlowdown; ++number) {
    const Bytes sample = sample_of(*program, number);
    auto packets = cut(*program, sample, 600, static_cast<uint32_t>(number), number);
    random.shuffle(packets);
    for (const ChunkPacket& packet : packets) far.send(packet);
  }
  EXPECT_TRUE(wait_until([&] {
    const PlaneStats stats = plane->stats();
    return stats.routes[0].samples_open == 0 && stats.routes[0].samples_complete == checker.samples;
  }));
  plane->close();
  checker.stop();
  EXPECT_EQ(imbalance(plane->stats()), "");
  EXPECT_EQ(checker.wrong, 0u);
  EXPECT_GT(checker.samples, 500 / kSlowdown);
}

}  // namespace
}  // namespace onpath::testing
