// RTP headers: round trips, the optional parts, and the one minimal mutation behind each drop reason.
#include "wire/rtp.h"

#include <gtest/gtest.h>

#include "wire/wire_testing.h"

namespace onpath {
namespace {

using namespace wire_testing;

const Octets kPacket = from_hex("80e1 fffe 00000385 47435431 6f6e70617468");

std::string parse(const Octets& datagram, RtpPacket& packet) {
  static std::vector<Exact> kept;  // spans in `packet` stay valid until the test program ends
  kept.emplace_back(datagram);
  return outcome(parse_rtp(kept.back(), packet));
}

std::string parse(const Octets& datagram) {
  RtpPacket packet;
  return parse(datagram, packet);
}

std::string payload_text(const RtpPacket& packet) { return {packet.payload.begin(), packet.payload.end()}; }

TEST(WireRtp, every_field_of_the_fixed_header_is_read) {
  RtpPacket packet;
  ASSERT_EQ(parse(kPacket, packet), "taken");
  EXPECT_EQ(packet.payload_type, 97);
  EXPECT_TRUE(packet.marker);
  EXPECT_EQ(packet.sequence, 0xfffe);
  EXPECT_EQ(packet.timestamp, 901u);
  EXPECT_EQ(packet.ssrc, 0x47435431u);
  EXPECT_EQ(payload_text(packet), "onpath");
}

TEST(WireRtp, whatever_is_built_parses_to_the_same_fields) {
  std::mt19937_64 random(4);
  for (int round = 0; round < 2000; ++round) {
    RtpPacket built;
    built.marker = random() % 2 == 0;
    built.payload_type = static_cast<uint8_t>(random() % 128);
    if (built.marker && built.payload_type >= 64 && built.payload_type < 96) continue;  // looks like RTCP
    built.sequence = static_cast<uint16_t>(random());
    built.timestamp = static_cast<uint32_t>(random());
    built.ssrc = static_cast<uint32_t>(random());
    Octets datagram(kRtpHeaderBytes);
    build_rtp(datagram.data(), built);
    const Octets payload = random_octets(random, random() % 100);
    datagram.insert(datagram.end(), payload.begin(), payload.end());

    RtpPacket packet;
    ASSERT_EQ(parse(datagram, packet), "taken");
    ASSERT_EQ(packet.marker, built.marker);
    ASSERT_EQ(packet.payload_type, built.payload_type);
    ASSERT_EQ(packet.sequence, built.sequence);
    ASSERT_EQ(packet.timestamp, built.timestamp);
    ASSERT_EQ(packet.ssrc, built.ssrc);
    ASSERT_EQ(Octets(packet.payload.begin(), packet.payload.end()), payload);
  }
}

TEST(WireRtp, CSRCs_extension_and_padding_are_taken_off_the_payload) {
  RtpPacket packet;
  Octets full =
      from_hex("b2e1 fffe 00000385 47435431 11111111 22222222 bede0001 33333333 6f6e70617468 000003");
  ASSERT_EQ(parse(full, packet), "taken");
  EXPECT_EQ(payload_text(packet), "onpath");
  ASSERT_EQ(parse(from_hex("90e1 fffe 00000385 47435431 bede0000 6f6e70617468"), packet), "taken");
  EXPECT_EQ(payload_text(packet), "onpath");
  Octets fifteen = from_hex("8fe1 fffe 00000385 47435431");
  fifteen.resize(fifteen.size() + 60, 0x55);
  fifteen.push_back('x');
  ASSERT_EQ(parse(fifteen, packet), "taken");
  EXPECT_EQ(payload_text(packet), "x");
}

TEST(WireRtp, a_packet_without_payload_or_of_padding_alone_is_taken_with_an_empty_payload) {
  RtpPacket packet;
  ASSERT_EQ(parse(from_hex("8061 0001 00000000 47435431"), packet), "taken");
  EXPECT_TRUE(packet.payload.empty());
  ASSERT_EQ(parse(from_hex("a061 0001 00000000 47435431 00000004"), packet), "taken");
  EXPECT_TRUE(packet.payload.empty());
}

TEST(WireRtp, every_drop_reason_is_one_mutation_away) {
  for (const char* version : {"00", "40", "c0"}) {
    Octets datagram = kPacket;
    datagram[0] = from_hex(version)[0];
    EXPECT_EQ(parse(datagram), "bad_rtp_header");
  }
  Octets datagram = kPacket;
  datagram[0] = 0x82;  // two CSRCs, 8 bytes, where 6 are left
  EXPECT_EQ(parse(datagram), "bad_rtp_header");
  datagram[0] = 0x90;  // an extension of 0x7061 words
  EXPECT_EQ(parse(datagram), "bad_rtp_header");
  EXPECT_EQ(parse(from_hex("90e1 fffe 00000385 47435431 bede00")), "bad_rtp_header");
  EXPECT_EQ(parse(from_hex("90e1 fffe 00000385 47435431 bede0001 000000")), "bad_rtp_header");

  datagram = kPacket;
  datagram[0] = 0xa0;
  EXPECT_EQ(parse(datagram), "bad_rtp_padding");  // 0x68 of 6
  datagram.back() = 7;
  EXPECT_EQ(parse(datagram), "bad_rtp_padding");
  datagram.back() = 0;
  EXPECT_EQ(parse(datagram), "bad_rtp_padding");
  datagram.back() = 6;
  EXPECT_EQ(parse(datagram), "taken");
  EXPECT_EQ(parse(from_hex("a061 0001 00000000 47435431")), "bad_rtp_padding");  // no octet to hold the count
}

TEST(WireRtp, RTCP_types_192_to_223_are_told_from_RTP_whatever_their_length) {
  for (int type = 0; type < 256; ++type) {
    Octets datagram = kPacket;
    datagram[1] = static_cast<uint8_t>(type);
    EXPECT_EQ(parse(datagram), type >= 192 && type <= 223 ? "rtcp" : "taken") << type;
  }
  EXPECT_EQ(parse(from_hex("81cb0001 47435431")), "rtcp");  // BYE, 8 bytes
  EXPECT_EQ(parse(from_hex("80cb0000")), "rtcp");           // BYE of nobody, 4 bytes
}

TEST(WireRtp, cut_at_any_byte_nothing_past_the_cut_is_read) {
  const Octets full =
      from_hex("b261 fffe 00000385 47435431 11111111 22222222 bede0001 33333333 6f6e70617468 000003");
  for (size_t length = 0; length < full.size(); ++length) {
    const std::string result = parse(Octets(full.begin(), full.begin() + static_cast<ptrdiff_t>(length)));
    EXPECT_EQ(result, length < 28 ? "bad_rtp_header" : "bad_rtp_padding") << length;
  }
}

}  // namespace
}  // namespace onpath
