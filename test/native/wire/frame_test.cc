// Ethernet, IP and UDP: golden frames, round trips, and the one minimal mutation behind each drop reason.
#include "wire/frame.h"

#include <gtest/gtest.h>

#include "wire/wire_testing.h"

namespace onpath {
namespace {

using namespace wire_testing;

const Endpoint kSource4{IpAddress::v4(0xc0000201), 5004};
const Endpoint kDestination4{IpAddress::v4(0xc6336402), 5006};
const Endpoint kSource6{parse_address("2001:db8::1").value(), 5004};
const Endpoint kDestination6{parse_address("2001:db8::2").value(), 5006};

// Made with Python's struct module, checksums included.
const Octets kFrame4 = from_hex(
    "020000000002 020000000001 0800 4500 0022 0007 4000 4011 4e8d c0000201 c6336402"
    "138c 138e 000e 9848 6f6e70617468");
const Octets kFrame4Options = from_hex(
    "020000000002 020000000001 0800 4700 002a 0007 4000 4011 b67f c0000201 c6336402 0101010094040000"
    "138c 138e 000e 9848 6f6e70617468 eeeeeeeeeeeeeeeeeeee");
const Octets kFrame6 = from_hex(
    "020000000002 020000000001 86dd 60000000 000e 11 40"
    "20010db8000000000000000000000001 20010db8000000000000000000000002"
    "138c 138e 000e 290b 6f6e70617468");
// Hop-by-hop options, destination options, a routing header with no segments left, an atomic fragment.
const Octets kFrame6Extensions = from_hex(
    "020000000002 020000000001 86dd 60000000 0036 00 40"
    "20010db8000000000000000000000001 20010db8000000000000000000000002"
    "3c00010400000000 2b01010c000000000000000000000000 2c00040000000000 1100000000000009"
    "138c 138e 000e 290b 6f6e70617468");

std::string parse(const Octets& frame, FrameChecks checks = {}) {
  Datagram datagram;
  const Exact exact(frame);
  return outcome(parse_frame(exact, checks, datagram));
}

/// The outcome after `bytes` were written over `frame` at `at`. Checksums are not looked at, so that one
/// change is enough.
std::string with(Octets frame, size_t at, std::string_view bytes) {
  const Octets patch = from_hex(bytes);
  std::copy(patch.begin(), patch.end(), frame.begin() + static_cast<ptrdiff_t>(at));
  return parse(frame, {false, false});
}

void expect_golden(const Octets& frame, const Endpoint& source, const Endpoint& destination) {
  Datagram datagram;
  ASSERT_EQ(outcome(parse_frame(frame, {}, datagram)), "taken");
  EXPECT_EQ(datagram.source, source);
  EXPECT_EQ(datagram.destination, destination);
  EXPECT_EQ(std::string(datagram.payload.begin(), datagram.payload.end()), "onpath");
  EXPECT_TRUE(lies_inside(datagram.payload, frame));
}

TEST(WireFrame, golden_IPv4_frame_is_read_and_written_bit_for_bit) {
  expect_golden(kFrame4, kSource4, kDestination4);
  EXPECT_EQ(frame_around(from_hex("6f6e70617468"), kSource4, kDestination4), kFrame4);
}

TEST(WireFrame, golden_IPv6_frame_is_read_and_written_bit_for_bit) {
  expect_golden(kFrame6, kSource6, kDestination6);
  EXPECT_EQ(frame_around(from_hex("6f6e70617468"), kSource6, kDestination6), kFrame6);
}

TEST(WireFrame, IPv4_options_and_Ethernet_padding_are_passed_over) {
  expect_golden(kFrame4Options, kSource4, kDestination4);
}

TEST(WireFrame, IPv6_extension_headers_and_atomic_fragments_are_passed_over) {
  expect_golden(kFrame6Extensions, kSource6, kDestination6);
}

TEST(WireFrame, one_or_two_VLAN_tags_of_either_type_are_passed_over_and_a_third_is_refused) {
  using Tags = std::vector<std::pair<uint16_t, uint16_t>>;
  for (bool v4 : {true, false}) {
    const Octets& frame = v4 ? kFrame4 : kFrame6;
    for (const Tags& tags :
         {Tags{{0x8100, 7}}, Tags{{0x88a8, 0xe001}, {0x8100, 7}}, Tags{{0x9100, 1}, {0x8100, 0}}}) {
      expect_golden(with_tags(frame, tags), v4 ? kSource4 : kSource6, v4 ? kDestination4 : kDestination6);
    }
    EXPECT_EQ(parse(with_tags(frame, Tags{{0x88a8, 1}, {0x8100, 2}, {0x8100, 3}})), "bad_ethernet");
  }
}

TEST(WireFrame, whatever_is_built_parses_to_the_same_endpoints_and_payload) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 2000; ++round) {
    const bool v4 = random() % 2 == 0;
    const Endpoint source = random_endpoint(random, v4), destination = random_endpoint(random, v4);
    const Octets payload = random_octets(random, random() % 1500);
    Octets frame = frame_around(payload, source, destination);
    std::vector<std::pair<uint16_t, uint16_t>> tags(random() % 3,
                                                    {uint16_t{0x8100}, static_cast<uint16_t>(random())});
    frame = with_tags(frame, tags);
    frame.resize(std::max<size_t>(frame.size(), 60));

    const Exact exact(frame);
    Datagram datagram;
    ASSERT_EQ(outcome(parse_frame(exact, {}, datagram)), "taken");
    ASSERT_EQ(datagram.source, source);
    ASSERT_EQ(datagram.destination, destination);
    ASSERT_EQ(Octets(datagram.payload.begin(), datagram.payload.end()), payload);
  }
}

TEST(WireFrame, the_longest_datagram_is_built_and_one_byte_more_is_refused) {
  for (bool v4 : {true, false}) {
    const Endpoint& source = v4 ? kSource4 : kSource6;
    const Endpoint& destination = v4 ? kDestination4 : kDestination6;
    const size_t most = v4 ? 65507 : 65527;
    Octets frame(udp_headers_bytes(v4) + most, 0xa5);
    ASSERT_EQ(build_frame(frame.data(), {}, {}, source, destination, most, 0), frame.size());
    EXPECT_EQ(parse(frame), "taken");
    EXPECT_EQ(build_frame(frame.data(), {}, {}, source, destination, most + 1, 0), 0u);
  }
  uint8_t untouched[1] = {0xa5};
  EXPECT_EQ(build_frame(untouched, {}, {}, kSource4, kDestination6, 0, 0), 0u);
  EXPECT_EQ(untouched[0], 0xa5);
}

TEST(WireFrame, a_UDP_checksum_that_comes_out_as_zero_is_sent_as_all_ones) {
  const Octets zeros = frame_around({0, 0}, kSource4, kDestination4);
  const Octets frame = frame_around({zeros[40], zeros[41]}, kSource4, kDestination4);
  EXPECT_EQ(load_be16(&frame[40]), 0xffff);
  EXPECT_EQ(parse(frame), "taken");
}

TEST(WireFrame, any_flipped_bit_under_a_checksum_is_noticed_unless_the_NIC_has_checked) {
  for (size_t bit = 14 * 8; bit < kFrame4.size() * 8; ++bit) {
    Octets frame = kFrame4;
    frame[bit / 8] ^= static_cast<uint8_t>(0x80 >> (bit % 8));
    EXPECT_NE(parse(frame), "taken") << "bit " << bit;
  }
  Octets ttl = kFrame4, data = kFrame4;
  ttl[22] ^= 1;
  data.back() ^= 1;
  EXPECT_EQ(parse(ttl), "bad_ip_checksum");
  EXPECT_EQ(parse(ttl, {false, true}), "taken");
  EXPECT_EQ(parse(data), "bad_udp_checksum");
  EXPECT_EQ(parse(data, {true, false}), "taken");
  Octets data6 = kFrame6;
  data6.back() ^= 1;
  EXPECT_EQ(parse(data6), "bad_udp_checksum");
}

TEST(WireFrame, a_UDP_checksum_of_zero_is_none_over_IPv4_and_an_error_over_IPv6) {
  EXPECT_EQ(with(kFrame4, 40, "0000"), "taken");
  EXPECT_EQ(with(kFrame6, 60, "0000"), "bad_udp_checksum");
}

TEST(WireFrame, every_IPv4_drop_reason_is_one_mutation_away) {
  EXPECT_EQ(with(kFrame4, 12, "0806"), "not_ip");          // ARP
  EXPECT_EQ(with(kFrame4, 12, "0022"), "not_ip");          // an 802.3 length
  EXPECT_EQ(with(kFrame4, 12, "86dd"), "bad_ip_header");   // version 4 under the IPv6 type
  EXPECT_EQ(with(kFrame4, 14, "65"), "bad_ip_header");     // version 6
  EXPECT_EQ(with(kFrame4, 14, "44"), "bad_ip_header");     // header of 16 bytes
  EXPECT_EQ(with(kFrame4, 14, "4f"), "bad_ip_header");     // header of 60 bytes in a packet of 34
  EXPECT_EQ(with(kFrame4, 16, "0013"), "bad_ip_header");   // total length under the header's
  EXPECT_EQ(with(kFrame4, 16, "0023"), "bad_ip_header");   // total length past the frame
  EXPECT_EQ(with(kFrame4, 20, "2000"), "ip_fragment");     // more fragments
  EXPECT_EQ(with(kFrame4, 20, "0001"), "ip_fragment");     // offset 8
  EXPECT_EQ(with(kFrame4, 20, "8000"), "taken");           // the reserved bit says nothing
  EXPECT_EQ(with(kFrame4, 23, "06"), "not_udp");           // TCP
  EXPECT_EQ(with(kFrame4, 16, "001b"), "bad_udp_length");  // 7 bytes for UDP
  EXPECT_EQ(with(kFrame4, 38, "0000"), "bad_udp_length");
  EXPECT_EQ(with(kFrame4, 38, "0007"), "bad_udp_length");
  EXPECT_EQ(with(kFrame4, 38, "000f"), "bad_udp_length");  // past the IP packet
  EXPECT_EQ(with(kFrame4, 38, "0008"), "taken");  // no payload; the rest of the IP packet is not UDP's
}

TEST(WireFrame, every_IPv6_drop_reason_is_one_mutation_away) {
  EXPECT_EQ(with(kFrame6, 12, "0800"), "bad_ip_header");
  EXPECT_EQ(with(kFrame6, 14, "40"), "bad_ip_header");
  EXPECT_EQ(with(kFrame6, 18, "0000"), "bad_ip_header");  // jumbogram
  EXPECT_EQ(with(kFrame6, 18, "000f"), "bad_ip_header");  // past the frame
  EXPECT_EQ(with(kFrame6, 18, "0007"), "bad_udp_length");
  EXPECT_EQ(with(kFrame6, 20, "3a"), "not_udp");                                      // ICMPv6
  EXPECT_EQ(with(kFrame6, 20, "3b"), "not_udp");                                      // no next header
  EXPECT_EQ(with(kFrame6, 20, "33"), "not_udp");                                      // authentication header
  EXPECT_EQ(with(kFrame6, 22, "00000000000000000000ffff7f000001"), "bad_ip_header");  // a mapped source
  EXPECT_EQ(with(kFrame6, 38, "00000000000000000000ffff7f000001"), "bad_ip_header");  // a mapped destination
  EXPECT_EQ(with(kFrame6Extensions, 88, "0008"), "ip_fragment");                      // offset 8
  EXPECT_EQ(with(kFrame6Extensions, 88, "0001"), "ip_fragment");                      // more fragments
  EXPECT_EQ(with(kFrame6Extensions, 88, "0006"), "taken");        // reserved bits say nothing
  EXPECT_EQ(with(kFrame6Extensions, 81, "01"), "bad_ip_header");  // a segment left
  EXPECT_EQ(with(kFrame6Extensions, 54, "00"), "bad_ip_header");  // hop-by-hop options not in front
  EXPECT_EQ(with(kFrame6Extensions, 63, "ff"), "bad_ip_header");  // an extension header past the packet
}

TEST(WireFrame, eight_extension_headers_are_passed_over_and_a_ninth_is_refused) {
  for (size_t count : {size_t{8}, size_t{9}}) {
    Octets frame(kFrame6.begin(), kFrame6.begin() + 54);
    frame[20] = 60;
    store_be16(&frame[18], static_cast<uint16_t>(14 + 8 * count));
    for (size_t i = 0; i < count; ++i) {
      const Octets options = from_hex(i + 1 < count ? "3c00010400000000" : "1100010400000000");
      frame.insert(frame.end(), options.begin(), options.end());
    }
    frame.insert(frame.end(), kFrame6.begin() + 54, kFrame6.end());
    EXPECT_EQ(parse(frame), count == 8 ? "taken" : "bad_ip_header");
  }
}

TEST(WireFrame, cut_at_any_byte_it_is_dropped_and_nothing_past_the_cut_is_read) {
  for (const Octets& frame : {kFrame4, kFrame6, kFrame6Extensions}) {
    for (size_t length = 0; length < frame.size(); ++length) {
      const Octets cut(frame.begin(), frame.begin() + static_cast<ptrdiff_t>(length));
      EXPECT_EQ(parse(cut), length < 14 ? "bad_ethernet" : "bad_ip_header") << length;
    }
  }
  const Octets tagged =
      with_tags(kFrame4, std::vector<std::pair<uint16_t, uint16_t>>{{0x88a8, 1}, {0x8100, 2}});
  for (size_t length = 14; length < 22; ++length) {
    EXPECT_EQ(parse(Octets(tagged.begin(), tagged.begin() + static_cast<ptrdiff_t>(length))), "bad_ethernet");
  }
  // Lengths in the headers shortened along with the frame: the cut then falls into extension headers and UDP.
  for (size_t length = 55; length < kFrame6Extensions.size(); ++length) {
    Octets cut(kFrame6Extensions.begin(), kFrame6Extensions.begin() + static_cast<ptrdiff_t>(length));
    store_be16(&cut[18], static_cast<uint16_t>(length - 54));
    EXPECT_EQ(parse(cut, {false, false}), length < 94 ? "bad_ip_header" : "bad_udp_length") << length;
  }
}

}  // namespace
}  // namespace onpath
