// Routes that take images of many sizes: whatever the order of packets, images and plans, results are those
// of whole runs, and what there is no room for is counted.
#include <gtest/gtest.h>

#include <map>

#include "dataplane/shapes_testing.h"

namespace onpath::testing {
namespace {

PlanFamilyPtr family() {
  static const PlanFamilyPtr made = must(PlanFamily::make(family_spec()));
  return made;
}

RouteConfig route(uint32_t cached = 16, uint32_t waiting = 4) {
  RouteConfig made = route_of(family());
  made.shapes->cached = cached;
  made.shapes->waiting = waiting;
  return made;
}

uint64_t one_shape_bytes(InputShape shape, uint32_t open_samples) {
  return ShapeCache::shape_bytes(must(family()->program(shape.width, shape.height))->plan(), open_samples);
}

TEST(Shapes, InterleavedOutOfOrderAndRepeatedGiveTheResultsOfWholeRuns) {
  Random random(test_seed());
  std::vector<ShapedImage> images;
  for (uint64_t i = 0; i < 12; ++i)
    images.emplace_back(*family(), InputShape{random.between(1, 64), random.between(1, 48)}, i);
  ShapedPlane plane(route(16, 8));
  std::map<uint32_t, size_t> sent;  // timestamp to image
  uint32_t timestamp = 0;
  uint64_t repeats = 0;
  for (int round = 0; round < 60; ++round) {
    std::vector<ChunkPacket> packets;
    for (int together = 0; together < 8; ++together) {
      const size_t which = random.below(12);
      sent[++timestamp] = which;
      const auto own = images[which].packets(3 * random.between(1, 200), timestamp, random.below(3));
      packets.insert(packets.end(), own.begin(), own.end());
    }
    random.shuffle(packets);
    for (const ChunkPacket& packet : packets) {
      plane.send(packet);
      if (random.one_in(10)) plane.send(packet), ++repeats;
      if (random.one_in(20)) plane.make_plans();
    }
    plane.make_plans();
    for (const auto& taken : plane.take()) {
      const ShapedImage& image = images[sent.at(taken.info.timestamp)];
      EXPECT_EQ(taken.output, image.expected);
      EXPECT_EQ(taken.info.shape, image.shape);
      EXPECT_EQ(sent.erase(taken.info.timestamp), 1u);
    }
  }
  EXPECT_TRUE(sent.empty()) << sent.size() << " images were lost";
  // Again, a packet is a duplicate; or late, if its image has been finished.
  EXPECT_EQ(plane.dropped(DropReason::duplicate) + plane.dropped(DropReason::late), repeats);
  EXPECT_EQ(plane.dropped_packets(), repeats);
  EXPECT_EQ(plane.unaccounted(), 0);
}

TEST(Shapes, AnImageThatIsWholeBeforeItsPlanIsDeliveredWithTheTimeOfItsLastPacket) {
  ShapedPlane plane(route());
  const ShapedImage image(*family(), {40, 30}, 1);
  plane.send(image.packets(300, 7));
  const uint64_t sent_at = plane.now;
  plane.pass(5 * ShapedPlane::kTickNs);
  EXPECT_TRUE(plane.take().empty());
  EXPECT_EQ(plane.route().samples_complete.get(), 0u);
  plane.send(image.packets(300, 7)[2]);
  EXPECT_EQ(plane.dropped(DropReason::duplicate), 1u);
  plane.make_plans();
  const auto taken = plane.take();
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0].output, image.expected);
  EXPECT_EQ(taken[0].info.last_packet_ns, sent_at);
  EXPECT_EQ(plane.route().bytes_used.get(), image.bytes.size());
}

TEST(Shapes, AWaitingImageGoesOnWithTheFirstPacketAfterItsPlan) {
  ShapedPlane plane(route());
  const ShapedImage image(*family(), {33, 17}, 2);
  const auto packets = image.packets(150, 7);
  plane.send(packets[3]);
  plane.send(packets[1]);
  plane.parts->shapes->make_all();
  plane.send(packets[1]);  // no tick in between
  EXPECT_EQ(plane.dropped(DropReason::duplicate), 1u);
  for (const size_t rest : {0u, 2u}) plane.send(packets[rest]);
  for (size_t rest = 4; rest < packets.size(); ++rest) plane.send(packets[rest]);
  const auto taken = plane.take();
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0].output, image.expected);
}

TEST(Shapes, AShapeThatGaveWayComesBack) {
  ShapedPlane plane(route(2, 1));
  std::vector<ShapedImage> images;
  for (uint32_t i = 0; i < 5; ++i) images.emplace_back(*family(), InputShape{10 + i, 20}, i);
  for (uint32_t round = 0; round < 20; ++round) {
    const ShapedImage& image = images[round % 5];
    plane.send(image.packets(300, round));
    plane.make_plans();
    const auto taken = plane.take();
    ASSERT_EQ(taken.size(), 1u) << "round " << round;
    EXPECT_EQ(taken[0].output, image.expected);
  }
  EXPECT_EQ(plane.dropped_packets(), 0u);
}

TEST(Shapes, AFloodOfNewShapesTakesNothingFromALiveStream) {
  ShapedPlane plane(route(4, 2));
  const ShapedImage legitimate(*family(), {50, 40}, 1);
  const auto warm = [&](uint32_t timestamp) {
    plane.send(legitimate.packets(510, timestamp));
    plane.make_plans();
  };
  for (uint32_t t = 0; t < 3; ++t) warm(t);
  ASSERT_EQ(plane.take().size(), 3u);
  Random random(test_seed());
  uint32_t flood = 0;
  for (uint32_t t = 3; t < 203; ++t) {
    for (const ChunkPacket& packet : legitimate.packets(510, t)) {
      plane.send(packet);
      for (int burst = 0; burst < 5; ++burst) {
        ++flood;
        ChunkPacket hostile;
        hostile.ssrc = 1000 + flood % 20;
        hostile.timestamp = flood;
        hostile.digest = packet.digest;
        hostile.dims = {1 + flood % 48, 1 + flood / 48 % 64};
        // Some are whole images, and come twice: shapes that look as if they were in use.
        hostile.length = hostile.dims[0] * hostile.dims[1] * 3;
        hostile.bytes = random.noise(std::min<uint64_t>(hostile.length, 900));
        plane.send(hostile);
        if (random.one_in(3)) hostile.timestamp += 1u << 20, plane.send(hostile);
      }
      if (random.one_in(4)) plane.make_plans();
    }
    plane.pass(ShapedPlane::kTickNs);
    uint32_t delivered = 0;
    for (const auto& taken : plane.take()) {
      if (taken.info.ssrc != 1) continue;
      ++delivered;
      EXPECT_EQ(taken.output, legitimate.expected);
    }
    ASSERT_EQ(delivered, 1u) << "image " << t;
    // More whole images of new sizes than there are places, before the next image comes.
    for (uint32_t whole = 0; whole < 8; ++whole) {
      ChunkPacket hostile = legitimate.packets(510, 0)[0];
      hostile.ssrc = 999;
      hostile.timestamp = ++flood;
      hostile.dims = {1 + flood % 7, 1 + flood / 7 % 13};
      hostile.length = hostile.dims[0] * hostile.dims[1] * 3;
      hostile.bytes.resize(hostile.length);
      plane.send(hostile);
      plane.make_plans();
    }
  }
  EXPECT_GT(plane.dropped(DropReason::shape_pending), 1000u);
  EXPECT_EQ(plane.unaccounted(), 0);
}

TEST(Shapes, MoreWaitingImagesThanMayAreDroppedAndTheirRestTooWhenThereIsRoomAgain) {
  ShapedPlane plane(route(16, 1));
  const ShapedImage first(*family(), {20, 20}, 1), second(*family(), {21, 20}, 2);
  plane.send(first.packets(600, 1));
  plane.send(second.packets(600, 2)[0]);
  EXPECT_EQ(plane.dropped(DropReason::shape_pending), 1u);
  plane.make_plans();
  plane.send(second.packets(600, 2)[1]);
  EXPECT_EQ(plane.dropped(DropReason::shape_pending), 2u);
  EXPECT_EQ(plane.route().samples_opened.get(), 1u);
  plane.send(second.packets(600, 3));
  plane.make_plans();
  EXPECT_EQ(plane.take().size(), 2u);
}

TEST(Shapes, ANewShapeEvictsNoOpenImage) {
  RouteConfig tight = route();
  tight.open_samples = 1;
  ShapedPlane plane(tight);
  const ShapedImage open(*family(), {20, 20}, 1), other(*family(), {21, 20}, 2);
  plane.send(open.packets(600, 1)[0]);
  plane.send(other.packets(600, 2)[0]);
  EXPECT_EQ(plane.dropped(DropReason::no_slot), 1u);
  EXPECT_EQ(plane.dropped(DropReason::evicted), 0u);
  plane.make_plans();
  plane.send(open.packets(600, 3)[0]);  // one whose plan is there does
  EXPECT_EQ(plane.dropped(DropReason::evicted), 1u);
}

TEST(Shapes, AWaitingImageHasItsDeadlineAndLeavesItsPlaceToOthers) {
  ShapedPlane plane(route(4, 1));
  const ShapedImage image(*family(), {20, 20}, 1);
  for (uint32_t t = 0; t < 3; ++t) {
    plane.send(image.packets(600, t)[0]);
    plane.pass(1'000'000'000);
    EXPECT_EQ(plane.dropped(DropReason::incomplete), t + 1);
  }
  plane.make_plans();
  plane.send(image.packets(600, 9));
  EXPECT_EQ(plane.take().size(), 1u);
}

TEST(Shapes, OfTheBudgetAreMadeOnlyAsManyAsFitAndTheOldestGivesWay) {
  RouteConfig small = route();
  small.open_samples = 4;
  small.shapes->state_bytes = one_shape_bytes({64, 48}, 4) + 1000;
  ShapedPlane plane(small);
  const ShapedImage large(*family(), {64, 48}, 1), next(*family(), {64, 47}, 2);
  for (uint32_t round = 0; round < 6; ++round) {
    const ShapedImage& image = round % 2 == 0 ? large : next;
    plane.send(image.packets(900, round));
    plane.make_all_plans();
    const auto taken = plane.take();
    ASSERT_EQ(taken.size(), 1u) << "round " << round;
    EXPECT_EQ(taken[0].output, image.expected);
    if (round == 3) plane.pass(2 * ShapeCache::kHoldNs);  // both have been used again
  }
  EXPECT_EQ(plane.dropped_packets(), 0u);
}

TEST(Shapes, WithoutRoomInTheBudgetAnImageWaitsForAnOpenOne) {
  RouteConfig small = route();
  small.open_samples = 4;
  small.shapes->state_bytes = one_shape_bytes({64, 48}, 4) + 1000;
  ShapedPlane plane(small);
  const ShapedImage large(*family(), {64, 48}, 1), next(*family(), {64, 47}, 2);
  const auto packets = large.packets(900, 1);
  plane.send(packets[0]);
  plane.make_all_plans();
  plane.send(next.packets(900, 2));
  plane.make_all_plans();
  EXPECT_TRUE(plane.take().empty());
  for (size_t i = 1; i < packets.size(); ++i) plane.send(packets[i]);
  plane.make_all_plans();
  EXPECT_EQ(plane.take().size(), 2u);
}

TEST(Shapes, OneWithoutAPlanIsRefusedAndRemembered) {
  // Not made with PlanFamily::make, which finds out at once that the output depends on the size.
  ResizeSpec resize;
  resize.shortest_edge = 8;
  const PipelineSpec spec = pipeline(64, 48, PixelFormat::rgb, {resize});
  const auto lenient = must(PlanFamily::of(spec, must_bind(must_compile(spec))));
  ShapedPlane plane(route_of(lenient));
  const ShapedImage fits(*lenient, {32, 24}, 1);
  ChunkPacket other = fits.packets(600, 5)[0];
  other.dims = {10, 10};
  other.length = 300;
  other.bytes.resize(60);
  plane.send(other);
  plane.send(fits.packets(600, 6));
  plane.make_plans();
  EXPECT_EQ(plane.dropped(DropReason::shape_refused), 1u);
  EXPECT_EQ(plane.dropped(DropReason::wrong_shape), 0u);
  other.timestamp = 7;
  plane.send(other);
  EXPECT_EQ(plane.dropped(DropReason::wrong_shape), 1u);
  const auto taken = plane.take();
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0].output, fits.expected);
  EXPECT_EQ(plane.unaccounted(), 0);
}

TEST(Shapes, WhatIsNoShapeOfTheRouteIsDroppedByItsReason) {
  ShapedPlane plane(route());
  const ShapedImage image(*family(), {20, 10}, 1);
  const ChunkPacket good = image.packets(60, 1)[0];
  const auto reason_of = [&](auto change) {
    ChunkPacket packet = good;
    change(packet);
    const uint64_t wrong_shape = plane.dropped(DropReason::wrong_shape);
    const uint64_t before = plane.dropped_packets();
    plane.send(packet);
    EXPECT_EQ(plane.dropped_packets(), before + 1);
    return plane.dropped(DropReason::wrong_shape) == wrong_shape + 1 ? "wrong_shape" : "another";
  };
  using Dims = std::vector<uint32_t>;
  for (const Dims& dims : {Dims{}, Dims{600}, Dims{10, 65}, Dims{49, 20}, Dims{0, 20}, Dims{10, 0},
                           Dims{10, 20, 4}, Dims{10, 20, 3, 1}, Dims{UINT32_MAX, UINT32_MAX}}) {
    EXPECT_STREQ(reason_of([&](ChunkPacket& packet) { packet.dims = dims; }), "wrong_shape");
  }
  EXPECT_STREQ(reason_of([](ChunkPacket& packet) { packet.length = 603; }), "wrong_shape");
  EXPECT_STREQ(reason_of([](ChunkPacket& packet) { packet.digest ^= 1; }), "another");
  EXPECT_EQ(plane.dropped(DropReason::wrong_format), 1u);
  reason_of([](ChunkPacket& packet) { packet.offset = 1; });
  EXPECT_EQ(plane.dropped(DropReason::misaligned), 1u);
  reason_of([](ChunkPacket& packet) { packet.length = 0, packet.offset = 600; });
  EXPECT_EQ(plane.dropped(DropReason::out_of_range), 1u);
  EXPECT_EQ(plane.route().samples_opened.get(), 0u);
  EXPECT_FALSE(plane.parts->shapes->asked());

  plane.send(good);
  reason_of([](ChunkPacket& packet) { packet.dims = {20, 10}; });
  EXPECT_EQ(plane.dropped(DropReason::conflict), 1u);
  reason_of([](ChunkPacket& packet) { packet.offset = 31; });  // while it waits
  EXPECT_EQ(plane.dropped(DropReason::misaligned), 2u);
  reason_of([](ChunkPacket& packet) { packet.length = 0, packet.offset = 597; });
  EXPECT_EQ(plane.dropped(DropReason::out_of_range), 2u);
  auto with_channels = image.packets(60, 1);
  for (ChunkPacket& packet : with_channels) packet.dims = {10, 20, 3}, packet.length = 0;
  plane.send(with_channels);
  plane.make_plans();
  EXPECT_EQ(plane.take().size(), 1u);
  EXPECT_EQ(plane.unaccounted(), 0);
}

TEST(Shapes, ForwardedResultsAreThoseOfWholeRuns) {
  RouteConfig forwarding = route();
  ForwardSinkConfig sink;
  sink.port = "q";
  sink.source = endpoint("10.0.1.1", 6000);
  sink.destination = endpoint("10.0.1.2", 6001);
  sink.max_payload_bytes = 200;
  forwarding.sink = sink;
  ShapedPlane plane(forwarding);
  for (uint32_t i = 0; i < 6; ++i) {
    const ShapedImage image(*family(), {20 + i % 3, 30}, i);
    const auto packets = image.packets(333, i);
    for (const ChunkPacket& packet : packets) {
      plane.send(packet);
      if (packet.offset > image.bytes.size() / 2) plane.make_plans();
    }
    Bytes output(image.expected.size());
    uint64_t bytes = 0;
    for (const Bytes& frame : plane.out.sent) {
      Datagram datagram;
      RtpPacket rtp;
      ChunkHeader chunk;
      std::span<const uint8_t> part;
      ASSERT_TRUE(!parse_frame(frame, {}, datagram) && !parse_rtp(datagram.payload, rtp) &&
                  !parse_chunk(rtp.payload, chunk, part));
      EXPECT_EQ(rtp.timestamp, i);
      std::copy(part.begin(), part.end(), output.begin() + static_cast<int64_t>(chunk.offset));
      bytes += part.size();
    }
    plane.out.sent.clear();
    EXPECT_EQ(bytes, output.size());
    EXPECT_EQ(output, image.expected);
  }
  EXPECT_EQ(plane.route().samples_sent.get(), 6u);
}

TEST(Shapes, ClosingCountsWhatWaits) {
  ShapedPlane plane(route());
  plane.send(ShapedImage(*family(), {20, 20}, 1).packets(600, 1));
  plane.send(ShapedImage(*family(), {21, 20}, 1).packets(600, 2)[0]);
  plane.finish();
  EXPECT_EQ(plane.dropped(DropReason::closed), 2u);
  EXPECT_EQ(plane.unaccounted(), 0);
}

TEST(Shapes, ARunningPlaneMakesItsPlansAsleepOrAwakeAndClosesWhileItMakesThem) {
  static const PlanFamilyPtr large = must(PlanFamily::make(family_spec(2000, 2000)));
  for (const uint64_t idle_after_ns : {uint64_t{0}, UINT64_MAX}) {
    const std::string link = fresh_link();
    RouteConfig made = route_of(large);
    made.open_samples = 4;
    made.shapes->waiting = 2;
    PlaneConfig config = plane_on(memory_end(link, 0), {made});
    config.idle_after_ns = idle_after_ns;
    auto plane = must(start_plane(std::move(config)));
    EXPECT_GT(plane->memory_bytes(), made.shapes->state_bytes + 2 * 12'000'000);
    const auto sink = plane->host_sink("r");
    RawEnd far(link);
    for (uint32_t t = 0; t < 3; ++t) {
      const ShapedImage image(*large, {30 + t % 2, 20}, t);
      for (const ChunkPacket& packet : image.packets(600, t)) far.send(packet);
      Delivery delivery;
      ASSERT_TRUE(wait_until([&] { return sink->next(delivery); }));
      EXPECT_EQ(std::memcmp(delivery.outputs[0], image.expected.data(), image.expected.size()), 0);
      sink->release(delivery.buffer);
    }
    // Plans that take a while, and a plane that is closed meanwhile.
    for (uint32_t t = 10; t < 14; ++t) {
      ChunkPacket packet = ShapedImage(*large, {30, 20}, 1).packets(600, t)[0];
      packet.dims = {1999, 1980 + t};
      packet.length = 0;
      far.send(packet);
    }
    wait_until([&] { return plane->stats().routes[0].samples_opened >= 5; });
    plane->close();
    EXPECT_EQ(imbalance(plane->stats()), "");
    EXPECT_EQ(plane->stats().routes[0].samples_complete, 3u);
  }
}

std::string refusal(const std::function<void(RouteConfig&)>& change, uint64_t memory_bytes = 8ull << 30) {
  RouteConfig made = route();
  change(made);
  PlaneConfig config = plane_on(memory_end(fresh_link(), 0), {made});
  config.max_memory_bytes = memory_bytes;
  return error_text(start_plane(std::move(config)));
}

TEST(Shapes, ARouteThatCannotBeServedIsRefusedByName) {
  const auto expect = [](const std::string& text, const char* part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  EXPECT_EQ(refusal([](RouteConfig&) {}), "ok");
  expect(refusal([](RouteConfig& made) { made.payload = PayloadFormat::rfc4175; }),
         "INVALID_SPEC: Route \"r\" takes images of many sizes, but RFC 4175 does not carry the size");
  expect(refusal([](RouteConfig& made) { made.shapes->cached = 0; }), "shapes.cached is 0, expected 1 to");
  expect(refusal([](RouteConfig& made) { made.shapes->waiting = 5000; }), "shapes.waiting is 5000");
  expect(refusal([](RouteConfig& made) { made.program = small_program(); }), "not that of its family's");
  expect(refusal([](RouteConfig& made) { made.shapes->family = nullptr; }), "not that of its family's");
  expect(refusal([](RouteConfig& made) { made.shapes->state_bytes = 1000; }),
         "LIMIT_EXCEEDED: Route \"r\": the states of 16 open samples of 64x48 need ");
  expect(refusal([](RouteConfig&) {}, 512u << 20), "limits.memoryBytes is 536870912");
  expect(refusal([](RouteConfig& made) { made.shapes->state_bytes = UINT64_MAX; }), "more than 2^64");
}

}  // namespace
}  // namespace onpath::testing
