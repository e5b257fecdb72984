// Claims about the 16-bit float conversions, against arithmetic in double.
#include "table/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace onpath {
namespace {

/// Nearest even to a grid of `precision` significant bits with least exponent `least`, computed in double.
double round_to_grid(double value, int precision, int least) {
  if (value == 0 || !std::isfinite(value)) return value;
  const int exponent = std::max(std::ilogb(value), least);
  const double step = std::ldexp(1.0, exponent - (precision - 1));
  return std::nearbyint(value / step) * step;
}

void expect_half_of(float value) {
  const float back = half_to_float(float_to_half(value));
  double expected = round_to_grid(value, 11, -14);
  if (std::abs(expected) > 65504.0)
    expected = std::copysign(std::numeric_limits<double>::infinity(), expected);
  ASSERT_EQ(static_cast<double>(back), expected) << value;
  ASSERT_EQ(std::signbit(back), std::signbit(value)) << value;
}

void expect_bfloat16_of(float value) {
  const float back = bfloat16_to_float(float_to_bfloat16(value));
  double expected = round_to_grid(value, 8, -126);
  if (std::abs(expected) > static_cast<double>(bfloat16_to_float(0x7f7f))) {
    expected = std::copysign(std::numeric_limits<double>::infinity(), expected);
  }
  ASSERT_EQ(static_cast<double>(back), expected) << value;
  ASSERT_EQ(std::signbit(back), std::signbit(value)) << value;
}

TEST(Half, EveryFloat16AndItsNeighboursRoundToNearestEven) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float value = half_to_float(static_cast<uint16_t>(bits));
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(half_to_float(float_to_half(value))));
      continue;
    }
    ASSERT_EQ(float_to_half(value), bits);
    if (std::isinf(value)) continue;
    const float next = half_to_float(static_cast<uint16_t>(bits + 1));
    const float middle = std::isfinite(next) ? (value + next) / 2 : std::copysign(65520.0f, value);
    for (const float probe : {middle, std::nextafter(middle, 0.0f), std::nextafter(middle, 1e30f),
                              std::nextafter(middle, -1e30f), std::nextafter(value, 1e30f)}) {
      expect_half_of(probe);
    }
  }
}

TEST(Half, EveryBfloat16AndItsNeighboursRoundToNearestEven) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float value = bfloat16_to_float(static_cast<uint16_t>(bits));
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(bfloat16_to_float(float_to_bfloat16(value))));
      continue;
    }
    ASSERT_EQ(float_to_bfloat16(value), bits);
    if (std::isinf(value)) continue;
    const float middle = std::bit_cast<float>(bits << 16 | 0x8000u);
    for (const float probe : {middle, std::nextafter(middle, 0.0f), std::nextafter(middle, 1e38f)}) {
      expect_bfloat16_of(probe);
    }
  }
}

TEST(Half, RandomFloatsOfEveryExponentRoundToNearestEven) {
  std::mt19937 random(1);
  for (int i = 0; i < 300000; ++i) {
    const float value = std::bit_cast<float>(static_cast<uint32_t>(random()));
    if (!std::isfinite(value)) continue;
    expect_half_of(value);
    expect_bfloat16_of(value);
  }
}

TEST(Half, OverflowIsInfinityAndNaNStaysNaNWithItsSign) {
  EXPECT_EQ(float_to_half(65519.996f), 0x7bff);
  EXPECT_EQ(float_to_half(65520.0f), 0x7c00);
  EXPECT_EQ(float_to_half(-std::numeric_limits<float>::infinity()), 0xfc00);
  EXPECT_EQ(float_to_bfloat16(std::numeric_limits<float>::max()), 0x7f80);
  EXPECT_EQ(float_to_half(std::bit_cast<float>(0x7f800001u)), 0x7e00);
  EXPECT_EQ(float_to_half(std::bit_cast<float>(0xffc02000u)), 0xfe01);
  EXPECT_EQ(float_to_bfloat16(std::bit_cast<float>(0x7f800001u)), 0x7fc0);
  EXPECT_EQ(float_to_bfloat16(std::bit_cast<float>(0xffffffffu)), 0xffff);
}

}  // namespace
}  // namespace onpath
