// ARP, ICMP, neighbour discovery, IGMP and MLD: what is built is read back, each check refuses what it is
// for, and hostile bytes are refused without a read past their end.
#include <gtest/gtest.h>

#include <functional>

#include "wire/arp.h"
#include "wire/icmp.h"
#include "wire/igmp.h"
#include "wire/mld.h"
#include "wire/neighbour_discovery.h"
#include "wire/wire_testing.h"

namespace onpath::wire_testing {
namespace {

constexpr MacAddress kOwn = {2, 0, 0, 0, 0, 1}, kPeer = {2, 0, 0, 0, 0, 9};

IpAddress ip(std::string_view text) { return parse_address(text).value(); }

/// Reads a frame as everything that it may be, and says as what it is taken.
std::string read_all(std::span<const uint8_t> frame) {
  const Exact exact(frame);
  ArpPacket arp;
  if (frame.size() >= 14 && load_be16(&frame[12]) == kEtherTypeArp)
    return "arp " + outcome(parse_arp(exact, arp));
  IpPacket packet;
  if (const auto bad = parse_ip_packet(exact, packet)) return outcome(bad);
  EXPECT_TRUE(lies_inside(packet.payload, exact));
  const Exact payload(packet.payload);
  packet.payload = payload;
  GroupQuery query;
  bool is_query = false;
  if (packet.protocol == kProtocolIgmp) return "igmp " + outcome(parse_igmp(packet, is_query, query));
  if (packet.protocol != kProtocolIcmp && packet.protocol != kProtocolIcmpv6) return "other";
  IcmpKind kind = IcmpKind::other;
  if (const auto bad = parse_icmp(packet, kind)) return "icmp " + outcome(bad);
  NeighbourMessage message;
  switch (kind) {
    case IcmpKind::other:
      return "icmp taken";
    case IcmpKind::echo_request:
      return "echo taken";
    case IcmpKind::mld_query:
      return "mld " + outcome(parse_mld_query(packet, query));
    default:
      return "nd " + outcome(parse_neighbour_message(packet, message));
  }
}

/// The frame after `change` to its ICMP message, checksum made good again.
Octets changed(Octets frame, const std::function<void(Octets&)>& change, bool mend = true) {
  change(frame);
  IpPacket packet;
  EXPECT_FALSE(parse_ip_packet(frame, packet));
  const size_t at = frame.size() - packet.payload.size();
  if (mend) {
    store_be16(&frame[at + 2], 0);
    store_be16(&frame[at + 2], message_checksum(packet.source, packet.destination, packet.protocol,
                                                std::span(frame).subspan(at)));
  }
  return frame;
}

Octets built(const std::function<size_t(uint8_t*)>& build) {
  Octets frame(2048);
  frame.resize(build(frame.data()));
  return frame;
}

Octets solicitation() {
  return built([](uint8_t* at) {
    return build_neighbour_solicitation(at, kPeer, ip("2001:db8::9"), ip("2001:db8::1"), nullptr);
  });
}
Octets advertisement() {
  return built([](uint8_t* at) {
    return build_neighbour_advertisement(at, kPeer, ip("2001:db8::9"), ip("2001:db8::1"), kOwn);
  });
}

TEST(Mac, AddressesMapAsTheirRfcsSay) {
  // RFC 1112 section 6.4: the top bit of the low 24 is lost.
  EXPECT_EQ(multicast_mac(ip("239.129.2.3")), (MacAddress{1, 0, 0x5e, 1, 2, 3}));
  EXPECT_EQ(multicast_mac(ip("ff02::1:ff12:3456")), (MacAddress{0x33, 0x33, 0xff, 0x12, 0x34, 0x56}));
  // RFC 2464 section 4: its own example.
  EXPECT_EQ(address_text(link_local_of({0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde})), "fe80::3656:78ff:fe9a:bcde");
  // RFC 4291 section 2.7.1: its own example.
  EXPECT_EQ(address_text(solicited_node_group(ip("4037::1:800:200e:8c6c"))), "ff02::1:ff0e:8c6c");
  EXPECT_TRUE(is_multicast(ip("224.0.0.0")) && is_multicast(ip("239.255.255.255")) &&
              is_multicast(ip("ff02::1")));
  EXPECT_FALSE(is_multicast(ip("223.255.255.255")) || is_multicast(ip("240.0.0.0")) ||
               is_multicast(ip("fe80::1")));
}

TEST(Arp, IsReadAsItWasBuiltAndRefusedOtherwise) {
  const Octets good = built([](uint8_t* at) {
    return build_arp(at, kBroadcastMac, {false, kPeer, ip("10.0.0.9"), {}, ip("10.0.0.1")});
  });
  // RFC 826, Packet format.
  EXPECT_EQ(good, from_hex("ffffffffffff 020000000009 0806 0001 0800 06 04 0001 020000000009 0a000009 "
                           "000000000000 0a000001"));
  ArpPacket arp;
  ASSERT_FALSE(parse_arp(Exact(good), arp));
  EXPECT_EQ(arp.sender_mac, kPeer);
  EXPECT_EQ(arp.target, ip("10.0.0.1"));
  for (size_t bytes = 14; bytes < good.size(); ++bytes)
    EXPECT_EQ(read_all(std::span(good).first(bytes)), "arp bad_control") << bytes;
  for (const size_t at : {14u, 15u, 16u, 17u, 18u, 19u, 20u}) {
    Octets bad = good;
    bad[at] ^= 0x40;
    EXPECT_EQ(read_all(bad), "arp bad_control") << at;
  }
  for (const auto& sender : {"224.0.0.1", "255.255.255.255"}) {
    Octets bad = good;
    store_be32(&bad[28], load_be32(ip(sender).bytes.data() + 12));
    EXPECT_EQ(read_all(bad), "arp bad_control") << sender;
  }
}

TEST(IpPackets, AreCutToTheirLengthAndTheirOptionsRead) {
  for (const bool alert : {false, true}) {
    for (const char* to : {"10.0.0.1", "2001:db8::1"}) {
      IpHeaders headers;
      headers.source = headers.destination = ip(to);
      headers.protocol = 99;
      headers.router_alert = alert;
      Octets frame = built([&](uint8_t* at) { return build_ip_headers(at, headers, 10); });
      frame.resize(frame.size() + 7, 0xee);  // Ethernet padding
      IpPacket packet;
      ASSERT_FALSE(parse_ip_packet(Exact(frame), packet));
      EXPECT_EQ(packet.payload.size(), 10u);
      EXPECT_EQ(packet.router_alert, alert);
      EXPECT_EQ(packet.protocol, 99);
      EXPECT_EQ(packet.hop_limit, 64);
      for (size_t bytes = 0; bytes < frame.size() - 7; ++bytes)
        EXPECT_NE(outcome(parse_ip_packet(Exact(std::span(frame).first(bytes)), packet)), "taken") << bytes;
    }
  }
}

TEST(Solicitations, ArePassedByEveryCheckOfRfc4861Section711) {
  const Octets good = solicitation();
  EXPECT_EQ(read_all(good), "nd taken");
  const auto refused = [&](const std::function<void(Octets&)>& change) {
    EXPECT_EQ(read_all(changed(good, change)), "nd bad_control");
  };
  refused([](Octets& f) { f[14 + 7] = 254; });                              // hop limit
  refused([](Octets& f) { f[54 + 1] = 1; });                                // code
  refused([](Octets& f) { f[54 + 8] = 0xff; });                             // the target is a group
  refused([](Octets& f) { f[54 + 25] = 0; });                               // an option without length
  refused([](Octets& f) { f[54 + 25] = 2; });                               // or longer than the message
  refused([](Octets& f) { f[54 + 26] |= 1; });                              // a group as link-layer address
  refused([](Octets& f) { std::fill_n(f.begin() + 22, 16, uint8_t{0}); });  // from :: with that option
  refused([](Octets& f) {  // from :: to an address of one host
    std::fill_n(f.begin() + 22, 16, uint8_t{0});
    f[38] = 0x20;
    f[54 + 24] = 14;  // a nonce (RFC 3971) instead
  });
  refused([](Octets& f) { f[22] = 0xff; });  // from a group
  EXPECT_EQ(read_all(changed(
                good, [](Octets& f) { f[60] ^= 1; }, false)),
            "icmp bad_control");
  for (size_t bytes = 4; bytes < 24; ++bytes) {  // shorter than 24 octets
    Octets cut(good.begin(), good.begin() + 54 + static_cast<ptrdiff_t>(bytes));
    store_be16(&cut[18], static_cast<uint16_t>(bytes));
    EXPECT_EQ(read_all(changed(cut, [](Octets&) {})), "nd bad_control") << bytes;
  }
}

TEST(Advertisements, ArePassedByEveryCheckOfRfc4861Section712) {
  const Octets good = advertisement();
  EXPECT_EQ(read_all(good), "nd taken");
  const auto refused = [&](const std::function<void(Octets&)>& change) {
    EXPECT_EQ(read_all(changed(good, change)), "nd bad_control");
  };
  refused([](Octets& f) { f[14 + 7] = 1; });
  refused([](Octets& f) { f[54 + 1] = 1; });
  refused([](Octets& f) { f[54 + 8] = 0xff; });
  refused([](Octets& f) { f[54 + 25] = 0; });
  refused([](Octets& f) { f[38] = 0xff; });  // solicited, and to a group
  EXPECT_EQ(read_all(changed(good, [](Octets& f) { f[38] = 0xff, f[54 + 4] = 0x20; })), "nd taken");
}

TEST(GroupQueries, HaveTheVersionTheirLengthAndCodeSay) {
  const auto igmp = [](const std::string& hex) {
    Octets message = from_hex(hex);
    store_be16(&message[2], checksum_fold(checksum_add(message)));
    IpPacket packet;
    packet.payload = message;
    bool is_query = false;
    GroupQuery query;
    if (parse_igmp(packet, is_query, query)) return std::string("bad");
    if (!is_query) return std::string("no query");
    return "v" + std::to_string(query.version) + " " + (query.general() ? "all" : address_text(query.group)) +
           " " + std::to_string(query.max_response_ns / 1'000'000);
  };
  EXPECT_EQ(igmp("1100 0000 00000000"), "v1 all 10000");
  EXPECT_EQ(igmp("1164 0000 00000000"), "v2 all 10000");
  EXPECT_EQ(igmp("110a 0000 ef010101"), "v2 239.1.1.1 1000");
  EXPECT_EQ(igmp("1164 0000 00000000 02 7d 0000"), "v3 all 10000");
  EXPECT_EQ(igmp("11ff 0000 00000000 02 7d 0000"), "v3 all 3174400") << "31 << 10 tenths";
  EXPECT_EQ(igmp("110a 0000 ef010101 02 7d 0001 0a000001"), "v3 239.1.1.1 1000");
  EXPECT_EQ(igmp("110a 0000 ef010101 02 7d 0002 0a000001"), "bad") << "fewer sources than announced";
  EXPECT_EQ(igmp("1164 0000 00000000 02 7d"), "bad") << "between the lengths of two versions";
  EXPECT_EQ(igmp("110a 0000 0a000001 02 7d 0000"), "bad") << "no group";
  EXPECT_EQ(igmp("2200 0000 00000000"), "no query");
  EXPECT_EQ(response_code(0x8000, 16), 0x1000u << 3);
  EXPECT_EQ(response_code(0xffff, 16), 0x1fffu << 10);
  EXPECT_EQ(response_code(0x7fff, 16), 0x7fffu);
}

TEST(Control, HostileFramesAreNeverReadPastTheirEnd) {
  std::mt19937_64 random(7);
  std::vector<Octets> seeds = {solicitation(), advertisement()};
  const std::vector<IpAddress> v4 = {ip("239.1.1.1"), ip("239.1.1.2")},
                               v6 = {ip("ff15::7"), ip("ff02::1:ff00:1")};
  seeds.push_back(built(
      [&](uint8_t* at) { return build_igmp_report(at, kPeer, ip("10.0.0.9"), v4, Membership::joins); }));
  seeds.push_back(
      built([&](uint8_t* at) { return build_mld_report(at, kPeer, ip("fe80::9"), v6, Membership::joins); }));
  seeds.push_back(built([](uint8_t* at) {
    return build_arp(at, kBroadcastMac, {false, kPeer, ip("10.0.0.9"), {}, ip("10.0.0.1")});
  }));
  for (int round = 0; round < 20'000; ++round) {
    Octets frame = seeds[random() % seeds.size()];
    for (uint64_t changes = random() % 6; changes > 0; --changes)
      frame[random() % frame.size()] = static_cast<uint8_t>(random());
    if (random() % 3 == 0) frame.resize(random() % (frame.size() + 1));
    read_all(frame);
  }
}

}  // namespace
}  // namespace onpath::wire_testing
