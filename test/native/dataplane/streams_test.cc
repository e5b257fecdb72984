// Streams and their closed timestamps, against simple models.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "dataplane/closed_timestamps.h"
#include "dataplane/stepped_plane.h"
#include "dataplane/stream_table.h"

namespace onpath::testing {
namespace {

TEST(ClosedTimestamps, NeverForgetThatATimestampWasClosedWhereverTheClockWraps) {
  Random random(test_seed());
  for (const uint32_t start : {0u, 0x7fffff00u, 0x80000000u, 0xffffff00u}) {
    ClosedTimestamps closed;
    std::set<uint32_t> ever;
    uint32_t clock = start;
    for (int i = 0; i < 5000; ++i) {
      // Closed in any order within a window of 40 steps.
      clock += 3;
      const uint32_t timestamp = clock - 3 * random.below(40);
      if (!closed.contains(timestamp)) {
        closed.add(timestamp);
        ever.insert(timestamp);
      }
    }
    for (uint32_t timestamp : ever) EXPECT_TRUE(closed.contains(timestamp));
    EXPECT_FALSE(closed.contains(clock + 1));
    EXPECT_FALSE(closed.contains(clock + 0x10000000u));
  }
}

TEST(ClosedTimestamps, LeaveEarlierOnesOpenWhileFewAreClosed) {
  ClosedTimestamps closed;
  closed.add(1000);
  EXPECT_TRUE(closed.contains(1000));
  EXPECT_FALSE(closed.contains(999));
  EXPECT_FALSE(closed.contains(1001));
}

TEST(ClosedTimestamps, SurviveTimestampsHalfACircleAhead) {
  ClosedTimestamps closed;
  std::set<uint32_t> ever;
  const auto close = [&](uint32_t timestamp) {
    if (closed.contains(timestamp)) return;
    closed.add(timestamp);
    ever.insert(timestamp);
  };
  for (uint32_t i = 0; i < 200; ++i) {
    close(1000 + i);
    if (i % 3 == 0) close(1000 + 0x7fffff00u + i * 7);
  }
  for (uint32_t timestamp = 1000; timestamp < 1200; ++timestamp)
    EXPECT_TRUE(closed.contains(timestamp)) << timestamp;
  EXPECT_FALSE(closed.contains(1201)) << "the honest stream goes on";
}

TEST(ClosedTimestamps, HoldAnyOrderOfAnyTimestamps) {
  Random random(test_seed());
  for (int round = 0; round < 50; ++round) {
    ClosedTimestamps closed;
    std::vector<uint32_t> ever;
    for (int i = 0; i < 300; ++i) {
      const uint32_t timestamp = random.next() >> (round % 8);
      if (closed.contains(timestamp)) continue;
      closed.add(timestamp);
      ever.push_back(timestamp);
      ASSERT_TRUE(closed.contains(timestamp));
    }
  }
}

TEST(StreamTable, FindsWhatAMapWouldFindWhileStreamsComeAndGo) {
  constexpr uint32_t kMost = 37;
  Random random(test_seed());
  StreamTable table(kMost, 12345);
  std::map<std::pair<uint32_t, uint16_t>, uint32_t> active;  // to index
  for (int step = 0; step < 100'000; ++step) {
    const uint32_t ssrc = random.below(60);
    Endpoint source = endpoint("10.0.0.1", static_cast<uint16_t>(1 + random.below(3)));
    const StreamKey stream_key(ssrc, source);
    const uint64_t hash = table.hash(stream_key);
    Stream* found = table.find(hash, stream_key);
    const auto key = std::make_pair(ssrc, source.port);
    const auto known = active.find(key);
    if (known != active.end()) {
      ASSERT_NE(found, nullptr) << "an active stream gave way";
      ASSERT_EQ(table.index_of(*found), known->second);
      if (random.one_in(2)) {
        table.became_idle(*found);
        active.erase(known);
      }
      continue;
    }
    if (found == nullptr) {
      ASSERT_EQ(table.has_room(), active.size() < kMost);
      if (!table.has_room()) continue;
      found = &table.add(hash, stream_key);
    }
    ASSERT_TRUE(found->key == stream_key);
    table.became_active(*found);
    active[key] = table.index_of(*found);
    ASSERT_LE(table.size(), kMost);
  }
}

TEST(StreamTable, TheStreamIdleLongestGivesWay) {
  StreamTable table(3, 1);
  const Endpoint source = endpoint("10.0.0.1", 1);
  const auto add = [&](uint32_t ssrc) -> Stream& {
    return table.add(table.hash({ssrc, source}), {ssrc, source});
  };
  const auto has = [&](uint32_t ssrc) {
    return table.find(table.hash({ssrc, source}), {ssrc, source}) != nullptr;
  };
  Stream& one = add(1);
  add(2);
  add(3);
  table.became_active(one);
  table.became_idle(one);
  add(4);
  EXPECT_FALSE(has(2));
  EXPECT_TRUE(has(1) && has(3) && has(4));
}

class Streams : public ::testing::Test {
 protected:
  const ProgramPtr program = small_program();
  const Bytes sample = sample_of(*program, 1);

  void whole(SteppedPlane& plane, uint32_t timestamp) { plane.send(cut(*program, sample, 192, timestamp)); }
};

TEST_F(Streams, ALatePacketNeverOpensItsSampleAgainAcrossTheWrapOfTheClock) {
  RouteConfig route = route_to_host(program);
  route.slots = 1000;
  SteppedPlane plane({route});
  std::vector<uint32_t> sent;
  for (uint32_t i = 0; i < 300; ++i) {
    sent.push_back(0xffffff00u + i * 3);
    whole(plane, sent.back());
    plane.pass(1'000'000);
  }
  const uint64_t opened = plane.route().samples_opened.get();
  EXPECT_EQ(opened, 300u);
  for (uint32_t timestamp : sent) plane.send(cut(*program, sample, 192, timestamp)[0]);
  EXPECT_EQ(plane.route().samples_opened.get(), opened);
  EXPECT_EQ(plane.dropped(DropReason::late), 300u);
}

TEST_F(Streams, ASenderThatStartsAgainWithTheSameSsrcIsFollowedAfterAPause) {
  SteppedPlane plane({route_to_host(program)});
  for (uint32_t t = 1000; t < 1100; ++t) {
    whole(plane, t);
    plane.take();
  }
  whole(plane, 5);
  EXPECT_EQ(plane.dropped(DropReason::late), 2u);
  for (uint32_t t = 6; t < 60; ++t) {
    whole(plane, t);
    plane.pass(100'000'000);
  }
  EXPECT_GT(plane.route().samples_complete.get(), 100u) << "it is followed once nothing new came for a while";
  const uint64_t late = plane.dropped(DropReason::late);
  plane.take();
  whole(plane, 60);
  EXPECT_EQ(plane.dropped(DropReason::late), late);
  EXPECT_EQ(plane.take().size(), 1u);
}

TEST_F(Streams, TheSameSsrcFromAnotherSourceIsAnotherStream) {
  SteppedPlane plane({route_to_host(program)});
  const auto packets = cut(*program, sample, 192, 1);
  plane.send(packets[0]);
  plane.source.port = 40001;
  plane.send(packets[1]);
  EXPECT_EQ(plane.route().samples_opened.get(), 2u);
  EXPECT_TRUE(plane.take().empty());
}

TEST_F(Streams, SamplesOfOneStreamMayInterleave) {
  SteppedPlane plane({route_to_host(program)});
  const auto one = cut(*program, sample, 96, 1, 1), two = cut(*program, sample_of(*program, 2), 96, 2, 2);
  for (size_t i = 0; i < one.size(); ++i) {
    plane.send(two[i]);
    plane.send(one[i]);
  }
  const auto taken = plane.take();
  ASSERT_EQ(taken.size(), 2u);
  EXPECT_EQ(taken[0].output, expected_of(*program, sample_of(*program, 2)));
  EXPECT_EQ(taken[1].output, expected_of(*program, sample));
}

}  // namespace
}  // namespace onpath::testing
