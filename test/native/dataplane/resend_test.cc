// The sending side of loss repair: forward sinks send again what their receiver asks for, as it was, at a
// bounded rate; RTCP that is hostile, strange or too much is counted and does nothing.
#include "dataplane/repair_testing.h"
#include "dataplane/swaps_testing.h"

namespace onpath::testing {
namespace {

constexpr uint64_t kMs = 1'000'000;
constexpr uint32_t kSsrc = 5000;

ForwardSinkConfig forward_sink() {
  ForwardSinkConfig forward;
  forward.port = "q";
  forward.source = endpoint("10.0.1.1", 5000);
  forward.destination = endpoint("10.0.1.2", 6000);
  forward.ssrc = kSsrc;
  forward.max_payload_bytes = 200;
  forward.resend.emplace();
  return forward;
}

RouteConfig forwarding() {
  RouteConfig route = route_to_host(copy_program(16, 8));
  route.sink = forward_sink();
  return route;
}

class Resend : public ::testing::Test {
 protected:
  /// An RTCP datagram that comes to the port the results leave by.
  void hear(SteppedPlane& plane, const Bytes& rtcp, const std::string& from = "10.0.1.2") {
    const Endpoint source = endpoint(from, 6000), to = endpoint("10.0.1.1", 5000);
    Bytes frame(42 + rtcp.size());
    std::copy(rtcp.begin(), rtcp.end(), frame.begin() + 42);
    build_frame(frame.data(), {2, 0, 0, 0, 0, 9}, {2, 0, 0, 0, 0, 8}, source, to, rtcp.size(), 0);
    plane.out.arrive(std::move(frame));
    ++heard;
    plane.poll();
  }
  /// Everything that arrived at the port that sends is accounted for.
  void expect_balance(SteppedPlane& plane) {
    uint64_t counted = plane.worker().port_counters(1).control_packets.get();
    for (const DropReason reason : {DropReason::rtcp, DropReason::bad_rtcp, DropReason::rtcp_limit})
      counted += plane.port_dropped(reason, 1);
    EXPECT_EQ(counted, heard);
  }
  static std::vector<Bytes> payloads(const FakePort& port) {
    std::vector<Bytes> all;
    for (const Bytes& frame : port.sent) {
      Datagram datagram;
      EXPECT_FALSE(parse_frame(frame, {}, datagram));
      all.emplace_back(datagram.payload.begin(), datagram.payload.end());
    }
    return all;
  }

  uint64_t heard = 0;
};

TEST_F(Resend, WhatAReceiverAsksForLeavesAgainAsItWas) {
  for (const bool in_place : {false, true}) {
    heard = 0;
    const RouteConfig route = forwarding();
    static int domain;
    SteppedPlane plane({route}, ONPATH_FRAMING_ETHERNET, {}, {}, [&](FakePort& in, FakePort& out) {
      if (!in_place) return;
      in.share_buffers(&domain, 128);
      out.share_buffers(&domain, 128);
    });
    for (uint64_t number = 0; number < 3; ++number)
      plane.send(
          cut(*route.program, sample_of(*route.program, number), 96, static_cast<uint32_t>(number + 1)));
    const auto first = payloads(plane.out);
    ASSERT_GE(first.size(), 12u);
    EXPECT_EQ(plane.out.taken_over > 0, in_place);
    plane.out.sent.clear();
    hear(plane, nack_of(kSsrc, {{1, 0b101}, {7, 0}}));
    plane.pass(2 * kMs);
    EXPECT_EQ(payloads(plane.out), (std::vector<Bytes>{first[1], first[2], first[4], first[7]}));
    plane.out.sent.clear();
    hear(plane, nack_of(kSsrc, {{1, 0}}));
    hear(plane, nack_of(kSsrc, {{1, 0}}));
    hear(plane, nack_of(kSsrc, {{30'000, 0}}));
    plane.pass(2 * kMs);
    EXPECT_EQ(plane.out.sent.size(), 1u) << "once in a while, and only what was sent";
    const ResendCounters& counters = plane.worker().resender(0)->counters();
    EXPECT_EQ(counters.nacks_received.get(), 7u);
    EXPECT_EQ(counters.resent.get(), 5u);
    EXPECT_EQ(counters.refused.get(), 2u);
    expect_balance(plane);
  }
}

TEST_F(Resend, TheLastPacketLeavesAgainWhenNothingFollowsIt) {
  const RouteConfig route = forwarding();
  SteppedPlane plane({route});
  plane.send(cut(*route.program, sample_of(*route.program, 0), 96, 1));
  const auto first = payloads(plane.out);
  plane.out.sent.clear();
  for (int i = 0; i < 3000; ++i) plane.pass(1 * kMs);
  const auto again = payloads(plane.out);
  ASSERT_EQ(again.size(), 3u);
  for (const Bytes& one : again) EXPECT_EQ(one, first.back());
  EXPECT_EQ(plane.worker().resender(0)->counters().probes.get(), 3u);
  EXPECT_EQ(plane.route().packets_forwarded.get(), first.size());
}

TEST_F(Resend, TextsAreSentAgainToo) {
  RouteConfig route = text_route(pair_plan());
  route.sink = forward_sink();
  route.text->segment_elements = 0;
  SteppedPlane plane({route});
  for (const ChunkPacket& packet : cut_text(text_of(1, 600), 100, 3000)) plane.send(packet);
  const auto first = payloads(plane.out);
  ASSERT_GE(first.size(), 3u);
  plane.out.sent.clear();
  hear(plane, nack_of(kSsrc, {{2, 0}}));
  plane.pass(2 * kMs);
  EXPECT_EQ(payloads(plane.out), (std::vector<Bytes>{first[2]}));
  expect_balance(plane);
}

TEST_F(Resend, WhatLeftUnderAnyVersionLeavesAgainAsItWas) {
  RouteConfig route = forwarding();
  route.program = shifted_program(1);
  SteppedPlane plane({route});
  Swapping swapping(plane);
  const auto packets_of = [&](uint32_t n, uint32_t ssrc) {
    return cut(*route.program, sample_of(*route.program, n), 96, n, n, ssrc);
  };
  plane.send(packets_of(1, 1));
  auto second = packets_of(2, 1);
  plane.send(second[0]);
  swapping.to(shifted_program(2));
  second.erase(second.begin());
  plane.send(second);
  plane.send(packets_of(3, 1));
  EXPECT_EQ(swapping.alive(), 1u) << "the first one is freed before anything of it is asked for";
  plane.send(packets_of(4, 2));
  const auto first = payloads(plane.out);
  ASSERT_EQ(first.size(), 16u);
  plane.out.sent.clear();
  hear(plane, nack_of(kSsrc, {{0, 0}, {4, 0b1}, {11, 0}}));
  hear(plane, nack_of(kSsrc + 1, {{2, 0}}));
  plane.pass(2 * kMs);
  EXPECT_EQ(payloads(plane.out), (std::vector<Bytes>{first[0], first[4], first[5], first[11], first[14]}));
  expect_balance(plane);
}

TEST_F(Resend, WhatIsNotOfItsReceiverIsNotAnswered) {
  const RouteConfig route = forwarding();
  SteppedPlane plane({route});
  plane.send(cut(*route.program, sample_of(*route.program, 0), 96, 1));
  plane.out.sent.clear();
  hear(plane, nack_of(kSsrc, {{0, 0}}), "10.0.1.3");
  hear(plane, nack_of(kSsrc + 1, {{0, 0}}));
  EXPECT_EQ(plane.port_dropped(DropReason::rtcp, 1), 2u);
  hear(plane, {0x81, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0x13, 0x88});
  hear(plane, {0x80, 200, 0, 9});
  EXPECT_EQ(plane.port_dropped(DropReason::bad_rtcp, 1), 2u);
  plane.pass(2 * kMs);
  EXPECT_TRUE(plane.out.sent.empty());
  expect_balance(plane);
}

TEST_F(Resend, AStormOfQuestionsIsBounded) {
  RouteConfig route = forwarding();
  std::get<ForwardSinkConfig>(route.sink).resend->packets_per_second = 100;
  SteppedPlane plane({route});
  for (uint64_t number = 0; number < 30; ++number)
    plane.send(cut(*route.program, sample_of(*route.program, number), 96, static_cast<uint32_t>(number + 1)));
  plane.out.sent.clear();
  std::vector<NackEntry> all;
  for (uint16_t first = 0; first < 120; first = static_cast<uint16_t>(first + 17))
    all.push_back({first, 0xffff});
  for (int ms = 0; ms < 100; ++ms) {
    for (int i = 0; i < 100; ++i) hear(plane, nack_of(kSsrc, all));
    plane.pass(1 * kMs);
  }
  EXPECT_LE(plane.out.sent.size(), 10u + 10 + 1 + 3) << "10 at once, 100 a second, and probes";
  EXPECT_GE(plane.out.sent.size(), 15u);
  EXPECT_GT(plane.port_dropped(DropReason::rtcp_limit, 1), 5000u);
  expect_balance(plane);
  const ResendCounters& counters = plane.worker().resender(0)->counters();
  EXPECT_EQ(counters.nacks_received.get(), counters.resent.get() + counters.refused.get());
}

TEST_F(Resend, RandomRtcpIsCountedUnderOneReasonEach) {
  RouteConfig route = repaired(forwarding());
  SteppedPlane plane({route});
  plane.send(cut(*route.program, sample_of(*route.program, 0), 96, 1));
  Random random(test_seed());
  for (int round = 0; round < 20'000; ++round) {
    Bytes rtcp = round % 2 == 0 ? nack_of(kSsrc, {{1, 2}, {3, 4}}) : random.noise(random.between(4, 60));
    rtcp[0] = static_cast<uint8_t>(0x80 | (rtcp[0] & 0x3f));
    rtcp[1] = static_cast<uint8_t>(random.between(192, 223));
    if (random.one_in(3))
      rtcp[random.below(static_cast<uint32_t>(rtcp.size()))] ^= static_cast<uint8_t>(1 + random.below(255));
    if (rtcp[0] >> 6 != 2 || rtcp[1] < 192 || rtcp[1] > 223) continue;
    hear(plane, rtcp);
    if (random.one_in(50)) plane.pass(1 * kMs);
  }
  expect_balance(plane);
}

TEST(ResendConfigTest, WhatCannotBeIsRefusedByName) {
  RouteConfig route = forwarding();
  std::get<ForwardSinkConfig>(route.sink).resend->packets = 40'000;
  FakePort in, out;
  PlaneConfig config;
  config.ports = {{"p", in.port()}, {"q", out.port()}};
  config.routes = {route};
  EXPECT_NE(error_text(build_plane(std::move(config))).find("resend.packets"), std::string::npos);
}

}  // namespace
}  // namespace onpath::testing
