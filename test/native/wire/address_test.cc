// Addresses and prefixes: text form and membership.
#include "wire/address.h"

#include <gtest/gtest.h>

namespace onpath {
namespace {

TEST(WireAddress, an_IPv4_address_is_kept_as_its_mapped_IPv6_address) {
  const IpAddress address = parse_address("192.0.2.1").value();
  EXPECT_TRUE(address.is_v4());
  EXPECT_EQ(address, IpAddress::v4(0xc0000201));
  EXPECT_EQ(address, parse_address("::ffff:192.0.2.1").value());
  EXPECT_FALSE(parse_address("::192.0.2.1").value().is_v4());
}

TEST(WireAddress, text_survives_parsing_and_printing) {
  for (const char* text :
       {"0.0.0.0", "255.255.255.255", "127.0.0.1", "::", "::1", "2001:db8::1", "ff02::1:ff00:1"}) {
    EXPECT_EQ(address_text(parse_address(text).value()), text);
  }
  EXPECT_EQ(endpoint_text({parse_address("192.0.2.1").value(), 5004}), "192.0.2.1:5004");
  EXPECT_EQ(endpoint_text({parse_address("2001:db8::1").value(), 0}), "[2001:db8::1]:0");
}

TEST(WireAddress, what_is_no_address_is_refused_with_its_text_in_the_message) {
  for (std::string_view text : {"", "localhost", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.4 ", " 1.2.3.4",
                                "01.2.3.4x", "1.2.3.4:5004", "[::1]", "fe80::1%eth0", ":::", "2001:db8::1::2",
                                "10.0.0.0/8", "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255.255"}) {
    const auto result = parse_address(text);
    ASSERT_FALSE(result.ok()) << text;
    EXPECT_EQ(result.error().code, ErrorCode::INVALID_ARGUMENT);
    EXPECT_NE(result.error().message.find(std::string("\"").append(text).append("\"")), std::string::npos);
  }
  EXPECT_FALSE(parse_address(std::string_view("127.0.0.1\0", 10)).ok());
}

TEST(WirePrefix, contains_exactly_the_addresses_that_share_its_bits) {
  const IpPrefix ten = parse_prefix("10.0.0.0/8").value();
  EXPECT_EQ(ten.bits, 104);
  EXPECT_TRUE(ten.contains(parse_address("10.255.255.255").value()));
  EXPECT_FALSE(ten.contains(parse_address("11.0.0.0").value()));
  EXPECT_FALSE(ten.contains(parse_address("2001:db8::1").value()));

  const IpPrefix odd = parse_prefix("192.0.2.128/27").value();
  EXPECT_TRUE(odd.contains(parse_address("192.0.2.159").value()));
  EXPECT_FALSE(odd.contains(parse_address("192.0.2.160").value()));
  EXPECT_FALSE(odd.contains(parse_address("192.0.2.127").value()));

  const IpPrefix documentation = parse_prefix("2001:db8::/33").value();
  EXPECT_TRUE(documentation.contains(parse_address("2001:db8:7fff::1").value()));
  EXPECT_FALSE(documentation.contains(parse_address("2001:db8:8000::1").value()));
}

TEST(WirePrefix, every_length_of_an_address_contains_that_address_and_not_one_with_its_last_bit_flipped) {
  const IpAddress address = parse_address("2001:db8:a5a5:5a5a:1234:5678:9abc:def1").value();
  for (uint8_t bits = 1; bits <= 128; ++bits) {
    const IpPrefix prefix{address, bits};
    IpAddress other = address;
    other.bytes[(bits - 1) / 8] ^= static_cast<uint8_t>(0x80 >> ((bits - 1) % 8));
    EXPECT_TRUE(prefix.contains(address)) << int{bits};
    EXPECT_FALSE(prefix.contains(other)) << int{bits};
  }
}

TEST(WirePrefix, zero_bits_of_IPv4_are_all_of_IPv4_and_zero_bits_of_IPv6_are_everything) {
  const IpPrefix v4 = parse_prefix("0.0.0.0/0").value();
  EXPECT_TRUE(v4.contains(parse_address("203.0.113.9").value()));
  EXPECT_FALSE(v4.contains(parse_address("2001:db8::1").value()));
  const IpPrefix all = parse_prefix("::/0").value();
  EXPECT_TRUE(all.contains(parse_address("203.0.113.9").value()));
  EXPECT_TRUE(all.contains(parse_address("2001:db8::1").value()));
}

TEST(WirePrefix, a_bare_address_is_a_prefix_of_itself_and_bits_behind_the_length_are_cleared) {
  EXPECT_EQ(parse_prefix("127.0.0.1").value().bits, 128);
  EXPECT_EQ(parse_prefix("127.0.0.1/8").value().address, parse_address("127.0.0.0").value());
}

TEST(WirePrefix, what_is_no_prefix_is_refused) {
  for (const char* text :
       {"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0.0/8/8",
        "10.0.0.0/255.0.0.0", "::/129", "::/0128", "10/8", "10.0.0.0 /8"}) {
    const auto result = parse_prefix(text);
    ASSERT_FALSE(result.ok()) << text;
    EXPECT_EQ(result.error().code, ErrorCode::INVALID_ARGUMENT);
  }
}

}  // namespace
}  // namespace onpath
