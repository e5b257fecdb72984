// A template writes what build_frame() writes, bit for bit.
#include "wire/frame_template.h"

#include <gtest/gtest.h>

#include <vector>

#include "support/random.h"

namespace onpath::testing {
namespace {

using Bytes = std::vector<uint8_t>;

MacAddress random_mac(Random& random) {
  MacAddress mac;
  for (uint8_t& byte : mac) byte = random.byte();
  return mac;
}

Endpoint random_endpoint(Random& random, bool v4) {
  Endpoint endpoint;
  if (v4) {
    endpoint.address = IpAddress::v4(random.next());
  } else {
    for (uint8_t& byte : endpoint.address.bytes) byte = random.byte();
    endpoint.address.bytes[0] = 0x20;
  }
  endpoint.port = static_cast<uint16_t>(random.next());
  return endpoint;
}

TEST(FrameTemplate, WritesWhatBuildFrameWrites) {
  Random random(test_seed());
  for (int round = 0; round < 20000; ++round) {
    const bool v4 = random.one_in(2);
    const MacAddress from_mac = random_mac(random);
    MacAddress to_mac = random_mac(random);
    const Endpoint from = random_endpoint(random, v4), to = random_endpoint(random, v4);
    FrameOptions options;
    options.hop_limit = random.byte();
    options.checksums_by_nic = random.one_in(2);
    FrameTemplate made(from_mac, to_mac, from, to, options.hop_limit, options.checksums_by_nic);
    ASSERT_EQ(made.headers_bytes(), udp_headers_bytes(v4));
    EXPECT_EQ(made.sums_payload(), !options.checksums_by_nic);
    if (random.one_in(3)) made.set_destination_mac(to_mac = random_mac(random));
    for (int packet = 0; packet < 3; ++packet) {
      const Bytes payload = random.noise(random.one_in(50) ? 65400 + random.below(130) : random.below(1500));
      Bytes expected(udp_headers_bytes(v4), 0xee);
      expected.insert(expected.end(), payload.begin(), payload.end());
      Bytes written(expected);
      const auto identification = static_cast<uint16_t>(random.next());
      const size_t bytes =
          build_frame(expected.data(), from_mac, to_mac, from, to, payload.size(), identification, options);
      ASSERT_EQ(made.write(written.data(), payload.size(), checksum_add(payload), identification), bytes);
      ASSERT_EQ(written, expected);
    }
  }
}

TEST(FrameTemplate, SendsAChecksumOfZeroAsAllOnes) {
  const Endpoint from{IpAddress::v4(0x0a000001), 1}, to{IpAddress::v4(0x0a000002), 2};
  const FrameTemplate made({}, {}, from, to, 64, false);
  for (uint32_t word = 0; word <= 0xffff; ++word) {
    uint8_t frame[44] = {};
    store_be16(frame + 42, static_cast<uint16_t>(word));
    ASSERT_EQ(made.write(frame, 2, word, 0), 44u);
    ASSERT_NE(load_be16(frame + 40), 0) << word;
  }
}

}  // namespace
}  // namespace onpath::testing
