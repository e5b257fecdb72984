// RTCP: what is built is read back, bytes of other implementations are read as they say, each check refuses
// what it is for, and hostile bytes are refused without a read past their end.
#include "wire/rtcp.h"

#include <gtest/gtest.h>

#include "wire/wire_testing.h"

namespace onpath {
namespace {

using namespace wire_testing;

// GStreamer 1.22, rtpbin: a sender report, CNAME and tool, and a BYE, when a stream ended.
const Octets kGStreamer = from_hex(
    "80c8000612345678eead50734a14cec4dd6f167600000190000502d0"
    "81ca000c12345678011b757365723238323730343833333140686f73742d6363356166366206094753747265616d657200000000"
    "81cb000112345678");

std::vector<RtcpPacket> packets_of(std::span<const uint8_t> compound) {
  std::vector<RtcpPacket> packets;
  RtcpWalk walk(compound);
  for (RtcpPacket packet; walk.next(packet);) {
    EXPECT_TRUE(packet.body.empty() || lies_inside(packet.body, compound));
    packets.push_back(packet);
  }
  return packets;
}

std::string check(const Octets& bytes) { return outcome(check_rtcp(Exact(bytes))); }

TEST(WireRtcp, a_compound_of_gstreamer_reads_as_it_says) {
  ASSERT_EQ(check(kGStreamer), "taken");
  const auto packets = packets_of(kGStreamer);
  ASSERT_EQ(packets.size(), 3u);
  EXPECT_EQ(packets[0].type, RtcpType::sender_report);
  EXPECT_EQ(packets[0].ssrc, 0x12345678u);
  EXPECT_EQ(report_blocks(packets[0]), 0u);
  const SenderInfo info = sender_info(packets[0]);
  EXPECT_EQ(info.ntp, 0xeead50734a14cec4u);
  EXPECT_EQ(info.rtp_timestamp, 0xdd6f1676u);
  EXPECT_EQ(info.packets, 400u);
  EXPECT_EQ(info.octets, 328400u);
  EXPECT_EQ(packets[1].type, RtcpType::source_description);
  EXPECT_EQ(report_blocks(packets[1]), 0u);
  EXPECT_EQ(packets[2].type, RtcpType::bye);
}

// As tshark 4.0 reads them: receiver report of 0x01020304 on 0x12345678, fraction 64/256, cumulative -2;
// generic NACK of 65535 and the 1st and 16th behind it, and of 7 alone.
const Octets kReport = from_hex("81c90007 01020304 12345678 40fffffe 00010005 00000011 50734a14 00010000");
const Octets kNack = from_hex("81cd0004 01020304 12345678 ffff8001 00070000");

TEST(WireRtcp, reports_and_nacks_are_built_as_other_tools_read_them) {
  uint8_t out[64];
  const ReportBlock block{0x12345678, 64, -2, 0x10005, 17, 0x50734a14, 0x10000};
  ASSERT_EQ(build_receiver_report(out, 0x01020304, {&block, 1}), kReport.size());
  EXPECT_EQ(Octets(out, out + kReport.size()), kReport);
  const NackEntry entries[] = {{65535, 0x8001}, {7, 0}};
  ASSERT_EQ(build_nack(out, 0x01020304, 0x12345678, entries), kNack.size());
  EXPECT_EQ(Octets(out, out + kNack.size()), kNack);
}

TEST(WireRtcp, whatever_is_built_is_read_back) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 500; ++round) {
    Octets bytes(2000);
    uint8_t* at = bytes.data();
    const auto word = [&] { return static_cast<uint32_t>(random()); };
    const SenderInfo info{random(), word(), word(), word()};
    at += build_sender_report(at, 1, info);
    std::vector<ReportBlock> blocks(random() % 32);
    for (ReportBlock& block : blocks) {
      block = {word(),
               static_cast<uint8_t>(random()),
               static_cast<int32_t>(random() % (1 << 24)) - (1 << 23),
               word(),
               word(),
               word(),
               word()};
    }
    at += build_receiver_report(at, 2, blocks);
    const std::string cname(random() % 256, 'c');
    const size_t sdes = build_cname(at, 3, cname);
    EXPECT_EQ(sdes, cname_bytes(cname.size()));
    at += sdes;
    std::vector<NackEntry> entries(1 + random() % 60);
    for (NackEntry& entry : entries)
      entry = {static_cast<uint16_t>(random()), static_cast<uint16_t>(random())};
    at += build_nack(at, 4, 5, entries);
    bytes.resize(static_cast<size_t>(at - bytes.data()));
    ASSERT_EQ(check(bytes), "taken");
    const auto packets = packets_of(bytes);
    ASSERT_EQ(packets.size(), 4u);
    EXPECT_EQ(sender_info(packets[0]).ntp, info.ntp);
    EXPECT_EQ(sender_info(packets[0]).octets, info.octets);
    ASSERT_EQ(report_blocks(packets[1]), blocks.size());
    for (size_t i = 0; i < blocks.size(); ++i) {
      const ReportBlock read = report_block(packets[1], i);
      EXPECT_EQ(read.ssrc, blocks[i].ssrc);
      EXPECT_EQ(read.fraction_lost, blocks[i].fraction_lost);
      EXPECT_EQ(read.packets_lost, blocks[i].packets_lost);
      EXPECT_EQ(read.highest_sequence, blocks[i].highest_sequence);
      EXPECT_EQ(read.jitter, blocks[i].jitter);
      EXPECT_EQ(read.last_sender_report, blocks[i].last_sender_report);
      EXPECT_EQ(read.delay_since, blocks[i].delay_since);
    }
    ASSERT_TRUE(is_nack(packets[3]));
    EXPECT_FALSE(is_nack(packets[1]));
    EXPECT_EQ(nack_media_ssrc(packets[3]), 5u);
    ASSERT_EQ(nack_entries(packets[3]), entries.size());
    for (size_t i = 0; i < entries.size(); ++i) {
      EXPECT_EQ(nack_entry(packets[3], i).packet, entries[i].packet);
      EXPECT_EQ(nack_entry(packets[3], i).following, entries[i].following);
    }
  }
}

TEST(WireRtcp, feedback_alone_and_padding_at_the_end_are_taken) {
  EXPECT_EQ(check(kNack), "taken") << "RFC 5506";
  EXPECT_EQ(check(from_hex("a1cd0005 01020304 12345678 ffff8001 00070000 00000004")), "taken");
  Octets padded = kGStreamer;
  const Octets last = from_hex("a0c90002 01020304 00000004");
  padded.insert(padded.end(), last.begin(), last.end());
  ASSERT_EQ(check(padded), "taken");
  EXPECT_TRUE(packets_of(padded).back().body.empty());
  EXPECT_EQ(check(from_hex("80c90001 01020304 81cc0003 01020304 6e616d65 00000000")), "taken") << "APP";
}

TEST(WireRtcp, each_check_refuses_what_it_is_for) {
  EXPECT_EQ(check({}), "bad_rtcp");
  EXPECT_EQ(check(from_hex("80c9")), "bad_rtcp");
  EXPECT_EQ(check(from_hex("40c90001 01020304")), "bad_rtcp") << "version";
  EXPECT_EQ(check(from_hex("80c90002 01020304")), "bad_rtcp") << "length past the datagram";
  EXPECT_EQ(check(from_hex("80c90001 01020304 80")), "bad_rtcp") << "left over";
  EXPECT_EQ(check(from_hex("80c90000")), "bad_rtcp") << "no SSRC";
  EXPECT_EQ(check(from_hex("81c90001 01020304")), "bad_rtcp") << "a block that is not there";
  EXPECT_EQ(check(from_hex("80c80001 01020304")), "bad_rtcp") << "no sender information";
  EXPECT_EQ(check(from_hex("81cb0001 01020304")), "bad_rtcp") << "BYE first";
  EXPECT_EQ(check(from_hex("81cd0002 01020304 12345678")), "bad_rtcp") << "a NACK of nothing";
  EXPECT_EQ(check(from_hex("a0c90001 01020304 80c90001 01020304")), "bad_rtcp") << "padding in the middle";
  EXPECT_EQ(check(from_hex("a0c90001 01020300")), "bad_rtcp") << "padding of nothing";
  EXPECT_EQ(check(from_hex("a0c90001 01020303")), "bad_rtcp") << "padding of part of a word";
  EXPECT_EQ(check(from_hex("a0c90001 01020308")), "bad_rtcp") << "padding past the beginning";
  EXPECT_EQ(check(from_hex("a0c90001 01020304")), "bad_rtcp") << "padding where the SSRC is";
}

TEST(WireRtcp, hostile_bytes_are_refused_or_read_inside_their_end) {
  std::mt19937_64 random(12);
  uint64_t taken = 0;
  for (int round = 0; round < 50'000; ++round) {
    Octets bytes =
        round % 3 == 0 ? random_octets(random, random() % 64) : (round % 3 == 1 ? kGStreamer : kNack);
    for (uint64_t n = random() % 4; n > 0 && !bytes.empty(); --n)
      bytes[random() % bytes.size()] = static_cast<uint8_t>(random());
    const Exact exact(bytes);
    if (check_rtcp(exact)) continue;
    ++taken;
    for (const RtcpPacket& packet : packets_of(exact)) {
      if (packet.type == RtcpType::sender_report) sender_info(packet);
      for (size_t i = 0; i < report_blocks(packet); ++i) report_block(packet, i);
      for (size_t i = 0; is_nack(packet) && i < nack_entries(packet); ++i) nack_entry(packet, i);
    }
  }
  EXPECT_GT(taken, 1000u);
}

}  // namespace
}  // namespace onpath
