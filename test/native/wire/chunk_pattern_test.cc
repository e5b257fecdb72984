// A pattern tells only packets that the parsers take and read in the same way, whatever bytes are changed;
// and it tells every packet of a sample that is like the one it was learnt from.
#include "wire/chunk_pattern.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "support/random.h"
#include "wire/chunk.h"
#include "wire/frame.h"
#include "wire/rtp.h"

namespace onpath::testing {
namespace {

using Bytes = std::vector<uint8_t>;

/// What decides where a packet goes, and what it brings.
struct Reading {
  Datagram datagram;
  RtpPacket rtp;
  ChunkHeader chunk;
  std::span<const uint8_t> bytes;
};

std::optional<Reading> read(std::span<const uint8_t> frame, FrameChecks checks) {
  Reading reading;
  if (parse_frame(frame, checks, reading.datagram) || parse_rtp(reading.datagram.payload, reading.rtp) ||
      parse_chunk(reading.rtp.payload, reading.chunk, reading.bytes))
    return std::nullopt;
  return reading;
}

void expect_same_flow(const Reading& a, const Reading& b) {
  EXPECT_EQ(a.datagram.source, b.datagram.source);
  EXPECT_EQ(a.datagram.destination, b.datagram.destination);
  EXPECT_EQ(a.rtp.payload_type, b.rtp.payload_type);
  EXPECT_EQ(a.rtp.timestamp, b.rtp.timestamp);
  EXPECT_EQ(a.rtp.ssrc, b.rtp.ssrc);
  EXPECT_EQ(a.chunk.rank, b.chunk.rank);
  EXPECT_EQ(a.chunk.output, b.chunk.output);
  EXPECT_EQ(a.chunk.digest, b.chunk.digest);
  EXPECT_EQ(a.chunk.request_id, b.chunk.request_id);
  EXPECT_EQ(a.chunk.length, b.chunk.length);
  EXPECT_TRUE(std::equal(a.chunk.dims, a.chunk.dims + kMaxRank, b.chunk.dims));
}

/// Of one sample; what may differ between its packets is random.
struct Sample {
  uint32_t ssrc, timestamp;
  uint64_t request_id;
  uint8_t rank, payload_type;

  explicit Sample(Random& random)
      : ssrc(random.next()),
        timestamp(random.next()),
        request_id(random.next()),
        rank(static_cast<uint8_t>(random.one_in(3) ? 0 : 2 + random.below(2))),
        payload_type(static_cast<uint8_t>(random.one_in(8) ? 64 + random.below(32) : 96)) {}

  Bytes frame(Random& random, size_t bytes) const {
    RtpPacket rtp;
    rtp.payload_type = payload_type;
    rtp.marker = payload_type == 96 && random.one_in(2);
    rtp.sequence = static_cast<uint16_t>(random.next());
    rtp.timestamp = timestamp;
    rtp.ssrc = ssrc;
    ChunkHeader chunk;
    chunk.rank = rank;
    for (uint32_t i = 0; i < rank; ++i) chunk.dims[i] = 7 + i;
    chunk.digest = 0x01020304;
    chunk.sequence_high = static_cast<uint16_t>(random.next());
    chunk.length = 1000;
    chunk.request_id = request_id;
    chunk.offset = random.below(static_cast<uint32_t>(1001 - bytes));
    const size_t payload = kRtpHeaderBytes + chunk.bytes() + bytes;
    Bytes frame = random.noise(udp_headers_bytes(true) + payload);
    build_rtp(frame.data() + 42, rtp);
    build_chunk(frame.data() + 42 + kRtpHeaderBytes, chunk);
    FrameOptions options;
    options.hop_limit = random.byte();
    const Endpoint from{IpAddress::v4(0x0a000002), 1234}, to{IpAddress::v4(0x0a000001), 5004};
    build_frame(frame.data(), {}, {}, from, to, payload, static_cast<uint16_t>(random.next()), options);
    if (random.one_in(2)) frame[40] = frame[41] = 0;
    if (random.one_in(4)) frame.resize(frame.size() + random.below(20));  // Ethernet padding
    return frame;
  }
};

/// The checksum of the IPv4 header is made right again, so that what was changed is what is judged.
void mend(Bytes& frame) {
  frame[24] = frame[25] = 0;
  const uint16_t sum = checksum_fold(checksum_add({frame.data() + 14, 20}));
  frame[24] = static_cast<uint8_t>(sum >> 8);
  frame[25] = static_cast<uint8_t>(sum);
}

class Pattern {
 public:
  bool learn(const Bytes& frame) { return pattern_.learn(frame.data()); }
  /// As the caller of tells() does; `frame` is copied to where a read behind it is seen.
  bool tells(const Bytes& frame, FrameChecks checks, uint64_t& offset, Bytes& bytes) const {
    const Bytes exact(frame);
    std::span<const uint8_t> found;
    if (exact.size() < ChunkPattern::kLeastBytes || !pattern_.tells(exact, checks, offset, found))
      return false;
    bytes.assign(found.begin(), found.end());
    return true;
  }

 private:
  ChunkPattern pattern_;
};

TEST(ChunkPattern, TellsEveryPacketOfASample) {
  Random random(test_seed());
  for (int round = 0; round < 2000; ++round) {
    const Sample sample(random);
    Pattern pattern;
    if (!pattern.learn(sample.frame(random, 100))) {
      EXPECT_GE(sample.payload_type, 64);
      EXPECT_LT(sample.payload_type, 96);
      continue;
    }
    for (int i = 0; i < 10; ++i) {
      const Bytes frame = sample.frame(random, 30 + random.below(400));
      const auto reading = read(frame, {});
      ASSERT_TRUE(reading);
      uint64_t offset = 0;
      Bytes bytes;
      ASSERT_TRUE(pattern.tells(frame, {}, offset, bytes));
      EXPECT_EQ(offset, reading->chunk.offset);
      EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), reading->bytes.begin(), reading->bytes.end()));
    }
  }
}

TEST(ChunkPattern, TellsNothingThatTheParsersWouldNotReadAlike) {
  Random random(test_seed() + 1);
  uint32_t told = 0;
  for (int round = 0; round < 4000; ++round) {
    const Sample sample(random), other(random);
    const Bytes first = sample.frame(random, 60);
    const auto learnt = read(first, {});
    ASSERT_TRUE(learnt);
    Pattern pattern;
    if (!pattern.learn(first)) continue;
    for (int i = 0; i < 60; ++i) {
      Bytes frame = (random.one_in(8) ? other : sample).frame(random, 30 + random.below(60));
      for (uint32_t damage = random.below(3); damage > 0; --damage)
        frame[random.below(110)] ^=
            static_cast<uint8_t>(random.one_in(2) ? 1u << random.below(8) : random.byte());
      if (random.one_in(2)) mend(frame);
      if (random.one_in(16)) frame.resize(random.below(static_cast<uint32_t>(frame.size()) + 1));
      const FrameChecks checks{random.one_in(2), random.one_in(2)};
      uint64_t offset = 0;
      Bytes bytes;
      if (!pattern.tells(frame, checks, offset, bytes)) continue;
      ++told;
      auto reading = read(frame, checks);
      if (!reading) {
        // The one refusal that is left to whoever takes the chunk: it does not lie inside the sample.
        EXPECT_TRUE(offset > 1000 || bytes.size() > 1000 - offset);
        continue;
      }
      expect_same_flow(*learnt, *reading);
      EXPECT_EQ(offset, reading->chunk.offset);
      EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), reading->bytes.begin(), reading->bytes.end()));
    }
    if (HasFailure()) return;
  }
  EXPECT_GT(told, 40000u);
}

TEST(ChunkPattern, TellsNothingBeforeItHasLearnt) {
  const Pattern pattern;
  uint64_t offset = 0;
  Bytes bytes;
  EXPECT_FALSE(pattern.tells(Bytes(200, 0), {false, false}, offset, bytes));
  Random random(1);
  EXPECT_FALSE(pattern.tells(Sample(random).frame(random, 100), {}, offset, bytes));
}

}  // namespace
}  // namespace onpath::testing
