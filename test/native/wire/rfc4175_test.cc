// RFC 4175 payloads: packets of other tools, round trips, and the one minimal mutation behind each drop
// reason.
#include "wire/rfc4175.h"

#include <gtest/gtest.h>

#include "base/sha256.h"
#include "wire/rtp.h"
#include "wire/wire_testing.h"

namespace onpath {
namespace {

using namespace wire_testing;

struct CapturedFrame {
  const char* name;
  VideoGeometry geometry;
  const char* sha256;  // of the frame
  std::vector<const char*> packets;
};

const CapturedFrame kCaptured[] = {
#include "wire/captured_packets.inc"
};

constexpr VideoGeometry kRgb{4, 3, 3, 1};   // 12 bytes per line
constexpr VideoGeometry kUyvy{5, 3, 4, 2};  // odd width: 3 groups of 2 pixels, 12 bytes per line

std::string parse(const Octets& payload, const VideoGeometry& geometry = kRgb) {
  VideoPayload video;
  const Exact exact(payload);
  return outcome(parse_rfc4175(exact, geometry, video));
}

std::string parse(std::string_view hex, const VideoGeometry& geometry = kRgb) {
  return parse(from_hex(hex), geometry);
}

/// Places the segments of a payload in the frame; returns the outcome.
std::string place(std::span<const uint8_t> payload, const VideoGeometry& geometry, Octets& frame) {
  VideoPayload video;
  const std::string result = outcome(parse_rfc4175(payload, geometry, video));
  if (result != "taken") return result;
  for (uint32_t i = 0; i < video.count; ++i) {
    const VideoSegment& segment = video.segments[i];
    EXPECT_TRUE(lies_inside(segment.bytes, payload));
    EXPECT_LE(segment.offset + segment.bytes.size(), frame.size());
    std::copy(segment.bytes.begin(), segment.bytes.end(),
              frame.begin() + static_cast<ptrdiff_t>(segment.offset));
  }
  return result;
}

TEST(WireRfc4175, frames_of_GStreamer_and_FFmpeg_come_together_bit_for_bit) {
  for (const CapturedFrame& captured : kCaptured) {
    Octets frame(captured.geometry.frame_bytes());
    for (size_t i = 0; i < captured.packets.size(); ++i) {
      RtpPacket packet;
      const Octets datagram = from_hex(captured.packets[i]);
      ASSERT_EQ(outcome(parse_rtp(datagram, packet)), "taken") << captured.name;
      EXPECT_EQ(packet.marker, i + 1 == captured.packets.size()) << captured.name;
      ASSERT_EQ(place(packet.payload, captured.geometry, frame), "taken") << captured.name;
    }
    EXPECT_EQ(hash_hex(sha256(frame)), captured.sha256) << captured.name;
  }
}

TEST(WireRfc4175, packets_cut_like_those_of_GStreamer_are_built_bit_for_bit) {
  for (const CapturedFrame& captured : kCaptured) {
    Octets frame(captured.geometry.frame_bytes());
    std::vector<Octets> payloads;
    size_t capacity = 0;
    for (const char* text : captured.packets) {
      const Octets datagram = from_hex(text);
      payloads.emplace_back(datagram.begin() + kRtpHeaderBytes, datagram.end());
      capacity = std::max(capacity, payloads.back().size());
      place(payloads.back(), captured.geometry, frame);
    }
    uint64_t offset = 0;
    for (const Octets& expected : payloads) {
      Octets built(capacity);
      built.resize(build_rfc4175(frame, captured.geometry, 0, offset, built.data(), capacity));
      // Where 6 bytes of header and less than one group more would fit, both tools end the packet; so do we.
      EXPECT_EQ(built, expected) << captured.name;
    }
    EXPECT_EQ(offset, frame.size()) << captured.name;
  }
}

TEST(WireRfc4175, a_frame_cut_to_any_capacity_comes_together_again_bit_for_bit) {
  std::mt19937_64 random(6);
  const VideoGeometry samplings[] = {{0, 0, 3, 1}, {0, 0, 4, 1}, {0, 0, 4, 2}, {0, 0, 5, 2}};
  for (int round = 0; round < 600; ++round) {
    VideoGeometry geometry = samplings[random() % 4];
    geometry.width = static_cast<uint32_t>(1 + random() % 60);
    geometry.height = static_cast<uint32_t>(1 + random() % 40);
    const Octets frame = random_octets(random, geometry.frame_bytes());
    Octets received(frame.size());
    uint64_t offset = 0;
    while (offset < frame.size()) {
      const size_t capacity = 8 + geometry.group_bytes + random() % 1000;
      const uint64_t begin = offset;
      Octets payload(capacity);
      const size_t size = build_rfc4175(frame, geometry, 7, offset, payload.data(), capacity);
      ASSERT_GT(size, 0u);
      ASSERT_LE(size, capacity);
      ASSERT_GT(offset, begin);
      payload.resize(size);
      const Exact exact(payload);
      ASSERT_EQ(place(exact, geometry, received), "taken");
      VideoPayload video;
      parse_rfc4175(exact, geometry, video);
      ASSERT_EQ(video.sequence_high, 7);
      ASSERT_EQ(video.count, 1u) << "a run of the frame is one segment";
      ASSERT_EQ(video.segments[0].offset, begin);
      ASSERT_EQ(video.segments[0].bytes.size(), offset - begin);
    }
    ASSERT_EQ(received, frame);
  }
}

TEST(WireRfc4175, lines_longer_than_the_length_field_are_split_under_two_headers) {
  const VideoGeometry wide{32768, 2, 4, 1};
  std::mt19937_64 random(7);
  const Octets frame = random_octets(random, wide.frame_bytes());
  Octets payload(300000), received(frame.size());
  uint64_t offset = 0;
  payload.resize(build_rfc4175(frame, wide, 0, offset, payload.data(), payload.size()));
  EXPECT_EQ(offset, frame.size());
  EXPECT_EQ(payload.size(), 2 + 6 * 6 + frame.size());
  EXPECT_EQ(place(payload, wide, received), "taken");
  EXPECT_EQ(received, frame);
}

TEST(WireRfc4175, nothing_is_built_where_nothing_fits_or_the_fields_cannot_say_it) {
  const Octets frame(36);
  Octets payload(100);
  uint64_t offset = 0;
  for (size_t capacity = 0; capacity < 11; ++capacity) {
    EXPECT_EQ(build_rfc4175(frame, kRgb, 0, offset, payload.data(), capacity), 0u) << capacity;
  }
  EXPECT_EQ(build_rfc4175(frame, kRgb, 0, offset, payload.data(), 11), 11u);
  EXPECT_EQ(offset, 3u);
  for (uint64_t bad : {uint64_t{1}, uint64_t{36}, UINT64_MAX}) {
    EXPECT_EQ(build_rfc4175(frame, kRgb, 0, bad, payload.data(), 100), 0u);
  }
  offset = 0;
  EXPECT_EQ(build_rfc4175(std::span(frame).first(35), kRgb, 0, offset, payload.data(), 100), 0u);
  const Octets tall(size_t{32769} * 3);
  EXPECT_EQ(build_rfc4175(tall, {1, 32769, 3, 1}, 0, offset, payload.data(), 100), 0u);
  EXPECT_EQ(build_rfc4175(tall, {32769, 1, 3, 1}, 0, offset, payload.data(), 100), 0u);
}

TEST(WireRfc4175, any_number_of_line_headers_is_taken_as_long_as_they_make_few_runs) {
  const VideoGeometry narrow{2, 200, 3, 1};
  std::mt19937_64 random(8);
  const Octets frame = random_octets(random, narrow.frame_bytes());
  Octets payload(4000), received(frame.size());
  uint64_t offset = 0;
  payload.resize(build_rfc4175(frame, narrow, 0, offset, payload.data(), payload.size()));
  EXPECT_EQ(payload.size(), 2u + 200 * 6 + 1200);
  EXPECT_EQ(place(payload, narrow, received), "taken");
  EXPECT_EQ(received, frame);

  for (size_t runs :
       {kMaxVideoSegments, kMaxVideoSegments + 1}) {  // pixel 0 of every line: no two are neighbours
    Octets scattered(2 + runs * 9);
    for (size_t i = 0; i < runs; ++i) {
      store_be16(&scattered[2 + i * 6], 3);
      store_be16(&scattered[4 + i * 6], static_cast<uint16_t>(i));
      store_be16(&scattered[6 + i * 6], i + 1 < runs ? 0x8000 : 0);
    }
    EXPECT_EQ(parse(scattered, narrow), runs == kMaxVideoSegments ? "taken" : "bad_payload_header");
  }
}

TEST(WireRfc4175, headers_out_of_frame_order_stay_separate_segments) {
  VideoPayload video;
  const Octets payload = from_hex("0005 0003 0001 8000 0003 0000 8001 0003 0000 0002 aaaaaa bbbbbb cccccc");
  ASSERT_EQ(outcome(parse_rfc4175(payload, kRgb, video)), "taken");
  EXPECT_EQ(video.sequence_high, 5);
  ASSERT_EQ(video.count, 2u);
  EXPECT_EQ(video.segments[0].offset, 12u);
  EXPECT_EQ(video.segments[1].offset, 3u);
  EXPECT_EQ(Octets(video.segments[1].bytes.begin(), video.segments[1].bytes.end()),
            from_hex("bbbbbb cccccc"));
}

TEST(WireRfc4175, every_drop_reason_is_one_mutation_away) {
  EXPECT_EQ(parse("0000 0003 0002 0003 aabbcc"), "taken");
  EXPECT_EQ(parse("0000 0003 8002 0003 aabbcc"), "interlaced");
  EXPECT_EQ(parse("0000 0003 0003 0003 aabbcc"), "out_of_range");        // line 3 of 3
  EXPECT_EQ(parse("0000 0003 0002 0004 aabbcc"), "out_of_range");        // pixel 4 of 4
  EXPECT_EQ(parse("0000 0006 0002 0003 aabbccddeeff"), "out_of_range");  // past the line's end
  EXPECT_EQ(parse("0000 0004 0002 0000 aabbccdd"), "misaligned");
  EXPECT_EQ(parse("0000 0003 0002 0003 aabb"), "bad_payload_header");      // a byte is missing
  EXPECT_EQ(parse("0000 0003 0002 0003 aabbccdd"), "bad_payload_header");  // a byte is left over
  EXPECT_EQ(parse("0000 0003 0002 8003 aabbcc"), "bad_payload_header");    // another header is promised
  EXPECT_EQ(parse(""), "empty");
  EXPECT_EQ(parse("0000 0000 0002 0003"), "empty");
  EXPECT_EQ(parse("0000 0000 0001 8000 0003 0002 0003 aabbcc"),
            "taken");  // a header of zero bytes is passed over
  EXPECT_EQ(parse("0000 0000 0001 8005 0003 0002 0003 aabbcc"), "out_of_range");  // but not believed
}

TEST(WireRfc4175, pixel_groups_of_two_begin_at_even_pixels_and_an_odd_line_ends_in_a_whole_group) {
  EXPECT_EQ(kUyvy.line_bytes(), 12u);
  EXPECT_EQ(parse("0000 0004 0000 0002 aabbccdd", kUyvy), "taken");
  EXPECT_EQ(parse("0000 0004 0000 0004 aabbccdd", kUyvy), "taken");
  EXPECT_EQ(parse("0000 0004 0000 0001 aabbccdd", kUyvy), "misaligned");
  EXPECT_EQ(parse("0000 0002 0000 0004 aabb", kUyvy), "misaligned");
  EXPECT_EQ(parse("0000 0004 0000 0006 aabbccdd", kUyvy), "out_of_range");
}

TEST(WireRfc4175, cut_at_any_byte_it_is_dropped_and_nothing_past_the_cut_is_read) {
  const Octets payload = from_hex("0005 0003 0001 8000 0003 0000 8001 0003 0000 0002 aaaaaa bbbbbb cccccc");
  for (size_t length = 0; length < payload.size(); ++length) {
    const Octets cut(payload.begin(), payload.begin() + static_cast<ptrdiff_t>(length));
    EXPECT_EQ(parse(cut), length == 0 ? "empty" : "bad_payload_header") << length;
  }
}

}  // namespace
}  // namespace onpath
