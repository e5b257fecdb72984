// Floods of samples that are never finished, packet by packet beside an honest stream: it loses nothing,
// whatever the flood is made of, and the books balance.
#include <gtest/gtest.h>

#include "dataplane/shapes_testing.h"
#include "dataplane/text_testing.h"

namespace onpath::testing {
namespace {

/// Where the flood comes from.
enum class From : uint8_t { one_address, many_addresses };

class Flood {
 public:
  explicit Flood(From from) : from_(from) {}

  /// A new SSRC and a new timestamp each time.
  void send(SteppedPlane& plane, ChunkPacket packet, uint32_t count) {
    const Endpoint honest = plane.source;
    for (uint32_t i = 0; i < count; ++i) {
      packet.ssrc = random_.next();
      packet.timestamp = random_.next();
      packet.request_id = random_.next();
      plane.source = endpoint("10.66.0.1", static_cast<uint16_t>(1024 + random_.below(60000)));
      if (from_ == From::many_addresses) {
        plane.source.address.bytes[14] = random_.byte();
        plane.source.address.bytes[15] = random_.byte();
      }
      plane.send(packet);
    }
    plane.source = honest;
  }
  Random& random() { return random_; }

 private:
  const From from_;
  Random random_{test_seed()};
};

class NewSenders : public ::testing::Test {};

class Attack : public ::testing::TestWithParam<From> {
 protected:
  const ProgramPtr program = small_program();
  Flood flood{GetParam()};

  RouteConfig route() const {
    RouteConfig made = route_to_host(program);
    made.slots = 32;
    made.open_samples = 16;
    return made;
  }
  ChunkPacket unfinished() const { return cut(*program, sample_of(*program, 99), 96, 1)[0]; }
  /// Many addresses could as well be many honest senders: only one that has shown itself is told from them.
  void introduce(SteppedPlane& plane, uint32_t timestamp) {
    if (GetParam() == From::one_address) return flood.send(plane, unfinished(), 100);
    plane.send(cut(*program, sample_of(*program, timestamp), 96, timestamp, timestamp));
    ASSERT_EQ(plane.take().size(), 1u);
  }
};

TEST_P(Attack, ByUnfinishedSamplesTakesNothingFromAnHonestStream) {
  SteppedPlane plane({route()});
  introduce(plane, 1);
  for (uint32_t t = 2; t < 200; ++t) {
    const Bytes sample = sample_of(*program, t);
    for (const ChunkPacket& packet : cut(*program, sample, 96, t, t)) {
      plane.send(packet);
      flood.send(plane, unfinished(), 40);
    }
    const auto taken = plane.take();
    ASSERT_EQ(taken.size(), 1u) << "sample " << t;
    EXPECT_EQ(taken[0].output, expected_of(*program, sample));
    plane.pass(1'000'000);
  }
  EXPECT_EQ(plane.unaccounted(), 0);
}

TEST_P(Attack, LeavesAnHonestStreamThatRestedWhatWasKnownOfIt) {
  SteppedPlane plane({route()});
  introduce(plane, 1);
  const auto packets = cut(*program, sample_of(*program, 5), 96, 5, 5);
  plane.send(packets);
  ASSERT_EQ(plane.take().size(), 1u);
  flood.send(plane, unfinished(), 3000);
  const uint64_t late = plane.dropped(DropReason::late);
  plane.send(packets);
  EXPECT_EQ(plane.dropped(DropReason::late), late + packets.size()) << "its timestamps were forgotten";
  // And after a rest that is longer than timestamps are remembered.
  for (int i = 0; i < 50; ++i) {
    plane.pass(200'000'000);
    flood.send(plane, unfinished(), 100);
  }
  for (const ChunkPacket& packet : cut(*program, sample_of(*program, 6), 96, 6, 6)) {
    plane.send(packet);
    flood.send(plane, unfinished(), 40);
  }
  EXPECT_EQ(plane.take().size(), 1u);
  EXPECT_EQ(plane.unaccounted(), 0);
}

TEST_P(Attack, TakesNoOutputBufferThatAnHonestStreamNeeds) {
  RouteConfig tight = route();
  tight.slots = 17;
  SteppedPlane plane({tight});
  introduce(plane, 1);
  for (uint32_t t = 2; t < 50; ++t) {
    for (const ChunkPacket& packet : cut(*program, sample_of(*program, t), 96, t, t)) {
      flood.send(plane, unfinished(), 40);
      plane.send(packet);
    }
    // The consumer is slow: it holds two buffers all the time.
    if (t == 3) continue;
    ASSERT_GE(plane.route().samples_complete.get(), t - 1) << "sample " << t;
    Delivery delivery;
    ASSERT_TRUE(plane.sink().next(delivery));
    plane.sink().release(delivery.buffer);
  }
}

TEST_P(Attack, WhereEveryStreamIsActiveMakesRoomForAnHonestOne) {
  RouteConfig few = route();
  few.max_streams = 8;
  SteppedPlane plane({few});
  introduce(plane, 1);
  for (uint32_t t = 2; t < 50; ++t) {
    for (const ChunkPacket& packet : cut(*program, sample_of(*program, t), 96, t, t, 1 + t)) {
      plane.send(packet);
      flood.send(plane, unfinished(), 40);
    }
    ASSERT_EQ(plane.take().size(), 1u) << "sample " << t << ", of a new SSRC";
  }
  EXPECT_EQ(plane.unaccounted(), 0);
}

TEST_F(NewSenders, OneAfterTheOtherGetInHoweverFewStreamsAreFollowed) {
  const ProgramPtr program = small_program();
  RouteConfig few = route_to_host(program);
  few.max_streams = 4;
  SteppedPlane plane({few});
  for (uint32_t t = 1; t < 100; ++t) {
    plane.source = endpoint("10.0.1." + std::to_string(t), 40000);
    plane.send(cut(*program, sample_of(*program, t), 96, 1, t));
    ASSERT_EQ(plane.take().size(), 1u) << "sender " << t;
  }
  EXPECT_EQ(plane.unaccounted(), 0);
}

TEST_P(Attack, ByUnfinishedTextsTakesNothingFromAnHonestStream) {
  RouteConfig route = text_route(pair_plan());
  route.open_samples = 8;
  route.slots = 64;
  SteppedPlane plane({route});
  const ChunkPacket unfinished_text = cut_text(text_of(1, 64), 32, 1)[0];
  for (uint32_t t = 1; t < 200; ++t) {
    const Bytes text = text_of(t, 300);
    for (const ChunkPacket& packet : cut_text(text, 50, t, t)) {
      plane.send(packet);
      if (t > 1 || GetParam() == From::one_address) flood.send(plane, unfinished_text, 30);
    }
    const auto parts = take_parts(*plane.parts->text_sinks[0]);
    ASSERT_EQ(parts.size(), 1u) << "text " << t;
    EXPECT_EQ(parts[0].ids, pairs_of(text));
  }
  EXPECT_EQ(plane.unaccounted(), 0);
}

TEST_P(Attack, ByTextsThatGrowWithoutEndTakesNoSegmentThatAnHonestStreamNeeds) {
  RouteConfig route = text_route(pair_plan());  // 16 tokens in a segment
  route.open_samples = 8;
  route.slots = 24;
  SteppedPlane plane({route});
  // One packet, and three texts of it take all that there is.
  ChunkPacket grown = cut_text(text_of(1, 400), 200, 1)[0];
  for (uint32_t t = 1; t < 100; ++t) {
    const Bytes text = text_of(t, 150);
    for (const ChunkPacket& packet : cut_text(text, 50, t, t)) {
      if (t > 1 || GetParam() == From::one_address) flood.send(plane, grown, 12);
      plane.send(packet);
    }
    const auto parts = take_parts(*plane.parts->text_sinks[0]);
    ASSERT_FALSE(parts.empty()) << "text " << t;
    EXPECT_EQ(parts.back().ids, pairs_of(text));
  }
  EXPECT_EQ(plane.unaccounted(), 0);
}

TEST_P(Attack, ByImagesOfRandomSizesTakesNothingFromAnHonestStream) {
  const PlanFamilyPtr family = must(PlanFamily::make(family_spec()));
  RouteConfig route = route_of(family);
  route.shapes->cached = 6;
  ShapedPlane plane(route);
  const auto flooding = [&](uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) {
      const InputShape shape{2 + flood.random().below(63), 1 + flood.random().below(48)};  // not ended by one
      ChunkPacket packet;
      packet.digest = family->largest()->plan().input().digest;
      packet.dims = {shape.height, shape.width};
      packet.length = uint64_t{shape.width} * shape.height * 3;
      packet.bytes.assign(3, 7);
      flood.send(plane, packet, 1);
    }
  };
  const ShapedImage image(*family, {20, 10}, 3), other(*family, {31, 9}, 4);
  for (uint32_t t = 1; t < 60; ++t) {
    const ShapedImage& sent = t >= 30 && t < 40 ? other : image;
    for (const ChunkPacket& packet : sent.packets(150, t)) {
      plane.send(packet);
      if (t > 1) flooding(20);
    }
    plane.make_all_plans();
    plane.pass(t % 10 == 0 ? 3'000'000'000 : 1'000'000);
    const auto taken = plane.take();
    ASSERT_EQ(taken.size(), 1u) << "image " << t;
    EXPECT_EQ(taken[0].output, sent.expected);
  }
  EXPECT_EQ(plane.unaccounted(), 0);
}

INSTANTIATE_TEST_SUITE_P(Floods, Attack, ::testing::Values(From::one_address, From::many_addresses),
                         [](const ::testing::TestParamInfo<From>& of) {
                           return of.param == From::one_address ? "of_one_address" : "of_many_addresses";
                         });

}  // namespace
}  // namespace onpath::testing
