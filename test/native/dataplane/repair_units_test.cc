// The parts of loss repair by themselves: pacing, the resend buffer, what is missing of a stream, the inbox.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <thread>

#include "dataplane/feedback_inbox.h"
#include "dataplane/lost_packets.h"
#include "dataplane/pacer.h"
#include "dataplane/plane_testing.h"
#include "dataplane/rate_limit.h"
#include "dataplane/resend_buffer.h"

namespace onpath::testing {
namespace {

TEST(Pacer, OverAnyTimeNoMoreLeavesThanTheRateAndOneBurst) {
  Random random(test_seed());
  for (int round = 0; round < 50; ++round) {
    const double rate = 1e4 * static_cast<double>(random.between(1, 1'000'000));
    const uint64_t burst = random.between(1, 20'000);
    const uint64_t packet = random.between(64, 1500);
    Pacer pacer(rate, burst, packet);
    std::vector<std::pair<uint64_t, uint64_t>> sent;  // when, bytes so far
    uint64_t now = 1'000'000'000, total = 0;
    for (int i = 0; i < 300; ++i) {
      if (const uint64_t wait = pacer.wait_ns(now)) now += wait;
      if (random.one_in(10)) now += random.below(50'000'000);
      while (pacer.credit(now) >= static_cast<double>(packet) && !random.one_in(20)) {
        sent.push_back({now, total});
        total += packet;
        pacer.spend(packet);
      }
    }
    ASSERT_FALSE(sent.empty());
    const double most_burst = static_cast<double>(std::max(burst, packet));
    for (size_t from = 0; from < sent.size(); from += 7) {
      for (size_t to = from; to < sent.size(); to += 3) {
        const double bytes = static_cast<double>(sent[to].second + packet - sent[from].second);
        const double allowed =
            most_burst + static_cast<double>(sent[to].first - sent[from].first) * rate / 8e9;
        ASSERT_LE(bytes, allowed * 1.000001 + 1) << rate << " " << burst << " " << packet;
      }
    }
  }
}

TEST(Pacer, AfterOnePauseTheRateIsKeptExactly) {
  Pacer pacer(8e6, 3000, 1000);  // one byte in a microsecond
  uint64_t now = 5, packets = 0;
  const uint64_t begin = now;
  while (packets < 10'000) {
    now += pacer.wait_ns(now);
    while (pacer.credit(now) >= 1000) {
      pacer.spend(1000);
      ++packets;
    }
  }
  // The burst of the beginning came for nothing.
  EXPECT_NEAR(static_cast<double>(now - begin), (10'000.0 - 3) * 1e6, 1e4);
}

TEST(RateLimit, AllowsItsBurstAndThenItsRate) {
  RateLimit limit(1000, 10);
  uint64_t now = 1'000'000'000, taken = 0;
  for (int i = 0; i < 100; ++i) taken += limit.take(now);
  EXPECT_EQ(taken, 10u);
  for (int i = 0; i < 1000; ++i) taken += limit.take(now += 100'000);
  EXPECT_EQ(taken, 110u);
}

TEST(ResendBuffer, FindsTheNewestPacketsAsTheyWereBuiltAndNoOthers) {
  Random random(test_seed());
  for (const uint32_t places : {1u, 2u, 7u, 64u, 1000u}) {
    auto buffer = must(ResendBuffer::make(places, 200));
    std::vector<std::pair<std::pair<uint32_t, uint16_t>, Bytes>> kept;
    std::map<uint32_t, uint16_t> next;
    for (uint32_t i = 0; i < 4 * places + 50; ++i) {
      const auto ssrc = static_cast<uint32_t>(0xfffffffe + random.below(4));
      const auto sequence = static_cast<uint16_t>(65500 + next[ssrc]++);
      const Bytes bytes = random.noise(random.between(12, 200));
      buffer->keep(ssrc, sequence, bytes);
      kept.push_back({{ssrc, sequence}, bytes});
      ASSERT_EQ(buffer->bytes(*buffer->last()).size(), bytes.size());
    }
    for (size_t i = 0; i < kept.size(); ++i) {
      const auto& [key, bytes] = kept[i];
      const auto* found = buffer->find(key.first, key.second);
      ASSERT_EQ(found != nullptr, i + places >= kept.size()) << places << " " << i;
      if (found == nullptr) continue;
      const auto read = buffer->bytes(*found);
      ASSERT_EQ(Bytes(read.begin(), read.end()), bytes);
    }
    EXPECT_EQ(buffer->find(7, 7), nullptr);
  }
}

TEST(ResendBuffer, KeepsNoPacketThatIsTooLong) {
  auto buffer = must(ResendBuffer::make(4, 100));
  buffer->keep(1, 1, Bytes(101));
  EXPECT_EQ(buffer->find(1, 1), nullptr);
  EXPECT_EQ(buffer->last(), nullptr);
}

TEST(LostPackets, IsTheSetOfWhatWasSkippedWithinItsWindowAndDidNotCome) {
  Random random(test_seed());
  constexpr uint32_t kWindow = 256, kGaps = 16;
  std::vector<uint64_t> words(kWindow / 64);
  std::vector<Gap> gaps(kGaps);
  LostPackets lost;
  lost.use(words.data(), gaps.data(), kWindow, kGaps);
  struct Skipped {
    uint32_t first;
    std::set<uint32_t> missing;
  };
  std::vector<Skipped> expected;
  const auto drop_ended = [&] {
    while (!expected.empty() && expected[0].missing.empty()) expected.erase(expected.begin());
  };
  uint32_t highest = 0u - 5000;  // goes round
  for (int step = 0; step < 10'000; ++step) {
    if (random.one_in(3) && !expected.empty()) {
      Skipped& gap = expected[random.below(static_cast<uint32_t>(expected.size()))];
      if (gap.missing.empty()) continue;
      const auto nth = static_cast<int64_t>(random.below(static_cast<uint32_t>(gap.missing.size())));
      const uint32_t sequence = *std::next(gap.missing.begin(), nth);
      ASSERT_EQ(lost.found(sequence).first, gap.first);
      gap.missing.erase(sequence);
      drop_ended();
    } else {
      const auto skipped = static_cast<uint32_t>(random.one_in(4) ? random.below(40) : 0);
      const uint32_t next = highest + 1 + skipped;
      lost.advance(next);
      while (!expected.empty() && next - expected[0].first >= kWindow) expected.erase(expected.begin());
      if (skipped > 0) {
        if (expected.size() == kGaps) expected.erase(expected.begin());
        lost.add({highest + 1, skipped, skipped});
        expected.push_back({highest + 1, {}});
        for (uint32_t i = 1; i <= skipped; ++i) expected.back().missing.insert(highest + i);
      }
      highest = next;
    }
    ASSERT_EQ(lost.count(), expected.size());
    std::set<uint32_t> all;
    for (const Skipped& gap : expected) all.insert(gap.missing.begin(), gap.missing.end());
    size_t missing = 0;
    for (uint32_t back = 0; back < kWindow; ++back) missing += lost.is_missing(highest - back);
    ASSERT_EQ(missing, all.size());
    for (const uint32_t sequence : all) ASSERT_TRUE(lost.is_missing(sequence));
  }
}

TEST(FeedbackInbox, GivesEverythingThatFourThreadsPutInOnceAndInTheOrderOfEach) {
  FeedbackInbox inbox(64);
  constexpr uint32_t kEach = 20'000;
  std::vector<std::thread> producers;
  for (uint32_t p = 0; p < 4; ++p) {
    producers.emplace_back([&inbox, p] {
      for (uint32_t i = 0; i < kEach; ++i) {
        Feedback feedback;
        feedback.reporter = p;
        feedback.ssrc = i;
        while (!inbox.push(feedback)) std::this_thread::yield();
      }
    });
  }
  uint32_t next[4] = {};
  for (uint32_t taken = 0; taken < 4 * kEach;) {
    Feedback feedback;
    if (!inbox.pop(feedback)) {
      std::this_thread::yield();
      continue;
    }
    ++taken;
    ASSERT_EQ(feedback.ssrc, next[feedback.reporter]++);
  }
  for (std::thread& producer : producers) producer.join();
  Feedback none;
  EXPECT_FALSE(inbox.pop(none));
}

TEST(FeedbackInbox, TakesWhatItsOwnReceiverSaysOfItsOwnStreams) {
  FeedbackInbox inbox(4);
  const IpAddress receiver = endpoint("10.0.0.9", 1).address, other = endpoint("10.0.0.8", 1).address;
  EXPECT_FALSE(inbox.takes(0, receiver));
  inbox.open(0xffffffff, 2, 0, receiver);
  EXPECT_FALSE(inbox.takes(0xffffffff, receiver)) << "no stream has begun";
  inbox.begin_stream();
  inbox.begin_stream();
  EXPECT_TRUE(inbox.takes(0xffffffff, receiver));
  EXPECT_TRUE(inbox.takes(1, receiver));
  EXPECT_FALSE(inbox.takes(0, receiver)) << "of another worker";
  EXPECT_FALSE(inbox.takes(3, receiver)) << "not begun";
  EXPECT_FALSE(inbox.takes(1, other));
  inbox.open(5, 1, 1, IpAddress{});
  EXPECT_TRUE(inbox.takes(5, other)) << "of a group";
  inbox.close();
  EXPECT_FALSE(inbox.takes(5, other));
}

}  // namespace
}  // namespace onpath::testing
