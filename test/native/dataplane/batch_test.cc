// Batches: whole ones, ones that waited long enough, places of samples that died, and all of it under loss.
#include <gtest/gtest.h>

#include "dataplane/checker.h"
#include "dataplane/stepped_plane.h"

namespace onpath::testing {
namespace {

constexpr uint64_t kMillisecond = 1'000'000;

RouteConfig batched(uint32_t batch, uint64_t max_wait_ns, uint32_t slots = 4) {
  RouteConfig route = route_to_host(small_program());
  route.sink = HostSinkConfig{batch, max_wait_ns, false};
  route.slots = slots;
  route.open_samples = 8;
  return route;
}

class Batch : public ::testing::Test {
 protected:
  const ProgramPtr program = small_program();

  /// Packet 0 or 1 of a sample cut in halves.
  ChunkPacket half(uint64_t number, size_t which) {
    return cut(*program, sample_of(*program, number), 192, static_cast<uint32_t>(number), number)[which];
  }
  void whole(SteppedPlane& plane, uint64_t number) {
    plane.send(half(number, 0));
    plane.send(half(number, 1));
  }
  void expect_taken(SteppedPlane& plane, const std::vector<uint64_t>& numbers, uint32_t in_batch_of) {
    const auto taken = plane.take();
    ASSERT_EQ(taken.size(), numbers.size());
    for (size_t i = 0; i < numbers.size(); ++i) {
      EXPECT_EQ(taken[i].info.request_id, numbers[i]);
      EXPECT_EQ(taken[i].batch, in_batch_of);
      EXPECT_EQ(taken[i].output, expected_of(*program, sample_of(*program, numbers[i])));
    }
  }
};

TEST_F(Batch, IsDeliveredWhenItsLastSampleCompletes) {
  SteppedPlane plane({batched(3, 0)});
  whole(plane, 1);
  whole(plane, 2);
  plane.pass(900 * kMillisecond);
  expect_taken(plane, {}, 0);
  whole(plane, 3);
  expect_taken(plane, {1, 2, 3}, 3);
}

TEST_F(Batch, GivesThePlaceOfASampleThatDiedToALaterOne) {
  SteppedPlane plane({batched(3, 0)});
  whole(plane, 1);
  plane.send(half(2, 0));
  whole(plane, 3);
  plane.pass(1001 * kMillisecond);
  EXPECT_EQ(plane.dropped(DropReason::incomplete), 1u);
  whole(plane, 4);
  expect_taken(plane, {1, 4, 3}, 3);
}

TEST_F(Batch, PartlyFilledIsDeliveredAfterMaxWaitAndTheOpenSampleGoesOnElsewhere) {
  SteppedPlane plane({batched(4, 5 * kMillisecond)});
  whole(plane, 1);
  plane.send(half(2, 0));
  whole(plane, 3);
  plane.pass(4 * kMillisecond);
  expect_taken(plane, {}, 0);
  plane.pass(2 * kMillisecond);
  expect_taken(plane, {1, 3}, 2);
  plane.send(half(2, 1));
  plane.pass(6 * kMillisecond);
  expect_taken(plane, {2}, 1);
}

TEST_F(Batch, WithNowhereToMoveItsOpenSampleWaitsUntilTheConsumerReleases) {
  SteppedPlane plane({batched(2, 5 * kMillisecond, 2)});
  whole(plane, 1);
  whole(plane, 2);
  Delivery held;
  ASSERT_TRUE(plane.sink().next(held));
  whole(plane, 3);
  plane.send(half(4, 0));
  plane.pass(20 * kMillisecond);
  Delivery none;
  EXPECT_FALSE(plane.sink().next(none));
  plane.sink().release(held.buffer);
  plane.pass(2 * kMillisecond);
  expect_taken(plane, {3}, 1);
  plane.send(half(4, 1));
  plane.pass(6 * kMillisecond);
  expect_taken(plane, {4}, 1);
}

TEST_F(Batch, PartlyFilledIsDeliveredAtTheEndAndOpenSamplesCountAsClosed) {
  SteppedPlane plane({batched(4, 0)});
  plane.send(half(1, 0));
  whole(plane, 2);
  whole(plane, 3);
  plane.finish();
  expect_taken(plane, {2, 3}, 2);
  EXPECT_EQ(plane.dropped(DropReason::closed), 1u);
}

TEST_F(Batch, OfOneSlotEvictsRatherThanBlamesTheConsumer) {
  SteppedPlane plane({batched(2, 0, 1)});
  plane.send(half(1, 0));
  plane.send(half(2, 0));
  whole(plane, 3);
  EXPECT_EQ(plane.dropped(DropReason::evicted), 1u);
  EXPECT_EQ(plane.dropped(DropReason::slow_consumer), 0u);
  plane.send(half(2, 1));
  expect_taken(plane, {3, 2}, 2);
}

TEST_F(Batch, IsExactInAnyOrderOfCompletionWithDeathsAndWaits) {
  Random random(test_seed());
  RouteConfig route = batched(5, 3 * kMillisecond, 6);
  route.open_samples = 16;
  route.deadline_ns = 20 * kMillisecond;
  SteppedPlane plane({route});
  std::vector<ChunkPacket> waiting;
  uint64_t delivered = 0;
  for (uint64_t number = 1; number <= 3000; ++number) {
    for (ChunkPacket& packet :
         cut(*program, sample_of(*program, number), 96, static_cast<uint32_t>(number), number)) {
      if (!random.one_in(20)) waiting.push_back(std::move(packet));
    }
    while (waiting.size() > 24) {
      const size_t at = random.below(static_cast<uint32_t>(waiting.size()));
      plane.send(waiting[at]);
      waiting.erase(waiting.begin() + static_cast<int64_t>(at));
    }
    plane.pass(random.below(600'000));
    if (!random.one_in(3)) continue;
    for (const auto& taken : plane.take()) {
      ++delivered;
      ASSERT_EQ(taken.output, expected_of(*program, sample_of(*program, taken.info.request_id)));
    }
  }
  plane.finish();
  delivered += plane.take().size();
  EXPECT_EQ(delivered, plane.route().samples_complete.get());
  EXPECT_GT(delivered, 1500u);
  EXPECT_EQ(plane.unaccounted(), 0);
}

TEST_F(Batch, UnderLossOnALiveLinkBooksBalanceAndEveryDeliveredSampleIsExact) {
  const std::string link = fresh_link();
  MemoryPortConfig bad;
  bad.impairments = {0.1, 0.1, 0, 32, 3};
  RouteConfig route = batched(8, 2 * kMillisecond, 256);
  std::get<HostSinkConfig>(route.sink).backpressure = true;
  route.open_samples = 1024;
  route.deadline_ns = 5 * kMillisecond;
  auto plane = must(start_plane(plane_on(memory_end(link, 0, bad), {route})));
  RawEnd far(link);
  Checker checker(program, plane->host_sink("r"));
  checker.start();
  for (uint64_t number = 0; number < 20'000 / kSlowdown; ++number) {
    for (const ChunkPacket& p :
         cut(*program, sample_of(*program, number), 144, static_cast<uint32_t>(number), number))
      far.send(p);
  }
  EXPECT_TRUE(wait_until([&] {
    const PlaneStats stats = plane->stats();
    return stats.routes[0].samples_open == 0 && checker.samples == stats.routes[0].samples_complete;
  }));
  plane->close();
  checker.stop();
  const PlaneStats stats = plane->stats();
  EXPECT_EQ(imbalance(stats), "");
  EXPECT_EQ(checker.wrong, 0u);
  EXPECT_EQ(checker.samples, stats.routes[0].samples_delivered);
  EXPECT_GT(checker.samples, 5000 / kSlowdown);
}

}  // namespace
}  // namespace onpath::testing
