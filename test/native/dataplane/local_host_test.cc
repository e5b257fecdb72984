// The host that a plane is on a port: what it answers, what it does not, and that it cannot be kept busy.
#include <gtest/gtest.h>

#include "dataplane/host_testing.h"

namespace onpath::testing {
namespace {

TEST(LocalHost, AnswersArpForItsOwnAddressOnly) {
  HostPlane plane;
  const auto answers = plane.answers(arp_frame(false, kPeerMac, "10.0.0.9", "10.0.0.1"));
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(mac_at(answers[0].data()), kPeerMac);
  EXPECT_EQ(mac_at(answers[0].data() + 6), kOwnMac);
  EXPECT_EQ(answers[0].size(), 60u);
  const auto reply = as_arp(answers[0]);
  ASSERT_TRUE(reply);
  EXPECT_TRUE(reply->reply);
  EXPECT_EQ(reply->sender_mac, kOwnMac);
  EXPECT_EQ(reply->sender, ip("10.0.0.1"));
  EXPECT_EQ(reply->target_mac, kPeerMac);
  EXPECT_EQ(reply->target, ip("10.0.0.9"));
  EXPECT_TRUE(plane.answers(arp_frame(false, kPeerMac, "10.0.0.9", "10.0.0.2")).empty());
  EXPECT_TRUE(plane.answers(arp_frame(true, kPeerMac, "10.0.0.9", "10.0.0.1")).empty());
  EXPECT_EQ(plane.control(), 3u);
}

TEST(LocalHost, AnswersAnArpProbeAndDefendsItsAddressOnceInTenSeconds) {
  HostPlane plane;
  const auto answers = plane.answers(arp_frame(false, kPeerMac, "0.0.0.0", "10.0.0.1"));
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(as_arp(answers[0])->target, ip("0.0.0.0"));
  const auto defence = plane.answers(arp_frame(false, kPeerMac, "10.0.0.1", "10.0.0.1"));
  ASSERT_EQ(defence.size(), 1u);
  EXPECT_EQ(as_arp(defence[0])->sender, ip("10.0.0.1"));
  EXPECT_TRUE(is_group(mac_at(defence[0].data())));
  EXPECT_TRUE(plane.answers(arp_frame(false, kPeerMac, "10.0.0.1", "10.0.0.1")).empty());
  plane.now += 11 * kSecond;
  EXPECT_EQ(plane.answers(arp_frame(false, kPeerMac, "10.0.0.1", "10.0.0.1")).size(), 1u);
}

TEST(LocalHost, AnswersSolicitationsAndProbesForDuplicates) {
  HostPlane plane;
  for (const std::string own_address : {"2001:db8::1", "fe80::ff:fe00:1"}) {
    const auto answers = plane.answers(solicitation("2001:db8::9", own_address));
    ASSERT_EQ(answers.size(), 1u) << own_address;
    IpPacket packet;
    NeighbourMessage message;
    ASSERT_FALSE(parse_ip_packet(answers[0], packet));
    ASSERT_FALSE(parse_neighbour_message(packet, message));
    EXPECT_EQ(mac_at(answers[0].data()), kPeerMac);
    EXPECT_EQ(packet.destination, ip("2001:db8::9"));
    EXPECT_EQ(message.target, ip(own_address));
    EXPECT_TRUE(message.solicited);
    EXPECT_EQ(*message.link_address, kOwnMac);
  }
  const auto to_probe = plane.answers(solicitation("::", "2001:db8::1", std::nullopt));
  ASSERT_EQ(to_probe.size(), 1u);
  IpPacket packet;
  NeighbourMessage message;
  ASSERT_FALSE(parse_ip_packet(to_probe[0], packet));
  ASSERT_FALSE(parse_neighbour_message(packet, message));
  EXPECT_EQ(packet.destination, all_nodes_group());
  EXPECT_FALSE(message.solicited);
  EXPECT_TRUE(plane.answers(solicitation("2001:db8::9", "2001:db8::2")).empty());
}

TEST(LocalHost, EchoesDataOfEveryLengthInBothFamilies) {
  HostPlane plane;
  for (const auto& [peer, self] : {std::pair{"10.0.0.9", "10.0.0.1"}, {"2001:db8::9", "2001:db8::1"}}) {
    for (const size_t data : {0u, 1u, 17u, 56u, 1001u, 1452u}) {
      const Bytes request = echo(peer, self, data);
      const auto answers = plane.answers(request);
      ASSERT_EQ(answers.size(), 1u) << self << " " << data;
      IpPacket packet;
      IcmpKind kind;
      ASSERT_FALSE(parse_ip_packet(answers[0], packet));
      EXPECT_FALSE(parse_icmp(packet, kind)) << "the checksum is right";
      EXPECT_EQ(packet.source, ip(self));
      EXPECT_EQ(packet.destination, ip(peer));
      EXPECT_EQ(packet.payload[0], packet.destination.is_v4() ? 0 : 129);
      ASSERT_EQ(packet.payload.size(), 8 + data);
      EXPECT_TRUE(std::equal(packet.payload.begin() + 4, packet.payload.end(),
                             request.end() - static_cast<int64_t>(data) - 4));
    }
  }
  EXPECT_TRUE(plane.answers(echo("10.0.0.9", "10.0.0.1", 2040)).empty()) << "longer than a frame";
  EXPECT_EQ(plane.unaccounted(), 0);
}

TEST(LocalHost, EchoesToNoGroupNoBroadcastAndNoStranger) {
  HostPlane plane(host_of({own("10.0.0.1", 24), own("2001:db8::1", 64)}));
  for (const auto& [source, destination] : {std::pair{"10.0.0.9", "10.0.0.255"},
                                            {"10.0.0.9", "255.255.255.255"},
                                            {"10.0.0.9", "224.0.0.1"},
                                            {"10.0.0.255", "10.0.0.1"},
                                            {"224.1.1.1", "10.0.0.1"},
                                            {"0.0.0.0", "10.0.0.1"},
                                            {"127.0.0.1", "10.0.0.1"},
                                            {"10.0.0.1", "10.0.0.1"},
                                            {"::", "2001:db8::1"},
                                            {"ff02::5", "2001:db8::1"},
                                            {"2001:db8::9", "ff02::1"},
                                            {"::1", "2001:db8::1"}}) {
    EXPECT_TRUE(plane.answers(echo(source, destination, 8)).empty()) << source << " to " << destination;
  }
  const uint64_t before = plane.port_dropped(DropReason::not_for_us);
  EXPECT_TRUE(plane.answers(echo("10.0.0.9", "10.0.0.2", 8)).empty());
  EXPECT_EQ(plane.port_dropped(DropReason::not_for_us), before + 1);
  Bytes elsewhere = echo("10.0.0.9", "10.0.0.1", 8);
  std::copy(kOtherMac.begin(), kOtherMac.end(), elsewhere.begin());
  EXPECT_TRUE(plane.answers(elsewhere).empty()) << "a promiscuous port sees frames for others";
  EXPECT_EQ(plane.port_dropped(DropReason::not_for_us), before + 2);
  EXPECT_EQ(plane.unaccounted(), 0);
}

TEST(LocalHost, DropsWhatBreaksItsSpecificationAndWhatItDoesNotSpeak) {
  HostPlane plane;
  Bytes damaged = echo("10.0.0.9", "10.0.0.1", 8);
  damaged.back() ^= 1;
  EXPECT_TRUE(plane.answers(damaged).empty());
  Bytes far = solicitation("2001:db8::9", "2001:db8::1");
  far[14 + 7] = 64;  // the hop limit is in no checksum
  EXPECT_TRUE(plane.answers(far).empty());
  EXPECT_TRUE(plane.answers(arp_frame(false, kBroadcastMac, "10.0.0.9", "10.0.0.1")).empty());
  EXPECT_EQ(plane.port_dropped(DropReason::bad_control), 3u);
  // Tagged: there is no VLAN to answer in.
  Bytes tagged = arp_frame(false, kPeerMac, "10.0.0.9", "10.0.0.1");
  tagged.insert(tagged.begin() + 12, {0x81, 0x00, 0x00, 0x05});
  EXPECT_TRUE(plane.answers(tagged).empty());
  Bytes lldp(60);
  std::copy(kBroadcastMac.begin(), kBroadcastMac.end(), lldp.begin());
  lldp[12] = 0x88, lldp[13] = 0xcc;
  EXPECT_TRUE(plane.answers(lldp).empty());
  EXPECT_EQ(plane.port_dropped(DropReason::not_ip), 2u);
  IpHeaders tcp = headers("10.0.0.9", "10.0.0.1");
  tcp.protocol = 6;
  EXPECT_TRUE(plane.answers(ip_frame(tcp, Bytes(20))).empty());
  EXPECT_EQ(plane.port_dropped(DropReason::not_udp), 1u);
  EXPECT_EQ(plane.control(), 0u);
  EXPECT_EQ(plane.unaccounted(), 0);
}

TEST(LocalHost, AFloodIsAnsweredAtABoundedRate) {
  HostPlane plane;
  uint64_t answered = 0;
  const uint64_t asked = 20'000;
  for (uint64_t i = 0; i < asked; ++i) {
    plane.in.arrive(echo("10.0.0.9", "10.0.0.1", 0));
    plane.now += 1'000;  // a million a second
    plane.poll();
    answered += plane.in.sent.size();
    plane.in.sent.clear();
  }
  EXPECT_LE(answered, LocalHost::kReplyBurst + asked / 100 + 1);
  EXPECT_GE(answered, LocalHost::kReplyBurst);
  EXPECT_EQ(plane.port_dropped(DropReason::control_limit) + plane.control(), asked);
  EXPECT_EQ(plane.unaccounted(), 0);
}

TEST(LocalHost, WithoutTransmitBuffersRequestsAreDealtWithAndNothingLeaks) {
  HostPlane poor;
  poor.worker().finish(poor.now);  // what it holds in store goes back
  poor.in.gives = 0;
  poor.in.sent.clear();
  EXPECT_TRUE(poor.answers(echo("10.0.0.9", "10.0.0.1", 8)).empty());
  EXPECT_EQ(poor.port_dropped(DropReason::transmit_failed), 1u);
  EXPECT_EQ(poor.control(), 1u);
  EXPECT_EQ(poor.unaccounted(), 0);
  EXPECT_EQ(poor.in.outstanding, 0u);
}

TEST(LocalHost, TakesDatagramsForItsAddressesGroupsAndBroadcastOnly) {
  LocalHostConfig host = both_families();
  host.groups = {ip("239.1.1.1"), ip("ff15::77")};
  HostPlane plane(host);
  const ProgramPtr program = small_program();
  const Bytes sample = sample_of(*program, 1);
  uint32_t timestamp = 0;
  const auto is_taken = [&](const std::string& source, const std::string& destination) {
    plane.source = endpoint(source, 4000);
    plane.destination = endpoint(destination, kUdpPort);
    const uint64_t before = plane.route().packets_used.get();
    plane.send(cut(*program, sample, 384, ++timestamp)[0]);
    return plane.route().packets_used.get() == before + 1;
  };
  for (const char* to : {"10.0.0.1", "239.1.1.1", "10.0.0.255", "255.255.255.255", "224.0.0.1"})
    EXPECT_TRUE(is_taken("10.0.0.9", to)) << to;
  for (const char* to : {"2001:db8::1", "fe80::ff:fe00:1", "ff15::77", "ff02::1"})
    EXPECT_TRUE(is_taken("2001:db8::9", to)) << to;
  for (const char* to : {"10.0.0.2", "239.1.1.2", "127.0.0.1", "10.0.1.255"})
    EXPECT_FALSE(is_taken("10.0.0.9", to)) << to;
  for (const char* to : {"2001:db8::2", "ff15::78", "::1"}) EXPECT_FALSE(is_taken("2001:db8::9", to)) << to;
  EXPECT_EQ(plane.port_dropped(DropReason::not_for_us), 7u);
  plane.finish();
  EXPECT_EQ(plane.unaccounted(), 0);
}

TEST(LocalHost, WithoutAddressesNothingIsAnsweredAndEveryDatagramTaken) {
  SteppedPlane plane({route_to_host(small_program())});
  for (int i = 0; i < 5; ++i) plane.pass(kSecond);
  plane.in.arrive(arp_frame(false, kPeerMac, "10.0.0.9", "10.0.0.1"));
  plane.in.arrive(echo("10.0.0.9", "10.0.0.1", 8));
  plane.destination = endpoint("203.0.113.7", kUdpPort);
  plane.send(cut(*small_program(), sample_of(*small_program(), 1), 384, 1));
  plane.finish();
  EXPECT_TRUE(plane.in.sent.empty());
  EXPECT_EQ(plane.route().packets_used.get(), 1u);
  EXPECT_EQ(plane.port_dropped(DropReason::not_ip), 1u);
  EXPECT_EQ(plane.port_dropped(DropReason::not_udp), 1u);
}

TEST(LocalHost, RefusesAddressesThatNoHostCanHave) {
  const auto refusal = [](const std::function<void(LocalHostConfig&)>& change) {
    FakePort port;
    PlaneConfig config = plane_on(port.port(), {});
    config.ports[0].host = both_families();
    change(*config.ports[0].host);
    return error_text(build_plane(std::move(config)));
  };
  EXPECT_EQ(refusal([](LocalHostConfig&) {}), "ok");
  for (const char* bad : {"127.0.0.1", "224.0.0.5", "0.0.0.0", "255.255.255.255", "10.0.0.255"}) {
    EXPECT_EQ(refusal([&](LocalHostConfig& host) {
                host.addresses = {own(bad, 24)};
              }).rfind("INVALID_SPEC: Port \"p\" has the own address " + std::string(bad), 0),
              0u);
  }
  EXPECT_NE(refusal([](LocalHostConfig& host) { host.groups = {ip("10.0.0.3")}; }).find("no multicast group"),
            std::string::npos);
  EXPECT_NE(refusal([](LocalHostConfig& host) { host.gateways = {ip("10.9.0.3")}; }).find("gateway 10.9.0.3"),
            std::string::npos);
  EXPECT_NE(refusal([](LocalHostConfig& host) {
              host.gateways = {ip("10.0.0.3"), ip("10.0.0.4")};
            }).find("two gateways"),
            std::string::npos);
  EXPECT_NE(refusal([](LocalHostConfig& host) {
              host.neighbours = {{ip("10.0.0.3"), kBroadcastMac}};
            }).find("no station has"),
            std::string::npos);
  FakePort datagrams(ONPATH_FRAMING_DATAGRAM);
  PlaneConfig config = plane_on(datagrams.port(), {});
  config.ports[0].host = both_families();
  EXPECT_NE(error_text(build_plane(std::move(config))).find("datagrams of the kernel"), std::string::npos);
}

}  // namespace
}  // namespace onpath::testing
