// Bytes of a text leave in order, whatever order they come in; the first of each place counts; no more wait
// than may.
#include "dataplane/waiting_bytes.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/random.h"

namespace onpath {
namespace {

std::span<const uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

struct Tried {
  explicit Tried(uint64_t most) : waiting(most) {}
  uint64_t take(uint64_t offset, const std::string& text) {
    return waiting.take(offset, bytes_of(text), [&](std::span<const uint8_t> run) {
      out.append(run.begin(), run.end());
      return true;
    });
  }
  WaitingBytes waiting;
  std::string out;
};

TEST(WaitingBytes, hands_on_in_order_and_fills_gaps) {
  Tried tried(64);
  EXPECT_EQ(tried.take(3, "def"), 3u);
  EXPECT_EQ(tried.out, "");
  EXPECT_EQ(tried.take(0, "abc"), 3u);
  EXPECT_EQ(tried.out, "abcdef");
  EXPECT_EQ(tried.waiting.next(), 6u);
  EXPECT_EQ(tried.waiting.waiting(), 0u);
}

TEST(WaitingBytes, first_bytes_win_before_and_behind_their_turn) {
  Tried tried(64);
  tried.take(2, "CD");
  EXPECT_EQ(tried.take(1, "xyzE"), 2u);  // 1 and 4 are new
  EXPECT_EQ(tried.take(0, "aQQQQQ"), 2u);
  EXPECT_EQ(tried.out, "axCDEQ");
  EXPECT_EQ(tried.take(2, "zz"), 0u);
}

TEST(WaitingBytes, takes_what_fits_its_window_and_any_chunk_whose_turn_it_is) {
  Tried tried(64);
  EXPECT_TRUE(tried.waiting.takes(63, 1));
  EXPECT_FALSE(tried.waiting.takes(64, 1));
  EXPECT_FALSE(tried.waiting.takes(1, 64));
  EXPECT_TRUE(tried.waiting.takes(0, 5000));
  tried.take(10, "0123456789");
  tried.take(0, std::string(500, 'x'));
  std::string expected(500, 'x');
  expected.replace(10, 10, "0123456789");
  EXPECT_EQ(tried.out, expected);
  EXPECT_FALSE(tried.waiting.takes(UINT64_MAX, 1));
}

TEST(WaitingBytes, equals_a_plain_model_for_random_chunks) {
  testing::Random random(3);
  Tried tried(256);
  for (int round = 0; round < 400; ++round) {
    tried.waiting.reset();
    tried.out.clear();
    const uint64_t size = 1 + random.below(2000);
    std::string text(size, '.');
    std::vector<bool> seen(size);
    uint64_t next = 0;
    for (int steps = 0; next < size && steps < 5000; ++steps) {
      const uint64_t most = std::min<uint64_t>(size, next + 256);
      const uint64_t offset = random.below(static_cast<uint32_t>(most));
      uint64_t count = std::min<uint64_t>(size - offset, random.below(100));
      if (!tried.waiting.takes(offset, count)) continue;
      std::string chunk;
      uint64_t fresh = 0;
      for (uint64_t i = 0; i < count; ++i) {
        chunk += static_cast<char>('a' + random.below(26));
        if (!seen[offset + i]) text[offset + i] = chunk.back(), ++fresh;
        seen[offset + i] = true;
      }
      ASSERT_EQ(tried.take(offset, chunk), fresh);
      while (next < size && seen[next]) ++next;
      ASSERT_EQ(tried.waiting.next(), next);
      ASSERT_EQ(tried.out, text.substr(0, next));
    }
  }
}

}  // namespace
}  // namespace onpath
