// Limits of single sources: rates are exact, sources are found as a map would find them, and changing
// addresses gains nothing.
#include <gtest/gtest.h>

#include <map>

#include "dataplane/source_table.h"
#include "dataplane/stepped_plane.h"
#include "dataplane/token_bucket.h"

namespace onpath::testing {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

TEST(TokenBucket, LetsExactlyItsRateThrough) {
  Random random(test_seed());
  for (const uint64_t per_second : {1ull, 7ull, 1000ull, 999'999'937ull, 16'000'000'000ull}) {
    const TokenBucket::Rate rate{per_second, 1};
    TokenBucket bucket;
    bucket.fill(rate);
    uint64_t taken = 0, elapsed = 0;
    for (int i = 0; i < 20'000; ++i) {
      const uint64_t step = i == 0 ? 0 : random.below(3'000'000);
      bucket.pass(rate, step);
      elapsed += step;
      // Everything there is, in pieces that are halved until they fit.
      for (uint64_t piece = per_second; piece > 0; piece /= 2) {
        while (bucket.has(piece)) {
          bucket.take(piece);
          taken += piece;
        }
      }
    }
    __extension__ using Wide = unsigned __int128;
    const auto exact = static_cast<uint64_t>(Wide{per_second} * elapsed / kSecond);
    EXPECT_EQ(taken, per_second + exact) << "the first second's, then what came, to the token";
  }
}

TEST(TokenBucket, HoldsWhatComesInASecondAndAtLeastOnePacket) {
  const TokenBucket::Rate slow{10, 65536};
  TokenBucket bucket;
  bucket.pass(slow, kSecond);
  EXPECT_TRUE(bucket.has(10) && !bucket.has(11));
  for (int i = 0; i < 10'000; ++i) bucket.pass(slow, UINT64_MAX);
  EXPECT_TRUE(bucket.has(65536) && !bucket.has(65537));
  bucket.take(65536);
  EXPECT_FALSE(bucket.has(1));
  bucket.put_back(5);
  EXPECT_TRUE(bucket.has(5) && !bucket.has(6));
}

struct Words {
  explicit Words(const std::string& text) : key(1, endpoint(text, 1)) {}
  uint64_t high() const { return key.address_high; }
  uint64_t low() const { return key.address_low; }
  StreamKey key;
};

TEST(SourceTable, TellsSourcesByAddressAndIPv6ByNetwork) {
  const SourceLimits limits{.packets_per_second = 1, .tracked_sources = 10};
  SourceTable table(4, limits, 1);
  const auto index_of = [&](const std::string& text) {
    return table.find_or_add(Words(text).high(), Words(text).low());
  };
  EXPECT_NE(index_of("10.0.0.1"), index_of("10.0.0.2"));
  EXPECT_EQ(index_of("10.0.0.1"), index_of("10.0.0.1"));
  EXPECT_EQ(index_of("2001:db8::1"), index_of("2001:db8::ffff:ffff:ffff:ffff"));
  EXPECT_NE(index_of("2001:db8::1"), index_of("2001:db8:0:1::1"));
  EXPECT_EQ(table.find(Words("10.0.0.9").high(), Words("10.0.0.9").low()), SourceTable::kNone);
}

TEST(SourceTable, KeepsSourcesWithStreamsWhateverElseComes) {
  constexpr uint32_t kStreams = 8;
  const SourceLimits limits{.packets_per_second = 5, .tracked_sources = 16};
  SourceTable table(kStreams, limits, 99);
  Random random(test_seed());
  std::map<uint32_t, std::pair<uint32_t, uint32_t>> with_streams;  // address to index and streams
  uint32_t streams = 0;
  const auto words = [](uint32_t address) { return StreamKey(1, {IpAddress::v4(address), 1}); };
  for (int step = 0; step < 50'000; ++step) {
    const uint32_t address = random.one_in(3) ? 100 + random.below(12) : 1000 + random.below(1 << 20);
    const StreamKey key = words(address);
    const uint32_t index = table.find_or_add(key.address_high, key.address_low);
    ASSERT_EQ(table.find(key.address_high, key.address_low), index);
    const auto known = with_streams.find(address);
    ASSERT_TRUE(known == with_streams.end() || index == known->second.first);
    if (address < 1000 && streams < kStreams && random.one_in(2)) {
      table.stream_added(index);
      with_streams.try_emplace(address, index, 0).first->second.second++;
      ++streams;
    } else if (known != with_streams.end()) {
      table.stream_left(index);
      --streams;
      if (--known->second.second == 0) with_streams.erase(known);
    }
    for (const auto& [held, at] : with_streams)
      ASSERT_EQ(table.find(words(held).address_high, words(held).address_low), at.first);
  }
}

TEST(SourceTable, GivesNoFreshAllowanceToThoseWhoChangeAddresses) {
  constexpr uint32_t kTracked = 100, kRate = 10;
  const SourceLimits limits{.packets_per_second = kRate, .tracked_sources = kTracked};
  SourceTable table(1, limits, 7);
  uint64_t passed = 0;
  constexpr uint64_t kSeconds = 20;
  for (uint32_t i = 0; i < 200'000; ++i) {
    const StreamKey key(1, {IpAddress::v4(0x0a000000 + i), 1});
    const uint64_t now = kSecond + i * kSeconds * kSecond / 200'000;
    passed += table.take_packet(table.find_or_add(key.address_high, key.address_low), 100, now) ? 1 : 0;
  }
  EXPECT_LE(passed, (kTracked + 1) * kRate * (kSeconds + 1)) << "what so many sources may send at all";
}

class Limits : public ::testing::Test {
 protected:
  const ProgramPtr program = small_program();
  const Bytes sample = sample_of(*program, 1);

  SteppedPlane plane_with(const SourceLimits& limits, bool flow_cache = true) {
    RouteConfig route = route_to_host(program);
    route.source_limits = limits;
    route.slots = 1000;
    return SteppedPlane({route}, ONPATH_FRAMING_ETHERNET, {}, {}, {}, flow_cache);
  }
};

TEST_F(Limits, OfPacketsHoldForEachSourceWithAndWithoutTheFlowCache) {
  for (const bool flow_cache : {true, false}) {
    SteppedPlane plane = plane_with({.packets_per_second = 10, .tracked_sources = 8}, flow_cache);
    for (uint32_t t = 1; t <= 20; ++t) plane.send(cut(*program, sample, 96, t));  // four packets each
    EXPECT_EQ(plane.route().packets_used.get(), 10u);
    EXPECT_EQ(plane.dropped(DropReason::source_rate), 70u);
    plane.source = endpoint("10.0.0.3", 40000);
    plane.send(cut(*program, sample, 96, 1));
    EXPECT_EQ(plane.route().packets_used.get(), 14u) << "another source has its own";
    plane.source = endpoint("10.0.0.2", 40000);
    plane.pass(kSecond / 2);
    plane.send(cut(*program, sample, 96, 30));
    plane.send(cut(*program, sample, 96, 31));
    EXPECT_EQ(plane.route().packets_used.get(), 19u) << "half a second brings five";
    EXPECT_EQ(plane.unaccounted(), 0);
  }
}

TEST_F(Limits, OfBytesCountWhatThePortCounts) {
  for (const bool flow_cache : {true, false}) {
    SteppedPlane plane = plane_with({.bytes_per_second = 1'000'000, .tracked_sources = 8}, flow_cache);
    onpath_port_counters counters;
    uint64_t bytes = 0;
    for (uint32_t t = 1; plane.dropped(DropReason::source_rate) == 0; ++t) {
      plane.in.port()->counters(plane.in.port()->self, &counters);
      bytes = counters.rx_bytes;
      ASSERT_LE(bytes, 1'000'000u);
      plane.send(cut(*program, sample, 96, t)[0]);
    }
    plane.in.port()->counters(plane.in.port()->self, &counters);
    EXPECT_GT(counters.rx_bytes, 1'000'000u);
  }
}

TEST_F(Limits, OfOpenSamplesAndStreamsRefuseWhatIsBeyond) {
  SteppedPlane plane = plane_with({.open_samples = 2, .streams = 3, .tracked_sources = 8});
  for (uint32_t t = 1; t <= 5; ++t) plane.send(cut(*program, sample, 192, t)[0]);
  EXPECT_EQ(plane.route().samples_opened.get(), 2u);
  EXPECT_EQ(plane.dropped(DropReason::source_share), 3u);
  plane.source = endpoint("10.0.0.3", 40000);
  // A stream that rests gives its place; one with an open sample does not.
  for (uint32_t ssrc = 1; ssrc <= 9; ++ssrc) plane.send(cut(*program, sample, 192, 1, 0, ssrc));
  EXPECT_EQ(plane.route().samples_complete.get(), 9u);
  EXPECT_EQ(plane.dropped(DropReason::source_share), 3u);
  plane.send(cut(*program, sample, 192, 1, 0, 10)[0]);
  plane.send(cut(*program, sample, 192, 1, 0, 11)[0]);
  plane.send(cut(*program, sample, 192, 1, 0, 12)[0]);
  EXPECT_EQ(plane.dropped(DropReason::source_share), 4u);
  EXPECT_EQ(plane.unaccounted(), 0);
}

TEST_F(Limits, ThatCannotBeKeptAreRefused) {
  const auto refusal = [&](const SourceLimits& limits) {
    RouteConfig route = route_to_host(program);
    route.source_limits = limits;
    FakePort port;
    PlaneConfig config;
    config.ports = {{"p", port.port(), {}}};
    config.routes = {route};
    const auto built = build_plane(std::move(config));
    return built.ok() ? std::string("ok") : error_text(built);
  };
  EXPECT_EQ(refusal({.packets_per_second = 1, .tracked_sources = 1}), "ok");
  EXPECT_EQ(refusal({.packets_per_second = 16'000'000'001, .tracked_sources = 1}),
            "INVALID_SPEC: Route \"r\": sourceLimits.packetsPerSecond is 16000000001, expected at most "
            "16000000000.");
  EXPECT_NE(refusal({.packets_per_second = 1}).find("trackedSources is 0"), std::string::npos);
  EXPECT_NE(refusal({.packets_per_second = 1, .tracked_sources = 1u << 21}).find("trackedSources"),
            std::string::npos);
  EXPECT_NE(refusal({.packets_per_second = 1, .tracked_sources = 1, .prefix_bits = 129}).find("prefixBits"),
            std::string::npos);
}

}  // namespace
}  // namespace onpath::testing
