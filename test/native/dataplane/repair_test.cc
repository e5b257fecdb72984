// Who is asked for what, when, and who is not: the receiving side of loss repair, step by step.
#include "dataplane/repair_testing.h"
#include "dataplane/text_testing.h"

namespace onpath::testing {
namespace {

constexpr uint64_t kMs = 1'000'000;
using Numbers = std::vector<uint16_t>;

/// Packets of one sample whose sequence numbers go on from `first`.
std::vector<ChunkPacket> packets_of(const Program& program, uint64_t number, uint16_t first,
                                    uint64_t bytes = 96) {
  auto packets =
      cut(program, sample_of(program, number), bytes, static_cast<uint32_t>(3000 * (number + 1)), number);
  for (ChunkPacket& packet : packets) packet.sequence = static_cast<uint16_t>(packet.sequence + first);
  return packets;
}

RouteConfig repaired_route() {
  RouteConfig route = repaired(route_to_host(small_program()));
  route.deadline_ns = 1000 * kMs;
  route.repair->report_ns = 0;
  return route;
}

class Repair : public ::testing::TestWithParam<bool> {};

/// With the flow cache and without it: the same.
INSTANTIATE_TEST_SUITE_P(FlowCache, Repair, ::testing::Bool());

TEST_P(Repair, AMissingPacketIsAskedForWhenItIsLateAndAgainAndNoMoreWhenItCame) {
  const RouteConfig route = repaired_route();
  SteppedPlane plane({route}, ONPATH_FRAMING_ETHERNET, {}, {}, {}, GetParam());
  const auto packets = packets_of(*route.program, 0, 65534);  // 65534, 65535, 0, 1
  ASSERT_EQ(packets.size(), 4u);
  plane.send(packets[0]);
  plane.send(packets[3]);
  plane.pass(1 * kMs);
  EXPECT_TRUE(plane.in.sent.empty()) << "it may be on its way";
  plane.pass(2 * kMs);
  const auto heard = heard_by(plane.in);
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].asked, (Numbers{65535, 0}));
  EXPECT_EQ(heard[0].media_ssrc, 1u);
  EXPECT_EQ(heard[0].source, plane.destination);
  EXPECT_EQ(heard[0].destination, plane.source);
  plane.pass(9 * kMs);
  EXPECT_TRUE(plane.in.sent.empty());
  plane.send(packets[1]);
  plane.pass(2 * kMs);
  EXPECT_EQ(asked_of(plane.in), (Numbers{0})) << "what came is not asked for again";
  plane.send(packets[2]);
  for (int i = 0; i < 100; ++i) plane.pass(10 * kMs);
  EXPECT_TRUE(plane.in.sent.empty());
  const auto taken = plane.take();
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0].output, expected_of(*route.program, sample_of(*route.program, 0)));
  EXPECT_EQ(plane.route().nacks_sent.get(), 3u);
  EXPECT_EQ(plane.route().packets_repaired.get(), 2u);
  EXPECT_EQ(plane.unaccounted(), 0);
}

TEST_P(Repair, WhatComesOutOfOrderInTimeIsNotAskedFor) {
  const RouteConfig route = repaired_route();
  SteppedPlane plane({route}, ONPATH_FRAMING_ETHERNET, {}, {}, {}, GetParam());
  Random random(test_seed());
  for (uint64_t number = 0; number < 20; ++number) {
    auto packets = packets_of(*route.program, number, static_cast<uint16_t>(number * 4));
    if (number > 0) random.shuffle(packets);
    plane.send(packets);
    plane.pass(1 * kMs);
  }
  plane.pass(10 * kMs);
  EXPECT_TRUE(plane.in.sent.empty());
  EXPECT_EQ(plane.take().size(), 20u);
  EXPECT_EQ(plane.route().packets_repaired.get(), 0u);
}

TEST_P(Repair, ASourceThatIsNotListedReceivesNoByte) {
  RouteConfig route = repaired_route();
  route.repair->report_ns = 10 * kMs;
  SteppedPlane plane({route}, ONPATH_FRAMING_ETHERNET, {}, {}, {}, GetParam());
  plane.source = endpoint("10.0.1.2", 40000);
  const auto packets = packets_of(*route.program, 0, 0);
  plane.send(packets[0]);
  plane.send(packets[3]);
  for (int i = 0; i < 200; ++i) plane.pass(10 * kMs);
  EXPECT_TRUE(plane.in.sent.empty());
  EXPECT_EQ(plane.route().nacks_sent.get() + plane.route().reports_sent.get(), 0u);
  plane.source = endpoint("10.0.0.2", 40000);
  plane.send(packets[0]);
  plane.send(packets[3]);
  for (int i = 0; i < 3; ++i) plane.pass(10 * kMs);
  EXPECT_FALSE(plane.in.sent.empty()) << "the one beside it does";
}

TEST_P(Repair, ASampleThatHasEndedIsNotAskedForAgain) {
  RouteConfig route = repaired_route();
  route.open_samples = 1;
  SteppedPlane plane({route}, ONPATH_FRAMING_ETHERNET, {}, {}, {}, GetParam());
  const auto first = packets_of(*route.program, 0, 0), second = packets_of(*route.program, 1, 4);
  plane.send(first[0]);
  plane.send(first[2]);
  plane.pass(3 * kMs);
  EXPECT_EQ(asked_of(plane.in), (Numbers{1}));
  plane.send(first[3]);
  plane.send(second);  // drives the first out
  EXPECT_EQ(plane.dropped(DropReason::evicted), 1u);
  for (int i = 0; i < 50; ++i) plane.pass(10 * kMs);
  EXPECT_EQ(asked_of(plane.in), Numbers{});
}

TEST_P(Repair, AskingEndsWithTheDeadlineAndWithTheLastTry) {
  RouteConfig route = repaired_route();
  route.repair->max_retries = 3;
  SteppedPlane plane({route}, ONPATH_FRAMING_ETHERNET, {}, {}, {}, GetParam());
  const auto packets = packets_of(*route.program, 0, 0);
  plane.send(packets[0]);
  plane.send(packets[2]);
  plane.send(packets[3]);
  for (int i = 0; i < 900; ++i) plane.pass(1 * kMs);
  EXPECT_EQ(plane.route().nacks_sent.get(), 3u) << "then nothing is known to be missing, and its end is not";
  heard_by(plane.in);
  plane.pass(200 * kMs);
  EXPECT_EQ(plane.dropped(DropReason::incomplete), 1u);
  for (int i = 0; i < 50; ++i) plane.pass(100 * kMs);
  EXPECT_TRUE(plane.in.sent.empty());
}

TEST_P(Repair, TheEndOfASampleIsAskedForWhenNothingComes) {
  const RouteConfig route = repaired_route();
  SteppedPlane plane({route}, ONPATH_FRAMING_ETHERNET, {}, {}, {}, GetParam());
  const auto packets = packets_of(*route.program, 0, 0);
  plane.send(packets[0]);
  plane.send(packets[1]);
  plane.pass(5 * kMs);
  EXPECT_TRUE(plane.in.sent.empty());
  plane.pass(6 * kMs);
  const auto asked = asked_of(plane.in);
  ASSERT_GE(asked.size(), 2u);
  EXPECT_EQ(asked[0], 2);
  EXPECT_EQ(asked[1], 3);
  plane.send(packets[2]);
  plane.send(packets[3]);
  for (int i = 0; i < 100; ++i) plane.pass(10 * kMs);
  EXPECT_TRUE(plane.in.sent.empty());
  EXPECT_EQ(plane.take().size(), 1u);
}

TEST_P(Repair, TheBeginningOfAStreamsFirstSampleIsAskedFor) {
  const RouteConfig route = repaired_route();
  SteppedPlane plane({route}, ONPATH_FRAMING_ETHERNET, {}, {}, {}, GetParam());
  const auto packets = packets_of(*route.program, 0, 0);
  plane.send(packets[2]);
  plane.send(packets[3]);
  plane.pass(3 * kMs);
  EXPECT_EQ(asked_of(plane.in), (Numbers{0, 1}));
  plane.send(packets[0]);
  plane.send(packets[1]);
  EXPECT_EQ(plane.take().size(), 1u);
  EXPECT_EQ(plane.route().packets_repaired.get(), 2u);
}

TEST_P(Repair, AWholeSampleBetweenTwoIsAskedFor) {
  const RouteConfig route = repaired_route();
  SteppedPlane plane({route}, ONPATH_FRAMING_ETHERNET, {}, {}, {}, GetParam());
  plane.send(packets_of(*route.program, 0, 0));
  plane.send(packets_of(*route.program, 2, 8));
  plane.pass(3 * kMs);
  EXPECT_EQ(asked_of(plane.in), (Numbers{4, 5, 6, 7}));
  plane.send(packets_of(*route.program, 1, 4));
  EXPECT_EQ(plane.take().size(), 3u);
  EXPECT_EQ(plane.route().packets_repaired.get(), 4u);
}

TEST_P(Repair, SequenceNumbersThatAreNotExtendedGoRoundAndARestartIsBelievedAtItsSecondPacket) {
  const RouteConfig route = repaired_route();
  SteppedPlane plane({route}, ONPATH_FRAMING_ETHERNET, {}, {}, {}, GetParam());
  uint16_t sequence = 40'000;
  for (uint64_t number = 0; number < 8000; ++number, sequence = static_cast<uint16_t>(sequence + 4)) {
    plane.send(packets_of(*route.program, number, sequence));
    plane.take();
  }
  plane.pass(50 * kMs);
  EXPECT_TRUE(plane.in.sent.empty()) << "the numbers went round without a gap";
  sequence = static_cast<uint16_t>(sequence + 20'000);
  auto jumped = packets_of(*route.program, 8000, sequence);
  jumped.erase(jumped.begin() + 2);
  plane.send(jumped);
  plane.pass(50 * kMs);
  EXPECT_EQ(asked_of(plane.in)[0], static_cast<uint16_t>(sequence + 2));
}

TEST_P(Repair, FeedbackIsBoundedForEachStreamAndForTheRoute) {
  RouteConfig route = repaired_route();
  route.max_streams = 64;
  route.open_samples = 256;
  route.slots = 256;
  route.deadline_ns = 100'000 * kMs;
  route.repair->packets_per_second = 10;         // one at once
  route.repair->route_packets_per_second = 100;  // ten at once
  SteppedPlane plane({route}, ONPATH_FRAMING_ETHERNET, {}, {}, {}, GetParam());
  for (uint32_t ssrc = 1; ssrc <= 40; ++ssrc) {
    for (ChunkPacket packet : packets_of(*route.program, 0, 0)) {
      packet.ssrc = ssrc;
      if (packet.sequence % 3 == 0) plane.send(packet);
    }
  }
  plane.pass(3 * kMs);
  EXPECT_EQ(heard_by(plane.in).size(), 10u);
  for (int i = 0; i < 1000; ++i) plane.pass(1 * kMs);
  const size_t in_a_second = heard_by(plane.in).size();
  EXPECT_LE(in_a_second, 101u);
  EXPECT_GE(in_a_second, 40u);
}

TEST(RepairReports, TellFractionLostHighestNumberAndTheDelaySinceASenderReport) {
  RouteConfig route = repaired_route();
  route.repair->report_ns = 100 * kMs;
  route.repair->nack = false;
  SteppedPlane plane({route});
  Random random(test_seed());
  uint16_t sequence = 65000;
  for (uint64_t number = 0; number < 64; ++number, sequence = static_cast<uint16_t>(sequence + 4)) {
    auto packets = packets_of(*route.program, number, sequence);
    if (number > 0) packets.erase(packets.begin() + 1);  // a quarter
    plane.send(packets);
  }
  Bytes report(kSenderReportBytes);
  build_sender_report(report.data(), 1, {0x1122334455667788, 0, 0, 0});
  plane.send(report);
  plane.pass(200 * kMs);
  const auto heard = heard_by(plane.in);
  ASSERT_EQ(heard.size(), 1u);
  ASSERT_EQ(heard[0].reports.size(), 1u);
  const ReportBlock& block = heard[0].reports[0];
  EXPECT_EQ(block.ssrc, 1u);
  EXPECT_EQ(block.fraction_lost, 63 * 256 / 256);
  EXPECT_EQ(block.packets_lost, 63);
  EXPECT_EQ(block.highest_sequence, 65000u + 255);
  EXPECT_EQ(block.last_sender_report, 0x33445566u);
  EXPECT_EQ(block.delay_since, 65536u / 5);
  EXPECT_EQ(plane.route().reports_sent.get(), 1u);
  EXPECT_EQ(plane.worker().port_counters(0).control_packets.get(), 1u);
  plane.pass(1000 * kMs);
  EXPECT_TRUE(plane.in.sent.empty()) << "nothing new";
  EXPECT_EQ(plane.unaccounted(), 0);
}

TEST(RepairReports, GoToTheNextPortAndByDatagramsIfThatIsWhereTheyGo) {
  RouteConfig route = repaired_route();
  route.repair->report_ns = 100 * kMs;
  route.repair->next_port = true;
  SteppedPlane plane({route}, ONPATH_FRAMING_DATAGRAM);
  const Bytes rtp = rtp_of(packets_of(*route.program, 0, 0)[0]);
  auto* data = new uint8_t[rtp.size()];
  std::copy(rtp.begin(), rtp.end(), data);
  onpath_packet packet{};
  packet.data = data;
  packet.length = static_cast<uint32_t>(rtp.size());
  std::copy(plane.source.address.bytes.begin(), plane.source.address.bytes.end(), packet.source.address);
  packet.source.port = plane.source.port;
  packet.destination.port = kUdpPort;
  plane.in.arrive(packet);
  plane.poll();
  plane.pass(200 * kMs);
  const auto heard = heard_by(plane.in);
  ASSERT_FALSE(heard.empty());
  for (const Heard& one : heard)
    EXPECT_EQ(one.destination, endpoint("10.0.0.2", 40001)) << endpoint_text(one.destination);
}

TEST(RepairOfTexts, AMissingPacketIsAskedForAndTheTextIsExact) {
  RouteConfig route = repaired(text_route(pair_plan()));
  route.repair->report_ns = 0;
  SteppedPlane plane({route});
  auto packets = cut_text(text_of(1, 400), 40, 3000);
  for (ChunkPacket& packet : packets) packet.sequence = static_cast<uint16_t>(packet.sequence - 1);
  for (size_t i = 0; i < packets.size(); ++i) {
    if (i != 3 && i != 7) plane.send(packets[i]);
  }
  plane.pass(3 * kMs);
  EXPECT_EQ(asked_of(plane.in), (Numbers{packets[3].sequence, packets[7].sequence}));
  plane.send(packets[3]);
  plane.send(packets[7]);
  EXPECT_EQ(plane.route().samples_complete.get(), 1u);
  EXPECT_EQ(plane.route().packets_repaired.get(), 2u);
  EXPECT_EQ(plane.unaccounted(), 0);
}

TEST(RepairConfigTest, WhatCannotBeIsRefusedByName) {
  const auto refusal = [](const std::function<void(RouteConfig&)>& change) {
    RouteConfig route = repaired_route();
    change(route);
    FakePort port;
    PlaneConfig config;
    config.ports = {{"p", port.port()}};
    config.routes = {route};
    return error_text(build_plane(std::move(config)));
  };
  EXPECT_EQ(refusal([](RouteConfig&) {}), "ok");
  EXPECT_NE(refusal([](RouteConfig& route) { route.repair->feedback.clear(); }).find("none of its sources"),
            std::string::npos);
  EXPECT_NE(refusal([](RouteConfig& route) { route.repair->window_packets = 40'000; }).find("windowPackets"),
            std::string::npos);
  EXPECT_NE(refusal([](RouteConfig& route) { route.repair->max_retries = 0; }).find("maxRetries"),
            std::string::npos);
  EXPECT_NE(refusal([](RouteConfig& route) { route.repair->retry_ns = 0; }).find("retryMs"),
            std::string::npos);
  EXPECT_NE(
      refusal([](RouteConfig& route) { route.repair->packets_per_second = 0; }).find("packetsPerSecond"),
      std::string::npos);
}

}  // namespace
}  // namespace onpath::testing
