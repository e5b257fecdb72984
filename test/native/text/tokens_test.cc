// Buffers of tokens.
#include "text/tokens.h"

#include <gtest/gtest.h>

#include <array>

namespace onpath::text {
namespace {

TEST(TokenBuffer, GrowingKeepsWhatIsThere) {
  // The last room is one that the system maps.
  constexpr std::array<size_t, 4> kRooms = {1, 100, 70'000, 3'000'000};
  for (const bool detailed : {false, true}) {
    TokenBuffer out(detailed);
    for (const size_t room : kRooms) {
      out.reserve(room);
      ASSERT_GE(out.capacity() - out.size(), room);
      const auto next = static_cast<uint32_t>(out.size());
      out.push(next, {next, next + 2}, 7 * next);
      for (uint32_t i = 0; i <= next; ++i) {
        EXPECT_EQ(out.ids()[i], i);
        if (!detailed) continue;
        EXPECT_EQ(out.spans()[i].begin, i);
        EXPECT_EQ(out.spans()[i].end, i + 2);
        EXPECT_EQ(out.words()[i], 7 * i);
      }
    }
    const size_t capacity = out.capacity();
    out.clear();
    out.reserve(capacity);
    EXPECT_EQ(out.capacity(), capacity);
  }
}

}  // namespace
}  // namespace onpath::text
