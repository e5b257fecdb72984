// Next hops: asked for, found, asked again, lost; and what forwarding does meanwhile.
#include <gtest/gtest.h>

#include "dataplane/host_testing.h"

namespace onpath::testing {
namespace {

LocalHostConfig out_host() { return host_of({own("10.0.1.1", 24), own("2001:db8:1::1", 64)}); }

/// Forwards from p to `destination` by port q, which has addresses.
class Forwarding : public SteppedPlane {
 public:
  explicit Forwarding(const std::string& to, LocalHostConfig host = out_host(), const MacAddress& fixed = {})
      : SteppedPlane({route_to(to, fixed)}, ONPATH_FRAMING_ETHERNET, std::nullopt, std::move(host)) {
    pass(0);
  }
  static RouteConfig route_to(const std::string& to, const MacAddress& fixed) {
    ForwardSinkConfig sink;
    sink.port = "q";
    sink.destination = endpoint(to, 6001);
    sink.destination_mac = fixed;
    RouteConfig route = route_to_host(copy_program(16, 8));
    route.sink = sink;
    return route;
  }

  /// The addresses asked for since last time: "10.0.1.2" of everybody, "10.0.1.2!" of one station.
  std::vector<std::string> asked() {
    std::vector<std::string> questions;
    std::vector<Bytes> rest;
    for (const Bytes& frame : out.sent) {
      IpPacket packet;
      NeighbourMessage message;
      const std::string of = is_group(mac_at(frame.data())) ? "" : "!";
      if (const auto arp = as_arp(frame)) {
        if (arp->sender != arp->target) questions.push_back(address_text(arp->target) + of);
      } else if (!parse_ip_packet(frame, packet) && packet.protocol == kProtocolIcmpv6) {
        if (packet.payload[0] == 135 && !parse_neighbour_message(packet, message))
          questions.push_back(address_text(message.target) + of);
      } else {
        rest.push_back(frame);
      }
    }
    out.sent = rest;
    return questions;
  }
  /// What port q hears.
  void hear(Bytes frame) {
    out.arrive(std::move(frame));
    poll();
  }
  void hear_arp(const MacAddress& mac, const std::string& from, bool reply = true) {
    hear(arp_frame(reply, mac, from, "10.0.1.1", kOutMac));
  }
  /// Where a forwarded sample goes; zero: it did not leave.
  MacAddress forward() {
    asked();
    out.sent.clear();
    const ProgramPtr program = copy_program(16, 8);
    ++timestamp_;
    SteppedPlane::send(cut(*program, sample_of(*program, 1), 384, timestamp_)[0]);
    asked();
    return out.sent.empty() ? MacAddress{} : mac_at(out.sent[0].data());
  }
  uint64_t lost() { return port_dropped(DropReason::no_neighbour, 1); }

 private:
  uint32_t timestamp_ = 0;
};

using Texts = std::vector<std::string>;

TEST(Neighbours, AreAskedAtOnceThenEverySecondUntilFoundAndForwardingWaitsForThem) {
  Forwarding plane("10.0.1.2");
  EXPECT_EQ(plane.asked(), Texts{"10.0.1.2"});
  plane.pass(kSecond / 2);
  EXPECT_EQ(plane.asked(), Texts{});
  EXPECT_EQ(plane.forward(), MacAddress{});
  EXPECT_EQ(plane.lost(), 1u);
  plane.pass(kSecond);
  EXPECT_EQ(plane.asked(), Texts{"10.0.1.2"});
  plane.hear_arp(kPeerMac, "10.0.1.2");
  EXPECT_EQ(plane.forward(), kPeerMac);
  EXPECT_EQ(plane.lost(), 1u);
  EXPECT_EQ(plane.unaccounted(), 0);
  Datagram datagram;
  ASSERT_FALSE(parse_frame(plane.out.sent[0], {}, datagram));
  EXPECT_EQ(endpoint_text(datagram.source), "10.0.1.1:5004") << "the own address and a default port";
  plane.pass(10 * kSecond);
  EXPECT_EQ(plane.asked(), Texts{});
}

TEST(Neighbours, AreFoundByNeighbourDiscoveryToo) {
  Forwarding plane("2001:db8:1::2");
  EXPECT_EQ(plane.asked(), Texts{"2001:db8:1::2"});
  plane.hear(advertisement("2001:db8:1::2", kOtherMac, "ff02::1", 0x20));
  EXPECT_EQ(plane.forward(), MacAddress{}) << "nobody was answered";
  plane.hear(advertisement("2001:db8:1::3", kOtherMac, "2001:db8:1::1"));
  EXPECT_EQ(plane.forward(), MacAddress{}) << "not the one";
  plane.hear(advertisement("2001:db8:1::2", kPeerMac, "2001:db8:1::1"));
  EXPECT_EQ(plane.forward(), kPeerMac);
}

TEST(Neighbours, AreAskedAgainAfterThirtySecondsAndLostAfterThreeQuestions) {
  Forwarding plane("10.0.1.2");
  plane.hear_arp(kPeerMac, "10.0.1.2");
  plane.pass(kSecond);
  plane.asked();
  plane.pass(31 * kSecond);
  EXPECT_EQ(plane.asked(), Texts{"10.0.1.2!"});
  plane.hear_arp(kPeerMac, "10.0.1.2");
  plane.pass(2 * kSecond);
  EXPECT_EQ(plane.asked(), Texts{});
  plane.pass(31 * kSecond);
  EXPECT_EQ(plane.asked(), Texts{"10.0.1.2!"});
  for (int i = 0; i < 2; ++i) {
    plane.pass(kSecond + 1);
    EXPECT_EQ(plane.asked(), Texts{"10.0.1.2!"});
    EXPECT_EQ(plane.forward(), kPeerMac) << "kept until it is given up";
  }
  plane.pass(kSecond + 1);
  EXPECT_EQ(plane.asked(), Texts{"10.0.1.2"});
  EXPECT_EQ(plane.forward(), MacAddress{});
  plane.hear_arp(kOtherMac, "10.0.1.2");
  EXPECT_EQ(plane.forward(), kOtherMac) << "and found elsewhere";
}

TEST(Neighbours, ALostOneIsHeardOfByDiscoveryWithoutItsLinkAddress) {
  Forwarding plane("2001:db8:1::2");
  plane.hear(advertisement("2001:db8:1::2", kPeerMac, "2001:db8:1::1"));
  plane.pass(kSecond);
  plane.asked();
  plane.pass(31 * kSecond);
  EXPECT_EQ(plane.asked(), Texts{"2001:db8:1::2!"});
  Bytes bare(24);
  bare[0] = 136;
  bare[4] = 0x40;
  std::copy_n(ip("2001:db8:1::2").bytes.begin(), 16, bare.begin() + 8);
  IpHeaders made = headers("2001:db8:1::2", "2001:db8:1::1", 255);
  made.destination_mac = kOutMac;
  plane.hear(ip_frame(made, bare));
  for (int i = 0; i < 10; ++i) plane.pass(kSecond);
  EXPECT_EQ(plane.asked(), Texts{});
  EXPECT_EQ(plane.forward(), kPeerMac);
}

TEST(Neighbours, WhatNobodyAskedForIsNotBelieved) {
  Forwarding plane("10.0.1.2");
  plane.hear_arp(kBroadcastMac, "10.0.1.2");
  plane.hear_arp(MacAddress{}, "10.0.1.2");
  plane.hear(arp_frame(true, kOtherMac, "10.0.1.2", "10.0.1.99"));
  EXPECT_EQ(plane.forward(), MacAddress{}) << "no station, or not told to us";
  plane.hear_arp(kPeerMac, "10.0.1.2");
  EXPECT_EQ(plane.forward(), kPeerMac);
  plane.hear_arp(kOtherMac, "10.0.1.2");
  plane.hear_arp(kOtherMac, "10.0.1.2", false);
  EXPECT_EQ(plane.forward(), kPeerMac) << "known, and not asked for";
  plane.pass(kSecond);
  plane.pass(31 * kSecond);
  plane.hear_arp(kOtherMac, "10.0.1.2", false);
  EXPECT_EQ(plane.forward(), kPeerMac) << "a question moves nobody";
  for (uint32_t i = 0; i < 5000; ++i)
    plane.hear_arp(kOtherMac, address_text(IpAddress::v4(0x0a000200 + i)), i % 2);
  EXPECT_EQ(plane.forward(), kPeerMac);
  plane.finish();
  EXPECT_EQ(plane.out.outstanding, 0u);
}

TEST(Neighbours, AQuestionToUsSaysWhereTheAskerIs) {
  Forwarding plane("10.0.1.2");
  plane.hear_arp(kPeerMac, "10.0.1.2", false);
  EXPECT_EQ(plane.forward(), kPeerMac);
}

TEST(Neighbours, StaticOnesAreNeitherAskedForNorMoved) {
  LocalHostConfig host = out_host();
  host.neighbours = {{ip("10.0.1.2"), kPeerMac}};
  Forwarding plane("10.0.1.2", host);
  plane.hear_arp(kOtherMac, "10.0.1.2");
  plane.pass(100 * kSecond);
  EXPECT_EQ(plane.asked(), Texts{});
  EXPECT_EQ(plane.forward(), kPeerMac);
}

TEST(Neighbours, OffLinkDestinationsGoToTheGatewayAndGroupsToTheirOwnAddress) {
  LocalHostConfig host = out_host();
  host.gateways = {ip("10.0.1.254"), ip("fe80::254")};
  Forwarding v4("192.0.2.7", host), v6("2001:db8:77::7", host);
  EXPECT_EQ(v4.asked(), Texts{"10.0.1.254"});
  EXPECT_EQ(v6.asked(), Texts{"fe80::254"});
  v4.hear_arp(kPeerMac, "10.0.1.254");
  EXPECT_EQ(v4.forward(), kPeerMac);
  Datagram datagram;
  ASSERT_FALSE(parse_frame(v4.out.sent[0], {}, datagram));
  EXPECT_EQ(endpoint_text(datagram.destination), "192.0.2.7:6001");
  EXPECT_EQ(v4.out.sent[0][14 + 8], 64) << "TTL";

  Forwarding group("239.5.6.7", host), broadcast("10.0.1.255", host), fixed("192.0.2.7", host, kOtherMac);
  EXPECT_EQ(group.asked(), Texts{});
  EXPECT_EQ(group.forward(), multicast_mac(ip("239.5.6.7")));
  EXPECT_EQ(group.out.sent[0][14 + 8], 1) << "TTL of multicast";
  EXPECT_EQ(broadcast.forward(), kBroadcastMac);
  EXPECT_EQ(fixed.asked(), Texts{});
  EXPECT_EQ(fixed.forward(), kOtherMac) << "given, and so not asked for";
}

TEST(Neighbours, NoWayToADestinationIsSaidAtTheStart) {
  const auto refusal = [](const std::string& destination, LocalHostConfig host) {
    FakePort in, out;
    PlaneConfig config;
    config.ports = {{"p", in.port()}, {"q", out.port(), std::move(host)}};
    config.routes = {Forwarding::route_to(destination, {})};
    return error_text(build_plane(std::move(config)));
  };
  const std::string off_link = refusal("192.0.2.7", out_host());
  EXPECT_EQ(
      off_link.rfind("INVALID_SPEC: Route \"r\": 192.0.2.7 is in none of the port's networks (10.0.1.1/24, "
                     "2001:db8:1::1/64, fe80::",
                     0),
      0u)
      << off_link;
  EXPECT_NE(off_link.find("no IPv4 gateway. Give the port an address of that network, or a gateway."),
            std::string::npos);
  EXPECT_NE(refusal("10.0.1.1", out_host()).find("own address"), std::string::npos);
  EXPECT_NE(refusal("2001:db8::1", host_of({own("10.0.1.1", 24)})).find("no address of the IP version"),
            std::string::npos);
}

TEST(Neighbours, TheNicFillsChecksumsWhereItCan) {
  FakePort in, out;
  out.table().features = ONPATH_PORT_FILLS_CHECKSUMS;
  PlaneConfig config;
  config.ports = {{"p", in.port()}, {"q", out.port(), out_host()}};
  config.routes = {Forwarding::route_to("239.5.6.7", {})};
  auto parts = must(build_plane(std::move(config)));
  Bytes rtp = rtp_of(cut(*copy_program(16, 8), sample_of(*copy_program(16, 8), 1), 384, 1)[0]);
  Bytes frame(42 + rtp.size());
  std::copy(rtp.begin(), rtp.end(), frame.begin() + 42);
  build_frame(frame.data(), {}, {}, endpoint("10.0.0.2", 1), endpoint("10.0.0.1", kUdpPort), rtp.size(), 0);
  in.arrive(frame);
  while (parts->workers[0]->poll_once(1) > 0) {
  }
  bool found = false;
  // The port does what a NIC does, and gives up the process where it finds other than was agreed.
  for (const Bytes& sent : out.sent) {
    if (mac_at(sent.data()) != multicast_mac(ip("239.5.6.7"))) continue;
    found = true;
    Datagram datagram;
    EXPECT_FALSE(parse_frame(sent, {}, datagram));
  }
  EXPECT_TRUE(found);
  parts->workers[0]->finish(1);
}

}  // namespace
}  // namespace onpath::testing
