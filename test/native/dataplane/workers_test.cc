// Several workers, several ports, several routes; and marks of a NIC.
#include <gtest/gtest.h>

#include "dataplane/checker.h"
#include "dataplane/stepped_plane.h"

namespace onpath::testing {
namespace {

TEST(Workers, TwoShareThePacketsOfManySourcesAndOneConsumerGetsAll) {
  const ProgramPtr program = small_program();
  const std::string link = fresh_link();
  MemoryPortConfig two;
  two.queues = 2;
  RouteConfig route = route_to_host(program);
  std::get<HostSinkConfig>(route.sink).backpressure = true;
  PlaneConfig config = plane_on(memory_end(link, 0, two), {route});
  config.workers = 2;
  auto plane = must(start_plane(std::move(config)));
  Checker checker(program, plane->host_sink("r"));
  checker.start();
  RawEnd far(link);
  const uint64_t samples = 5000 / kSlowdown;
  for (uint64_t number = 0; number < samples; ++number) {
    far.source.port = static_cast<uint16_t>(40000 + number % 16);
    for (const ChunkPacket& p :
         cut(*program, sample_of(*program, number), 144, static_cast<uint32_t>(number), number))
      far.send(p);
  }
  EXPECT_TRUE(wait_until([&] { return checker.samples == samples; }));
  plane->close();
  checker.stop();
  const PlaneStats stats = plane->stats();
  EXPECT_EQ(imbalance(stats), "");
  EXPECT_EQ(checker.wrong, 0u);
  ASSERT_EQ(stats.workers.size(), 2u);
  EXPECT_GT(stats.workers[0].polls, stats.workers[0].empty_polls);
  EXPECT_GT(stats.workers[1].polls, stats.workers[1].empty_polls);
  EXPECT_GT(stats.workers[0].cpu_ns, 0u);
}

TEST(Workers, OneServesAllQueuesOfAPortThatHasMore) {
  const ProgramPtr program = small_program();
  const std::string link = fresh_link();
  MemoryPortConfig four;
  four.queues = 4;
  auto plane = must(start_plane(plane_on(memory_end(link, 0, four), {route_to_host(program)})));
  Checker checker(program, plane->host_sink("r"));
  RawEnd far(link);
  for (uint64_t number = 0; number < 40; ++number) {
    far.source.port = static_cast<uint16_t>(40000 + number);
    for (const ChunkPacket& p :
         cut(*program, sample_of(*program, number), 144, static_cast<uint32_t>(number), number))
      far.send(p);
  }
  EXPECT_TRUE(wait_until([&] {
    checker.pump();
    return checker.samples == 40;
  }));
  EXPECT_EQ(checker.wrong, 0u);
}

TEST(Workers, RoutesAreChosenFromTheMostToTheLeastSpecific) {
  const auto route = [](const char* name, uint16_t udp_port, std::optional<uint8_t> type) {
    RouteConfig made = route_to_host(small_program(), name);
    made.udp_port = udp_port;
    made.payload_type = type;
    return made;
  };
  SteppedPlane plane({route("any", 0, std::nullopt), route("type", 0, uint8_t{96}),
                      route("port", 5004, std::nullopt), route("both", 5004, uint8_t{96})});
  const Bytes sample = sample_of(*small_program(), 1);
  const auto lands_in = [&](uint16_t udp_port, uint8_t type) {
    std::array<uint64_t, 4> before;
    for (size_t r = 0; r < 4; ++r) before[r] = plane.route(r).packets_used.get();
    plane.destination.port = udp_port;
    static uint32_t timestamp = 0;
    ChunkPacket packet = cut(*small_program(), sample, 384, timestamp++)[0];
    packet.payload_type = type;
    plane.send(packet);
    for (size_t r = 0; r < 4; ++r) {
      if (plane.route(r).packets_used.get() != before[r]) return plane.parts->routes[r].name;
    }
    return std::string("none");
  };
  EXPECT_EQ(lands_in(5004, 96), "both");
  EXPECT_EQ(lands_in(5004, 97), "port");
  EXPECT_EQ(lands_in(5005, 96), "type");
  EXPECT_EQ(lands_in(5005, 0), "any");
}

TEST(Workers, AMarkChoosesTheRouteAndAnotherPortsMarkIsIgnored) {
  RouteConfig one = route_to_host(small_program(), "one"), two = one, other = one;
  two.name = "two";
  two.payload_type = 97;
  other.name = "other";
  other.port = "q";
  SteppedPlane plane({one, two, other});
  const Bytes sample = sample_of(*small_program(), 1);
  const auto arrive = [&](uint32_t mark, uint32_t timestamp) {
    const Bytes rtp = rtp_of(cut(*small_program(), sample, 384, timestamp)[0]);
    Bytes frame(42 + rtp.size());
    std::copy(rtp.begin(), rtp.end(), frame.begin() + 42);
    build_frame(frame.data(), {}, {}, plane.source, plane.destination, rtp.size(), 0);
    plane.in.arrive(frame, 0, mark, 123);
    plane.poll();
  };
  arrive(2, 1);
  EXPECT_EQ(plane.route(1).packets_used.get(), 1u);
  arrive(3, 2);
  arrive(99, 3);
  EXPECT_EQ(plane.route(0).packets_used.get(), 2u);
  EXPECT_EQ(plane.route(2).packets_used.get(), 0u);
  EXPECT_EQ(plane.take(1).at(0).info.first_packet_ns, 123u) << "the time of the NIC goes before the burst's";
}

TEST(Workers, ChecksumsThatWereVerifiedBelowAreNotVerifiedAgain) {
  SteppedPlane plane({route_to_host(small_program())});
  const Bytes rtp = rtp_of(cut(*small_program(), sample_of(*small_program(), 1), 384, 1)[0]);
  Bytes frame(42 + rtp.size());
  std::copy(rtp.begin(), rtp.end(), frame.begin() + 42);
  build_frame(frame.data(), {}, {}, plane.source, plane.destination, rtp.size(), 0);
  frame[24] ^= 0xff;
  frame[40] ^= 0xff;
  plane.in.arrive(frame, ONPATH_PACKET_IP_CHECKSUM_OK | ONPATH_PACKET_UDP_CHECKSUM_OK);
  plane.poll();
  EXPECT_EQ(plane.take().size(), 1u);
}

TEST(Workers, DimensionsOfBothRanksAndAnUnknownLengthAreTaken) {
  const ProgramPtr program = small_program();
  SteppedPlane plane({route_to_host(program)});
  const Bytes sample = sample_of(*program, 1);
  auto packets = cut(*program, sample, 144, 1);
  packets[0].dims = {8, 16};
  packets[1].dims = {8, 16, 3};
  packets[2].length = 0;
  plane.send(packets);
  EXPECT_EQ(plane.take().at(0).output, expected_of(*program, sample));
}

}  // namespace
}  // namespace onpath::testing
