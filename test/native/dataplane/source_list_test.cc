// Allow-lists against a model that compares bit by bit.
#include "dataplane/source_list.h"

#include <gtest/gtest.h>

#include "dataplane/plane_testing.h"

namespace onpath::testing {
namespace {

IpAddress address(const std::string& text) { return must(parse_address(text)); }
IpPrefix prefix(const std::string& text) { return must(parse_prefix(text)); }

bool model_allows(const std::vector<IpPrefix>& prefixes, const IpAddress& source) {
  const auto bit = [](const IpAddress& of, unsigned i) { return of.bytes[i / 8] >> (7 - i % 8) & 1; };
  return std::any_of(prefixes.begin(), prefixes.end(), [&](const IpPrefix& prefix) {
    for (unsigned i = 0; i < prefix.bits; ++i) {
      if (bit(prefix.address, i) != bit(source, i)) return false;
    }
    return true;
  });
}

TEST(SourceList, LetsInWhatAnyPrefixContainsAndNothingElse) {
  Random random(test_seed());
  for (int round = 0; round < 300; ++round) {
    // Addresses differ in few bits, so that prefixes contain, overlap and touch each other.
    const auto some_address = [&] {
      IpAddress made = random.one_in(2) ? address("10.0.0.0") : address("2001:db8::");
      made.bytes[15] = static_cast<uint8_t>(random.below(8));
      made.bytes[12] = static_cast<uint8_t>(made.bytes[12] ^ random.below(4));
      if (random.one_in(8)) made.bytes[0] = 0xff;
      return made;
    };
    std::vector<IpPrefix> prefixes;
    for (uint32_t i = 1 + random.below(12); i > 0; --i) {
      const uint32_t bits = random.one_in(10) ? random.below(129) : 92 + random.below(37);
      prefixes.push_back({some_address(), static_cast<uint8_t>(bits)});
    }
    const SourceList list(prefixes);
    for (int i = 0; i < 100; ++i) {
      const IpAddress source = some_address();
      ASSERT_EQ(list.allows(source), model_allows(prefixes, source)) << address_text(source);
    }
    // Both ends of every prefix, and what lies beside them.
    for (const IpPrefix& of : prefixes) {
      for (const bool last : {false, true}) {
        IpAddress edge = of.address;
        for (unsigned bit = of.bits; bit < 128; ++bit) {
          const auto mask = static_cast<uint8_t>(0x80u >> bit % 8);
          edge.bytes[bit / 8] =
              static_cast<uint8_t>(last ? edge.bytes[bit / 8] | mask : edge.bytes[bit / 8] & ~mask);
        }
        EXPECT_TRUE(list.allows(edge));
        for (int at = 15; at >= 0; --at) {  // the next one up or down
          const bool carry = edge.bytes[static_cast<size_t>(at)] == (last ? 0xff : 0);
          edge.bytes[static_cast<size_t>(at)] =
              static_cast<uint8_t>(edge.bytes[static_cast<size_t>(at)] + (last ? 1 : -1));
          if (!carry) break;
        }
        EXPECT_EQ(list.allows(edge), model_allows(prefixes, edge)) << address_text(edge);
      }
    }
  }
}

TEST(SourceList, OfIPv4LetsNoIPv6InAndAllOfIPv6LetsBothIn) {
  const SourceList v4({prefix("0.0.0.0/0")});
  EXPECT_TRUE(v4.allows(address("255.255.255.255")));
  EXPECT_TRUE(v4.allows(address("::ffff:1.2.3.4")));
  EXPECT_FALSE(v4.allows(address("2001:db8::1")));
  EXPECT_FALSE(v4.allows(address("::")));
  const SourceList all({prefix("::/0")});
  EXPECT_TRUE(all.allows(address("1.2.3.4")));
  EXPECT_TRUE(all.allows(address("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")));
  EXPECT_TRUE(SourceList({}).allows(address("::")));
}

TEST(SourceList, OfManyPrefixesIsAsLongAsTheRangesTheyMake) {
  std::vector<IpPrefix> prefixes;
  for (uint32_t i = 0; i < 65536; ++i) prefixes.push_back({IpAddress::v4(0x0a000000 + (i << 8)), 96 + 24});
  EXPECT_EQ(SourceList(prefixes).ranges(), 1u) << "they touch each other";
  prefixes.clear();
  for (uint32_t i = 0; i < 4096; ++i) prefixes.push_back({IpAddress::v4(0x0a000000 + (i << 9)), 96 + 24});
  const SourceList apart(prefixes);
  EXPECT_EQ(apart.ranges(), 4096u);
  for (uint32_t i = 0; i < 8192; ++i)
    ASSERT_EQ(apart.allows(IpAddress::v4(0x0a000007 + (i << 8))), i % 2 == 0);
}

}  // namespace
}  // namespace onpath::testing
