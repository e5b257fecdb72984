// Group membership: said at the start, on queries after their delay, in the version routers understand, and
// taken back at the end.
#include <gtest/gtest.h>

#include "dataplane/host_testing.h"

namespace onpath::testing {
namespace {

/// A report of any version, as "igmp3 joins 239.1.1.1 ...".
std::string report_text(const Bytes& frame) {
  IpPacket packet;
  if (parse_ip_packet(frame, packet)) return "bad";
  if (packet.protocol != kProtocolIgmp && packet.protocol != kProtocolIcmpv6) return "other";
  if (message_checksum(packet.source, packet.destination, packet.protocol, packet.payload) != 0)
    return "bad checksum";
  const bool v4 = packet.protocol == kProtocolIgmp;
  const uint8_t* at = packet.payload.data();
  const auto group = [&](const uint8_t* p) {
    IpAddress address;
    if (v4) return address_text(IpAddress::v4(load_be32(p)));
    std::copy_n(p, 16, address.bytes.begin());
    return address_text(address);
  };
  const auto old = [&](const std::string& what) { return what + " " + group(at + (v4 ? 4 : 8)); };
  switch (at[0]) {
    case 0x12:
      return old("igmp1 report");
    case 0x16:
      return old("igmp2 report");
    case 0x17:
      return old("igmp2 leave");
    case 131:
      return old("mld1 report");
    case 132:
      return old("mld1 done");
    case 0x22:
    case 143:
      break;
    default:
      return "other";
  }
  EXPECT_EQ(packet.hop_limit, 1);
  EXPECT_TRUE(packet.router_alert);
  EXPECT_EQ(address_text(packet.destination), v4 ? "224.0.0.22" : "ff02::16");
  EXPECT_TRUE(v4 || is_link_local_v6(packet.source));
  static const char* const kinds[] = {"", "", "member", "leaves", "joins"};
  std::string text = std::string(v4 ? "igmp3 " : "mld2 ") + kinds[at[8]];
  for (uint32_t i = 0; i < load_be16(at + 6); ++i) text += " " + group(at + 8 + (v4 ? 8 : 20) * i + 4);
  return text;
}

std::vector<std::string> reports(FakePort& port) {
  std::vector<std::string> texts;
  for (const Bytes& frame : control_of(port)) {
    const std::string text = report_text(frame);
    if (text != "other" && text != "bad") texts.push_back(text);
  }
  return texts;
}

LocalHostConfig joined() {
  LocalHostConfig host = both_families();
  host.groups = {ip("239.1.1.1"), ip("239.1.1.2"), ip("ff15::77")};
  return host;
}

Bytes igmp_query(const std::string& group, uint8_t code, size_t bytes, const std::string& to = "224.0.0.1") {
  IpHeaders made = headers("10.0.0.254", to, 1);
  made.protocol = kProtocolIgmp;
  made.router_alert = true;
  Bytes message(bytes);
  message[0] = 0x11;
  message[1] = code;
  std::copy_n(ip(group).bytes.begin() + 12, 4, message.begin() + 4);
  return ip_frame(made, message);
}

Bytes mld_query(const std::string& group, uint16_t code, size_t bytes, const std::string& to = "ff02::1") {
  IpHeaders made = headers("fe80::254", to, 1);
  made.router_alert = true;
  Bytes message(bytes);
  message[0] = 130;
  store_be16(&message[4], code);
  std::copy_n(ip(group).bytes.begin(), 16, message.begin() + 8);
  return ip_frame(made, message);
}

using Texts = std::vector<std::string>;
const std::string kMld = " ff15::77 ff02::1:ff00:1";

TEST(GroupReports, JoinsAreSaidAtTheStartThreeTimesAndTakenBackAtTheEnd) {
  HostPlane plane(joined(), false);
  for (int i = 0; i < 3; ++i) {
    plane.pass(i == 0 ? 0 : kSecond);
    EXPECT_EQ(reports(plane.in), (Texts{"igmp3 joins 239.1.1.1 239.1.1.2", "mld2 joins" + kMld})) << i;
  }
  plane.pass(100 * kSecond);
  EXPECT_EQ(reports(plane.in), Texts{});
  plane.finish();
  EXPECT_EQ(reports(plane.in), (Texts{"igmp3 leaves 239.1.1.1 239.1.1.2", "mld2 leaves" + kMld}));
  EXPECT_EQ(plane.in.outstanding, 0u);
}

TEST(GroupReports, TheStartAnnouncesEveryOwnAddress) {
  HostPlane plane(both_families(), false);
  plane.pass(0);
  const auto said = control_of(plane.in);
  Texts announced;
  for (const Bytes& frame : said) {
    IpPacket packet;
    NeighbourMessage message;
    if (const auto arp = as_arp(frame)) {
      EXPECT_EQ(arp->sender, arp->target);
      announced.push_back(address_text(arp->sender));
    } else if (!parse_ip_packet(frame, packet) && packet.payload[0] == 136 &&
               !parse_neighbour_message(packet, message)) {
      announced.push_back(address_text(message.target));
    }
  }
  EXPECT_EQ(announced, (Texts{"10.0.0.1", "2001:db8::1", "fe80::ff:fe00:1"}));
}

TEST(GroupReports, QueriesAreAnsweredWithinTheirDelayAndOnce) {
  HostPlane plane(joined());
  const std::vector<std::tuple<Bytes, uint64_t, std::string>> cases = {
      {igmp_query("0.0.0.0", 100, 12), 10 * kSecond, "igmp3 member 239.1.1.1 239.1.1.2"},
      {igmp_query("239.1.1.2", 10, 12, "239.1.1.2"), kSecond, "igmp3 member 239.1.1.2"},
      {mld_query("::", 10'000, 28), 10 * kSecond, "mld2 member" + kMld},
      {mld_query("ff15::77", 1'000, 28, "ff15::77"), kSecond, "mld2 member ff15::77"},
      {igmp_query("0.0.0.0", 0x81, 12), 14 * kSecond, "igmp3 member 239.1.1.1 239.1.1.2"}};
  for (const auto& [query, delay, expected] : cases) {
    plane.in.arrive(query);
    plane.in.arrive(query);
    plane.poll();
    Texts said;
    const uint64_t before = plane.now;
    while (plane.now < before + delay && said.empty()) {
      plane.pass(kSecond / 100);
      said = reports(plane.in);
    }
    EXPECT_EQ(said, Texts{expected});
    plane.pass(100 * kSecond);
    EXPECT_EQ(reports(plane.in), Texts{});
  }
  plane.in.arrive(igmp_query("239.9.9.9", 10, 12));
  plane.poll();
  plane.pass(100 * kSecond);
  EXPECT_EQ(reports(plane.in), Texts{}) << "a group we are not in";
  EXPECT_EQ(plane.unaccounted(), 0);
}

TEST(GroupReports, OldQueriersAreAnsweredInTheirVersion) {
  HostPlane plane(joined());
  plane.in.arrive(igmp_query("0.0.0.0", 10, 8));
  plane.in.arrive(mld_query("::", 1'000, 24));
  plane.poll();
  plane.pass(kSecond);
  const Texts expected = {"igmp2 report 239.1.1.1", "igmp2 report 239.1.1.2", "mld1 report ff15::77",
                          "mld1 report ff02::1:ff00:1"};
  EXPECT_EQ(reports(plane.in), expected);
  plane.in.arrive(igmp_query("0.0.0.0", 0, 8));
  plane.poll();
  plane.pass(10 * kSecond);
  EXPECT_EQ(reports(plane.in), (Texts{"igmp1 report 239.1.1.1", "igmp1 report 239.1.1.2"}));
  plane.pass(300 * kSecond);
  plane.in.arrive(igmp_query("0.0.0.0", 10, 12));
  plane.poll();
  plane.pass(kSecond);
  EXPECT_EQ(reports(plane.in), Texts{"igmp3 member 239.1.1.1 239.1.1.2"});
}

TEST(GroupReports, ForgedMldQueriesAreDropped) {
  HostPlane plane(joined());
  IpHeaders made = headers("2001:db8::254", "ff02::1", 1);
  made.router_alert = true;
  Bytes message(28);
  message[0] = 130;
  plane.in.arrive(ip_frame(made, message));  // not from a link-local address
  made.source = ip("fe80::254");
  made.router_alert = false;
  plane.in.arrive(ip_frame(made, message));
  made.router_alert = true;
  made.hop_limit = 2;
  plane.in.arrive(ip_frame(made, message));
  plane.poll();
  EXPECT_EQ(plane.port_dropped(DropReason::bad_control), 3u);
  plane.pass(100 * kSecond);
  EXPECT_EQ(reports(plane.in), Texts{});
}

}  // namespace
}  // namespace onpath::testing
