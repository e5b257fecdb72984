// Fair shares of pools while several versions of a route are alive: a flood holds places under each of them,
// and what gives way is what frees a place under the version that needs one.
#include <gtest/gtest.h>

#include <map>

#include "dataplane/swaps_testing.h"

namespace onpath::testing {
namespace {

/// Where the flood comes from.
enum class From : uint8_t { one_address, many_addresses };

class SwapsUnderAttack : public ::testing::TestWithParam<From> {
 protected:
  void flood(SteppedPlane& plane, ChunkPacket packet, uint32_t count) {
    const Endpoint honest = plane.source;
    for (uint32_t i = 0; i < count; ++i) {
      packet.ssrc = random.next();
      packet.timestamp = random.next();
      packet.request_id = random.next();
      plane.source = endpoint("10.66.0.1", static_cast<uint16_t>(1024 + random.below(60000)));
      if (GetParam() == From::many_addresses) {
        plane.source.address.bytes[14] = random.byte();
        plane.source.address.bytes[15] = random.byte();
      }
      plane.send(packet);
    }
    plane.source = honest;
  }
  /// Many addresses could as well be many honest senders: only one that has shown itself is told from them.
  bool begins_at(uint32_t time) const { return time > 1 || GetParam() == From::one_address; }

  Random random{test_seed()};
};

/// The plane takes its versions' pools and those it was started with, and lists both.
void expect_memory_of_all_versions(Swapping& swapping, const RouteConfig& route) {
  const uint64_t further = swapping.alive() - 1;
  EXPECT_EQ(swapping.more_bytes(), static_cast<int64_t>(further * version_bytes(route)));
  uint64_t listed = 0;
  for (const MemoryItem& item : swapping.memory.items()) listed += item.bytes;
  EXPECT_EQ(listed, swapping.memory.total());
}

TEST_P(SwapsUnderAttack, AnHonestStreamLosesNoSampleAndEachIsWhollyOfOneVersion) {
  RouteConfig route = route_to_host(shifted_program(1));
  route.open_samples = 16;
  route.slots = 17;
  SteppedPlane plane({route});
  Swapping swapping(plane);
  const ChunkPacket unfinished = cut(*route.program, sample_of(*route.program, 999), 96, 1)[0];
  uint32_t version = 1;
  for (uint32_t t = 1; t < 150; ++t) {
    const Bytes sample = sample_of(*route.program, t);
    uint32_t opened_under = 0;
    for (const ChunkPacket& packet : cut(*route.program, sample, 96, t, t)) {
      if (random.one_in(4) && swapping.offer({.program = shifted_program(version + 1)})) ++version;
      plane.send(packet);
      if (opened_under == 0) opened_under = version;
      if (begins_at(t)) flood(plane, unfinished, 12);
      expect_memory_of_all_versions(swapping, route);
    }
    const auto taken = take_versions(plane.sink());
    ASSERT_EQ(taken.size(), 1u) << "sample " << t;
    EXPECT_EQ(taken[0].version, opened_under);
    EXPECT_EQ(taken[0].output, shifted(sample, opened_under));
    plane.pass(1'000'000);
  }
  EXPECT_GT(version, 50u);
  EXPECT_EQ(plane.unaccounted(), 0);
  plane.pass(route.deadline_ns);
  EXPECT_EQ(swapping.alive(), 1u);
  EXPECT_EQ(swapping.more_bytes(), 0);
}

TEST_P(SwapsUnderAttack, TextsThatGrowWithoutEndTakeNoSegmentThatAnHonestStreamNeeds) {
  RouteConfig route = text_route(marked_plan(1));
  route.open_samples = 8;
  route.slots = 24;
  SteppedPlane plane({route});
  Swapping swapping(plane);
  const ChunkPacket grown = cut_text(text_of(1, 400), 200, 1)[0];
  uint32_t version = 1;
  for (uint32_t t = 1; t < 100; ++t) {
    const Bytes text = text_of(t, 150);
    uint32_t opened_under = 0;
    for (const ChunkPacket& packet : cut_text(text, 50, t, t)) {
      if (random.one_in(3) && swapping.offer({.text = marked_plan(version + 1)})) ++version;
      if (begins_at(t)) flood(plane, grown, 12);
      plane.send(packet);
      if (opened_under == 0) opened_under = version;
      expect_memory_of_all_versions(swapping, route);
    }
    const auto parts = take_parts(*plane.parts->text_sinks[0]);
    ASSERT_FALSE(parts.empty()) << "text " << t;
    EXPECT_EQ(parts.back().part.version, opened_under);
    EXPECT_EQ(parts.back().ids, marked(text, opened_under)) << "text " << t;
  }
  EXPECT_GT(version, 30u);
  EXPECT_EQ(plane.unaccounted(), 0);
  plane.pass(route.deadline_ns);
  EXPECT_EQ(swapping.alive(), 1u);
  EXPECT_EQ(swapping.more_bytes(), 0);
}

TEST_P(SwapsUnderAttack, ImagesOfRandomSizesTakeNothingFromAnHonestStream) {
  const PlanFamilyPtr family = must(PlanFamily::make(family_spec()));
  RouteConfig route = route_of(family);
  route.shapes->cached = 6;
  ShapedPlane plane(route);
  Swapping swapping(plane);
  const ShapedImage image(*family, {20, 10}, 3);
  for (uint32_t t = 1; t < 60; ++t) {
    if (t % 7 == 0) swapping.to(family);
    for (const ChunkPacket& packet : image.packets(150, t)) {
      plane.send(packet);
      for (uint32_t i = 0; begins_at(t) && i < 20; ++i) {
        const InputShape shape{2 + random.below(63), 1 + random.below(48)};  // one packet does not end it
        ChunkPacket other;
        other.digest = family->largest()->plan().input().digest;
        other.dims = {shape.height, shape.width};
        other.length = uint64_t{shape.width} * shape.height * 3;
        other.bytes.assign(3, 7);
        flood(plane, other, 1);
      }
    }
    plane.make_all_plans();
    plane.pass(t % 10 == 0 ? 3'000'000'000 : 1'000'000);
    const auto taken = take_versions(plane.sink());
    ASSERT_EQ(taken.size(), 1u) << "image " << t;
    EXPECT_EQ(taken[0].version, 1 + t / 7);
    EXPECT_EQ(taken[0].output, image.expected);
    expect_memory_of_all_versions(swapping, route);
  }
  EXPECT_EQ(plane.unaccounted(), 0);
}

INSTANTIATE_TEST_SUITE_P(Floods, SwapsUnderAttack, ::testing::Values(From::one_address, From::many_addresses),
                         [](const ::testing::TestParamInfo<From>& of) {
                           return of.param == From::one_address ? "of_one_address" : "of_many_addresses";
                         });

/// A plane with two buffers in each version, and senders that begin samples and finish them later.
class SwapsAndShares : public ::testing::Test {
 protected:
  SwapsAndShares() {
    RouteConfig route = route_to_host(shifted_program(1));
    route.open_samples = 8;
    route.slots = 2;
    plane = std::make_unique<SteppedPlane>(std::vector<RouteConfig>{route});
    swapping = std::make_unique<Swapping>(*plane);
  }
  /// Sample n is of stream n, and the address its sender's.
  void begin(const std::string& address, uint32_t n) {
    plane->source = endpoint(address, 40000);
    plane->send(packets_of(n)[0]);
    addresses[n] = address;
  }
  void finish(uint32_t n) {
    plane->source = endpoint(addresses[n], 40000);
    plane->send(packets_of(n)[1]);
  }
  /// Finished one by one, each is whole and of this version.
  void expect_whole(std::initializer_list<uint32_t> samples, uint32_t version) {
    for (const uint32_t n : samples) {
      finish(n);
      const auto taken = take_versions(plane->sink());
      ASSERT_EQ(taken.size(), 1u) << "sample " << n;
      EXPECT_EQ(taken[0].version, version);
      EXPECT_EQ(taken[0].output, shifted(sample_of(*program, n), version));
    }
  }
  std::vector<ChunkPacket> packets_of(uint32_t n) const {
    return cut(*program, sample_of(*program, n), 192, n, n, n);
  }

  const ProgramPtr program = shifted_program(0);
  std::unique_ptr<SteppedPlane> plane;
  std::unique_ptr<Swapping> swapping;
  std::map<uint32_t, std::string> addresses;
};

TEST_F(SwapsAndShares, ForABufferOfTheNewestVersionTheOldestSampleUnderItGivesWay) {
  begin("10.0.0.3", 1);
  begin("10.0.0.3", 2);
  swapping->to(shifted_program(2));
  begin("10.0.0.3", 3);
  begin("10.0.0.4", 4);
  begin("10.0.0.5", 5);  // both buffers are held: the first sender holds more than its share
  EXPECT_EQ(plane->dropped(DropReason::evicted), 1u);
  EXPECT_EQ(swapping->alive(), 2u);
  expect_whole({1, 2}, 1);
  expect_whole({4, 5}, 2);
  EXPECT_EQ(swapping->alive(), 1u);
  EXPECT_EQ(swapping->more_bytes(), 0);
}

TEST_F(SwapsAndShares, WhoseShareIsAllUnderAnOlderVersionIsRefusedAndNobodyGivesWay) {
  begin("10.0.0.3", 1);
  begin("10.0.0.3", 2);
  swapping->to(shifted_program(2));
  begin("10.0.0.4", 3);
  begin("10.0.0.5", 4);
  begin("10.0.0.3", 5);
  EXPECT_EQ(plane->dropped(DropReason::source_share), 1u);
  EXPECT_EQ(plane->dropped(DropReason::evicted), 0u);
  expect_whole({1, 2}, 1);
  expect_whole({3, 4}, 2);
  EXPECT_EQ(swapping->alive(), 1u);
}

}  // namespace
}  // namespace onpath::testing
