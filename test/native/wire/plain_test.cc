// What is read straight through is read as the general parsers read it, whatever comes: the short ways may
// refuse a packet, never take one otherwise.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "support/random.h"
#include "wire/chunk.h"
#include "wire/plain_datagram.h"
#include "wire/rtp.h"

namespace onpath::testing {
namespace {

using Bytes = std::vector<uint8_t>;

constexpr uint32_t kDims[3] = {4, 5, 3};
constexpr uint64_t kSampleBytes = 60;
constexpr uint32_t kDigest = 0x01020304;

/// A good frame: RTP, a chunk with dimensions or without, now and then padding behind it.
Bytes good_frame(Random& random) {
  ChunkHeader chunk;
  chunk.rank = static_cast<uint8_t>(random.one_in(2) ? 0 : 2 + random.below(2));
  std::copy_n(kDims, chunk.rank, chunk.dims);
  chunk.digest = kDigest;
  chunk.length = kSampleBytes;
  chunk.request_id = random.below(1000);
  chunk.offset = random.below(30);
  RtpPacket rtp;
  rtp.payload_type = 96;
  rtp.marker = random.one_in(2);
  rtp.timestamp = random.below(1u << 30);
  rtp.ssrc = random.below(1u << 30);
  const size_t payload = kRtpHeaderBytes + chunk.bytes() + 1 + random.below(30);
  Bytes frame(udp_headers_bytes(true) + payload);
  build_rtp(frame.data() + udp_headers_bytes(true), rtp);
  build_chunk(frame.data() + udp_headers_bytes(true) + kRtpHeaderBytes, chunk);
  const Endpoint from{IpAddress::v4(random.below(1u << 30)), 1234}, to{IpAddress::v4(0x0a000001), 5004};
  build_frame(frame.data(), {2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}, from, to, payload, 7);
  if (random.one_in(2)) frame[40] = frame[41] = 0;  // no UDP checksum
  if (random.one_in(4)) frame.resize(frame.size() + 20);
  return frame;
}

TEST(PlainPackets, AreReadAsTheGeneralParsersReadThem) {
  Random random(test_seed());
  uint32_t plain_datagrams = 0, plain_rtp = 0, matches = 0;
  const ExpectedChunk expected(kDigest, kSampleBytes, kDims);
  for (int i = 0; i < 300'000; ++i) {
    Bytes frame = good_frame(random);
    for (uint32_t damage = random.below(3); damage > 0; --damage)
      frame[random.below(static_cast<uint32_t>(frame.size()))] ^= static_cast<uint8_t>(1u << random.below(8));
    if (random.one_in(8)) frame.resize(random.below(static_cast<uint32_t>(frame.size()) + 1));
    const Bytes exact(frame);  // AddressSanitizer sees a read behind it
    const FrameChecks checks{random.one_in(2), random.one_in(2)};

    Datagram quick, slow;
    const auto reason = parse_frame(exact, checks, slow);
    if (parse_plain_datagram(exact, checks, quick)) {
      ++plain_datagrams;
      ASSERT_FALSE(reason);
      ASSERT_EQ(quick.source, slow.source);
      ASSERT_EQ(quick.destination, slow.destination);
      ASSERT_EQ(quick.payload.data(), slow.payload.data());
      ASSERT_EQ(quick.payload.size(), slow.payload.size());
    }
    if (reason) continue;

    RtpPacket quick_rtp, slow_rtp;
    const auto rtp_reason = parse_rtp(slow.payload, slow_rtp);
    if (parse_plain_rtp(slow.payload, quick_rtp)) {
      ++plain_rtp;
      ASSERT_FALSE(rtp_reason);
      ASSERT_EQ(quick_rtp.marker, slow_rtp.marker);
      ASSERT_EQ(quick_rtp.payload_type, slow_rtp.payload_type);
      ASSERT_EQ(quick_rtp.sequence, slow_rtp.sequence);
      ASSERT_EQ(quick_rtp.timestamp, slow_rtp.timestamp);
      ASSERT_EQ(quick_rtp.ssrc, slow_rtp.ssrc);
      ASSERT_EQ(quick_rtp.payload.data(), slow_rtp.payload.data());
      ASSERT_EQ(quick_rtp.payload.size(), slow_rtp.payload.size());
    }
    if (rtp_reason) continue;

    ChunkHeader chunk;
    ChunkPlace place;
    std::span<const uint8_t> quick_bytes, slow_bytes;
    const auto chunk_reason = parse_chunk(slow_rtp.payload, chunk, slow_bytes);
    if (expected.matches(slow_rtp.payload, place, quick_bytes)) {
      ++matches;
      ASSERT_FALSE(chunk_reason);
      ASSERT_EQ(chunk.digest, kDigest);
      ASSERT_EQ(chunk.output, 0);
      ASSERT_EQ(chunk.length, kSampleBytes);
      ASSERT_TRUE(chunk.rank == 0 || chunk.rank == 2 || chunk.rank == 3);
      ASSERT_TRUE(std::equal(chunk.dims, chunk.dims + chunk.rank, kDims));
      ASSERT_EQ(place.offset, chunk.offset);
      ASSERT_EQ(place.request_id, chunk.request_id);
      ASSERT_EQ(quick_bytes.data(), slow_bytes.data());
      ASSERT_EQ(quick_bytes.size(), slow_bytes.size());
      ASSERT_LE(place.offset + quick_bytes.size(), kSampleBytes);
    }
  }
  // The short ways are taken: most good packets are plain.
  EXPECT_GT(plain_datagrams, 80'000u);
  EXPECT_GT(plain_rtp, 100'000u);
  EXPECT_GT(matches, 50'000u);
}

}  // namespace
}  // namespace onpath::testing
