// Histograms, and what of them a plane keeps.
#include "dataplane/latency.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "dataplane/clock.h"
#include "dataplane/stepped_plane.h"
#include "support/random.h"

namespace onpath::testing {
namespace {

uint64_t wide(Random& random) {
  return ((uint64_t{random.next()} << 32) | random.next()) >> random.between(28, 63);
}

TEST(Histogram, ABucketHoldsExactlyTheValuesFromItsLowerBoundToTheNext) {
  using Buckets = HistogramBuckets;
  for (uint32_t i = 0; i < Buckets::kCount; ++i) {
    const uint64_t lower = Buckets::lower(i);
    EXPECT_EQ(Buckets::of(lower), i);
    if (i == 0) continue;
    EXPECT_EQ(Buckets::of(lower - 1), i - 1);
    EXPECT_LE((lower - Buckets::lower(i - 1) - 1) * 32, Buckets::lower(i - 1)) << i;
  }
  EXPECT_EQ(Buckets::lower(Buckets::kCount - 1) + (uint64_t{1} << 30), uint64_t{1} << 36);
  EXPECT_EQ(Buckets::of(UINT64_MAX), Buckets::kCount - 1);
}

TEST(Histogram, PercentilesAreAtMostOnePartIn32AboveThoseOfTheSortedValues) {
  Random random(1);
  for (int round = 0; round < 50; ++round) {
    Histogram histogram;
    std::vector<uint64_t> values(random.between(1, 3000));
    for (uint64_t& value : values) histogram.record(value = wide(random));
    std::sort(values.begin(), values.end());
    HistogramCounts counts;
    counts.add(histogram);
    ASSERT_EQ(counts.count(), values.size());
    EXPECT_EQ(counts.min, values.front());
    EXPECT_EQ(counts.max, values.back());
    for (const uint32_t per_thousand : {0u, 1u, 500u, 900u, 990u, 999u, 1000u}) {
      const size_t rank = std::max<size_t>(1, (values.size() * per_thousand + 999) / 1000);
      const uint64_t exact = values[rank - 1];
      EXPECT_GE(counts.percentile(per_thousand), exact);
      EXPECT_LE(counts.percentile(per_thousand), exact + exact / 32);
    }
  }
}

TEST(Histogram, AddingTwoEqualsRecordingIntoOne) {
  Random random(2);
  Histogram one, other, both;
  for (int i = 0; i < 5000; ++i) {
    const uint64_t value = wide(random);
    (i % 3 == 0 ? one : other).record(value);
    both.record(value);
  }
  HistogramCounts added, expected;
  added.add(one);
  added.add(other);
  expected.add(both);
  EXPECT_EQ(added.counts, expected.counts);
  EXPECT_EQ(added.sum, expected.sum);
  EXPECT_EQ(added.min, expected.min);
  EXPECT_EQ(added.max, expected.max);
}

TEST(Histogram, OfNothingHasPercentilesOfZero) { EXPECT_EQ(HistogramCounts().percentile(990), 0u); }

HistogramCounts stage_of(SteppedPlane& plane, LatencyStage stage) {
  HistogramCounts counts;
  if (const auto& latency = plane.route().latency) counts.add(latency->stages[static_cast<size_t>(stage)]);
  return counts;
}

/// A sample of four packets, whose port says that they came so long ago.
void send_old(SteppedPlane& plane, const Program& program, uint32_t timestamp, uint64_t first_age_ns,
              uint64_t last_age_ns) {
  const uint64_t now = plane.now = now_ns();
  uint64_t age = first_age_ns;
  for (const ChunkPacket& packet : cut(program, sample_of(program, timestamp), 96, timestamp)) {
    const Bytes rtp = rtp_of(packet);
    Bytes frame(42 + rtp.size());
    std::copy(rtp.begin(), rtp.end(), frame.begin() + 42);
    build_frame(frame.data(), {}, {2, 0, 0, 0, 0, 1}, plane.source, plane.destination, rtp.size(), 0);
    plane.in.arrive(std::move(frame), 0, 0, now - age);
    plane.poll();
    age = last_age_ns;
  }
}

TEST(Latency, OfEverySampleIsFromItsFirstAndFromItsLastPacketsArrivalToTheSink) {
  const ProgramPtr program = small_program();
  SteppedPlane plane({route_to_host(program)});
  constexpr uint64_t kMs = 1'000'000;
  const uint64_t begun = now_ns();
  for (uint32_t i = 1; i <= 20; ++i) send_old(plane, *program, i, 700 * kMs, 300 * kMs);
  const uint64_t before_taking = now_ns();
  EXPECT_EQ(plane.take().size(), 20u);
  const uint64_t took = now_ns() - begun;
  const HistogramCounts first = stage_of(plane, LatencyStage::first_packet);
  const HistogramCounts last = stage_of(plane, LatencyStage::last_packet);
  const HistogramCounts wait = stage_of(plane, LatencyStage::wait);
  EXPECT_EQ(first.count(), 20u);
  EXPECT_GE(first.min, 700 * kMs);
  EXPECT_LE(first.max, 700 * kMs + took);
  EXPECT_EQ(last.count(), 20u);
  EXPECT_GE(last.min, 300 * kMs);
  EXPECT_LE(last.max, 300 * kMs + took);
  EXPECT_EQ(wait.count(), 20u);
  EXPECT_LE(wait.max, took);
  EXPECT_GE(wait.sum + (before_taking - begun), wait.max);
  // The 1st and the 17th.
  EXPECT_EQ(stage_of(plane, LatencyStage::finish).count(), 2u);
}

TEST(Latency, OfABatchEndsWhenTheWholeBatchIsReady) {
  const ProgramPtr program = small_program();
  RouteConfig route = route_to_host(program);
  std::get<HostSinkConfig>(route.sink).batch = 3;
  SteppedPlane plane({route});
  for (uint32_t i = 1; i <= 5; ++i) send_old(plane, *program, i, 2000, 1000);
  EXPECT_EQ(stage_of(plane, LatencyStage::last_packet).count(), 3u);
  plane.take();
  EXPECT_EQ(stage_of(plane, LatencyStage::wait).count(), 1u);
}

TEST(Latency, OfAForwardedSampleEndsWhenThePortTookItsLastPacket) {
  const ProgramPtr program = small_program();
  RouteConfig route = route_to_host(program);
  ForwardSinkConfig sink;
  sink.port = "q";
  sink.source = endpoint("10.0.1.1", 6000);
  sink.destination = endpoint("10.0.1.2", 6001);
  route.sink = sink;
  SteppedPlane plane({route});
  plane.out.accepts = 0;
  send_old(plane, *program, 1, 5'000'000, 5'000'000);
  EXPECT_EQ(stage_of(plane, LatencyStage::first_packet).count(), 0u);
  plane.out.accepts = UINT32_MAX;
  plane.pass(1000);
  EXPECT_EQ(plane.route().samples_sent.get(), 1u);
  EXPECT_EQ(stage_of(plane, LatencyStage::first_packet).count(), 1u);
  EXPECT_GE(stage_of(plane, LatencyStage::first_packet).min, 5'000'000u);
  EXPECT_EQ(stage_of(plane, LatencyStage::wait).count(), 1u);
}

TEST(Latency, OfStagesIsTakenOfOnePacketOfEvery64thBurst) {
  const ProgramPtr program = small_program();
  SteppedPlane plane({route_to_host(program)});
  const auto packets = cut(*program, sample_of(*program, 1), 96, 1);  // four
  for (uint32_t i = 0; i < 10 * kTimedBursts; i += static_cast<uint32_t>(packets.size())) {
    auto sample = packets;
    for (ChunkPacket& packet : sample) packet.timestamp = i;
    plane.send(sample);  // a burst each
    plane.take();
  }
  for (const auto stage : {LatencyStage::receive, LatencyStage::classify, LatencyStage::program})
    EXPECT_EQ(stage_of(plane, stage).count(), 10u - 1) << latency_stage_name(stage);
}

TEST(Latency, IsNotTakenIfNotWanted) {
  const ProgramPtr program = small_program();
  FakePort port;
  PlaneConfig config;
  config.ports = {{"p", port.port()}};
  config.routes = {route_to_host(program)};
  config.idle_after_ns = UINT64_MAX;
  const auto bytes_of = [](const PlaneConfig& asked) {
    MemoryAccount account;
    account_pools(asked, account);
    return account.total();
  };
  const uint64_t measured = bytes_of(config);
  config.latency = false;
  EXPECT_EQ(bytes_of(config) + sizeof(RouteLatency), measured);
  auto parts = must(build_plane(std::move(config)));
  EXPECT_EQ(parts->workers[0]->route_counters(0).latency, nullptr);
}

}  // namespace
}  // namespace onpath::testing
