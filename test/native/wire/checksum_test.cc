// The Internet checksum against its definition, word by word.
#include <gtest/gtest.h>

#include "wire/wire_testing.h"

namespace onpath {
namespace {

using namespace wire_testing;

TEST(WireChecksum, equals_the_definition_at_every_length_and_alignment) {
  std::mt19937_64 random(1);
  const Octets bytes = random_octets(random, 400);
  for (size_t begin = 0; begin < 9; ++begin) {
    for (size_t length = 0; begin + length <= bytes.size(); ++length) {
      const std::span<const uint8_t> part = std::span(bytes).subspan(begin, length);
      ASSERT_EQ(checksum_fold(checksum_add(part)), reference_checksum(part)) << begin << " " << length;
    }
  }
}

TEST(WireChecksum, carries_are_kept_where_every_word_is_all_ones) {
  for (size_t length : {2u, 7u, 8u, 31u, 32u, 33u, 64u, 1500u, 65535u}) {
    const Octets ones(length, 0xff);
    EXPECT_EQ(checksum_fold(checksum_add(ones)), reference_checksum(ones)) << length;
  }
}

TEST(WireChecksum, the_numbers_of_RFC_1071_section_3) {
  const Octets bytes = from_hex("0001 f203 f4f5 f6f7");
  EXPECT_EQ(checksum_fold(checksum_add(bytes)), static_cast<uint16_t>(~0xddf2));
}

TEST(WireChecksum, parts_of_even_length_add_up_to_the_whole) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 500; ++round) {
    const Octets bytes = random_octets(random, random() % 2000);
    const std::span<const uint8_t> whole = bytes;
    const size_t cut = random() % (bytes.size() / 2 + 1) * 2;
    const uint64_t sum = checksum_add(whole.subspan(cut), checksum_add(whole.first(cut)));
    ASSERT_EQ(checksum_fold(sum), reference_checksum(whole));
  }
}

TEST(WireChecksum, a_host_order_number_adds_like_the_same_word_on_the_wire) {
  const Octets word = from_hex("1234");
  EXPECT_EQ(checksum_fold(0x1234), checksum_fold(checksum_add(word)));
}

}  // namespace
}  // namespace onpath
