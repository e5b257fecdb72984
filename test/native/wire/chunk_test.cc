// The onpath chunk header: round trips, a golden packet, and the one minimal mutation behind each drop
// reason.
#include "wire/chunk.h"

#include <gtest/gtest.h>

#include "base/sha256.h"
#include "wire/rtp.h"
#include "wire/wire_testing.h"

namespace onpath {
namespace {

using namespace wire_testing;

// The example of docs/wire-format.md: pixels 0 and 1 of a 2x2 RGB image in the first packet of two.
const Octets kExample = from_hex(
    "80 61 0001 00000384 47435431"
    "13 00 0000 952455b0 000000000000002a 0000000000000000 000000000000000c"
    "00000002 00000002 00000003 ff0000 00ff00");

std::string parse(const Octets& payload) {
  ChunkHeader header;
  std::span<const uint8_t> bytes;
  const Exact exact(payload);
  return outcome(parse_chunk(exact, header, bytes));
}

Octets example_payload() { return {kExample.begin() + kRtpHeaderBytes, kExample.end()}; }

std::string with(size_t at, std::string_view bytes) {
  Octets payload = example_payload();
  const Octets patch = from_hex(bytes);
  std::copy(patch.begin(), patch.end(), payload.begin() + static_cast<ptrdiff_t>(at));
  return parse(payload);
}

TEST(WireChunk, the_example_of_the_documentation_is_read_and_written_bit_for_bit) {
  RtpPacket packet;
  ASSERT_EQ(outcome(parse_rtp(kExample, packet)), "taken");
  ChunkHeader header;
  std::span<const uint8_t> bytes;
  ASSERT_EQ(outcome(parse_chunk(packet.payload, header, bytes)), "taken");
  EXPECT_EQ(header.rank, 3);
  EXPECT_EQ(header.output, 0);
  EXPECT_EQ(header.sequence_high, 0);
  EXPECT_EQ(header.digest, 0x952455b0u);
  EXPECT_EQ(header.request_id, 42u);
  EXPECT_EQ(header.offset, 0u);
  EXPECT_EQ(header.length, 12u);
  EXPECT_EQ(header.dims[0], 2u);
  EXPECT_EQ(header.dims[1], 2u);
  EXPECT_EQ(header.dims[2], 3u);
  EXPECT_EQ(Octets(bytes.begin(), bytes.end()), from_hex("ff0000 00ff00"));

  Octets built(kRtpHeaderBytes + header.bytes());
  build_rtp(built.data(), packet);
  build_chunk(built.data() + kRtpHeaderBytes, header);
  built.insert(built.end(), bytes.begin(), bytes.end());
  EXPECT_EQ(built, kExample);
}

TEST(WireChunk, the_digest_is_the_first_four_bytes_of_the_hash_of_the_canonical_text) {
  const std::string_view text = "onpath-sample/1 dtype=uint8 channels=rgb order=row-major";
  const Hash hash = sha256({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  EXPECT_EQ(load_be32(hash.data()), 0x952455b0u);
}

TEST(WireChunk, whatever_is_built_parses_to_the_same_fields) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 2000; ++round) {
    ChunkHeader built;
    built.rank = static_cast<uint8_t>(random() % (kMaxRank + 1));
    built.output = static_cast<uint8_t>(random());
    built.sequence_high = static_cast<uint16_t>(random());
    built.digest = static_cast<uint32_t>(random());
    built.request_id = random();
    built.offset = random() >> 1;
    const Octets data = random_octets(random, 1 + random() % 100);
    built.length = random() % 2 == 0 ? 0 : built.offset + data.size() + random() % 3;
    for (size_t i = 0; i < built.rank; ++i) built.dims[i] = static_cast<uint32_t>(random());
    Octets payload(built.bytes());
    build_chunk(payload.data(), built);
    payload.insert(payload.end(), data.begin(), data.end());

    ChunkHeader header;
    std::fill(std::begin(header.dims), std::end(header.dims), 0xffffffff);
    std::span<const uint8_t> bytes;
    const Exact exact(payload);
    ASSERT_EQ(outcome(parse_chunk(exact, header, bytes)), "taken");
    ASSERT_EQ(header.rank, built.rank);
    ASSERT_EQ(header.output, built.output);
    ASSERT_EQ(header.sequence_high, built.sequence_high);
    ASSERT_EQ(header.digest, built.digest);
    ASSERT_EQ(header.request_id, built.request_id);
    ASSERT_EQ(header.offset, built.offset);
    ASSERT_EQ(header.length, built.length);
    ASSERT_TRUE(std::equal(std::begin(built.dims), std::end(built.dims), std::begin(header.dims)));
    ASSERT_EQ(Octets(bytes.begin(), bytes.end()), data);
  }
}

TEST(WireChunk, every_drop_reason_is_one_mutation_away) {
  EXPECT_EQ(with(0, "03"), "bad_payload_header");           // version 0
  EXPECT_EQ(with(0, "23"), "bad_payload_header");           // version 2
  EXPECT_EQ(with(0, "1f"), "bad_payload_header");           // 15 dimensions in 50 bytes
  EXPECT_EQ(with(16, "0000000000000007"), "out_of_range");  // 7 + 6 > 12
  EXPECT_EQ(with(16, "0000000000000006"), "taken");         // 6 + 6 = 12
  EXPECT_EQ(with(24, "0000000000000005"), "out_of_range");
  EXPECT_EQ(with(24, "0000000000000000"), "taken");                          // length not known yet
  EXPECT_EQ(with(16, "fffffffffffffffa 0000000000000000"), "out_of_range");  // the end is 2^64
  EXPECT_EQ(with(16, "fffffffffffffff9 0000000000000000"), "taken");         // the end is 2^64 - 1
  EXPECT_EQ(with(16, "ffffffffffffffff ffffffffffffffff"), "out_of_range");  // must not wrap around to 5
  EXPECT_EQ(parse({}), "empty");
  Octets header_only = example_payload();
  header_only.resize(44);
  EXPECT_EQ(parse(header_only), "empty");
}

TEST(WireChunk, cut_at_any_byte_nothing_past_the_cut_is_read) {
  const Octets payload = example_payload();
  for (size_t length = 1; length < payload.size(); ++length) {
    const std::string result =
        parse(Octets(payload.begin(), payload.begin() + static_cast<ptrdiff_t>(length)));
    EXPECT_EQ(result, length < 44 ? "bad_payload_header" : length == 44 ? "empty" : "taken") << length;
  }
}

}  // namespace
}  // namespace onpath
