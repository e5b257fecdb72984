// Claims about positions of the nearest neighbour, against whole numbers.
#include "table/nearest_positions.h"

#include <gtest/gtest.h>

#include "table/size_pairs.h"

namespace onpath {
namespace {

/// `numerator` / `denominator` rounded down; where it is an exact integer, rounding in double may have fallen
/// short of it by one.
void expect_floor(uint32_t position, uint64_t numerator, uint64_t denominator) {
  const uint64_t floor = numerator / denominator;
  if (numerator % denominator == 0 && floor > 0) {
    ASSERT_TRUE(position == floor || position == floor - 1) << position << " of " << floor;
  } else {
    ASSERT_EQ(position, floor);
  }
}

TEST(NearestPositions, OfPillowAreThoseOfPixelCentres) {
  for (const auto& [in, out] : size_pairs()) {
    SCOPED_TRACE(testing::Message() << in << " -> " << out);
    const NearestPositions made = pillow_nearest(in, out).value();
    ASSERT_EQ(made.position.size(), out);
    EXPECT_TRUE(positions_ordered(made));
    for (uint64_t o = 0; o < out; ++o) expect_floor(made.position[o], (2 * o + 1) * in, 2 * uint64_t{out});
  }
}

TEST(NearestPositions, OfOpencvAreThoseOfPixelCorners) {
  for (const auto& [in, out] : size_pairs()) {
    SCOPED_TRACE(testing::Message() << in << " -> " << out);
    const NearestPositions made = opencv_nearest(in, out).value();
    ASSERT_EQ(made.position.size(), out);
    EXPECT_TRUE(positions_ordered(made));
    for (uint64_t o = 0; o < out; ++o) expect_floor(made.position[o], o * in, out);
  }
}

TEST(NearestPositions, OutOfOrderOrOutsideAreNoTable) {
  EXPECT_TRUE(positions_ordered({3, 4, {0, 0, 2, 2}}));
  EXPECT_FALSE(positions_ordered({3, 4, {0, 2, 1, 2}}));
  EXPECT_FALSE(positions_ordered({3, 2, {0, 3}}));
  EXPECT_FALSE(positions_ordered({3, 0, {}}));
}

TEST(NearestPositions, RefuseImpossibleSizes) {
  for (const auto& make : {pillow_nearest, opencv_nearest}) {
    EXPECT_EQ(make(0, 5).error().code, ErrorCode::INVALID_SPEC);
    EXPECT_EQ(make(5, 65536).error().code, ErrorCode::LIMIT_EXCEEDED);
  }
}

}  // namespace
}  // namespace onpath
