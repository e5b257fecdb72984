// Claims about resampling weights, against formulas that share no code with the table makers.
#include "table/resample_weights.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>
#include <set>

namespace onpath {
namespace {

std::vector<std::pair<uint32_t, uint32_t>> size_pairs() {
  std::vector<std::pair<uint32_t, uint32_t>> pairs = {
      {1, 1},     {1, 7},         {7, 1},         {2, 1},         {3, 2},       {224, 224}, {1280, 224},
      {720, 224}, {640, 5120},    {10000, 3},     {3, 10000},     {65535, 1},   {65535, 2}, {1, 65535},
      {65535, 7}, {65535, 65534}, {65534, 65535}, {65535, 65535}, {1921, 1080}, {500, 499}, {333, 1000}};
  std::mt19937 random(7);
  for (int i = 0; i < 60; ++i) pairs.emplace_back(1 + random() % 2000, 1 + random() % 2000);
  return pairs;
}

TEST(PillowBilinearWeights, FollowTheTriangleWithin22Bits) {
  for (const auto& [in, out] : size_pairs()) {
    SCOPED_TRACE(testing::Message() << in << " -> " << out);
    const auto made = pillow_bilinear_weights(in, out);
    ASSERT_TRUE(made.ok());
    const ResampleWeights& w = made.value();
    const long double scale = static_cast<long double>(in) / out;
    const long double width = std::max(scale, 1.0L);
    for (uint32_t o = 0; o < out; o += 1 + out / 97) {
      ASSERT_GE(w.count[o], 1);
      ASSERT_LE(w.count[o], w.taps);
      ASSERT_LE(uint64_t{w.first[o]} + w.count[o], in);
      const int32_t* row = w.weights.data() + size_t{w.row[o]} * w.taps;
      const long double centre = (o + 0.5L) * scale;
      const auto triangle = [&](uint32_t i) {
        return std::max(0.0L, 1 - std::abs((i + 0.5L - centre) / width));
      };
      long double total = 0;
      const auto lowest = static_cast<int64_t>(std::floor(centre - width)) - 2;
      const auto highest = static_cast<int64_t>(std::ceil(centre + width)) + 2;
      for (int64_t i = std::max<int64_t>(lowest, 0); i <= std::min<int64_t>(highest, in - 1); ++i) {
        total += triangle(static_cast<uint32_t>(i));
      }
      int64_t sum = 0;
      for (uint32_t i = 0; i < w.count[o]; ++i) {
        const long double expected = triangle(w.first[o] + i) / total * (1 << 22);
        ASSERT_LE(std::abs(static_cast<long double>(row[i]) - expected), 0.5001L)
            << "output " << o << " tap " << i;
        sum += row[i];
      }
      // Weights outside the window round to nothing, so the sum misses 2^22 by rounding only: no int32 sum of
      // 255s overflows.
      ASSERT_LE(std::abs(sum - (1 << 22)), w.taps / 2 + 1) << "output " << o;
      ASSERT_LT(sum * 255 + (1 << 21), int64_t{1} << 31);
      for (uint32_t i = w.count[o]; i < w.taps; ++i) ASSERT_EQ(row[i], 0);
    }
  }
}

TEST(PillowBilinearWeights, EqualSizesAreTheIdentity) {
  const auto made = pillow_bilinear_weights(97, 97);
  for (uint32_t o = 0; o < 97; ++o) {
    const int32_t* row = made.value().weights.data() + size_t{made.value().row[o]} * made.value().taps;
    int32_t at_o = 0;
    for (uint32_t i = 0; i < made.value().count[o]; ++i) {
      if (made.value().first[o] + i == o) at_o = row[i];
    }
    EXPECT_EQ(at_o, 1 << 22);
  }
}

TEST(PillowBilinearWeights, RowsAreStoredOnceAndCountTrimsOnlyZeros) {
  for (const auto& [in, out] : size_pairs()) {
    if (in > 2000 || out > 2000) continue;
    const ResampleWeights w = pillow_bilinear_weights(in, out).value();
    std::set<std::vector<int32_t>> rows;
    for (uint32_t r = 0; r < w.rows(); ++r) {
      rows.insert({w.weights.begin() + r * w.taps, w.weights.begin() + (r + 1) * w.taps});
    }
    EXPECT_EQ(rows.size(), w.rows()) << in << " -> " << out;
    for (uint32_t o = 0; o < out; ++o) {
      if (w.count[o] > 1) {
        EXPECT_NE(w.weights[size_t{w.row[o]} * w.taps + w.count[o] - 1], 0);
      }
    }
  }
}

TEST(PillowBilinearWeights, Of1280x720To224x224Are9And16RowsThatRepeat) {
  const ResampleWeights x = pillow_bilinear_weights(1280, 224).value();
  const ResampleWeights y = pillow_bilinear_weights(720, 224).value();
  EXPECT_EQ(x.rows(), 9u);
  EXPECT_EQ(x.taps, 12u);
  EXPECT_EQ(y.rows(), 16u);
  for (uint32_t o = 1; o + 8 < 224; ++o) {
    EXPECT_EQ(x.row[o], x.row[o + 7]) << o;
    EXPECT_EQ(x.first[o] + 40, x.first[o + 7]) << o;
  }
}

TEST(PillowBilinearWeights, RefuseImpossibleSizes) {
  EXPECT_EQ(pillow_bilinear_weights(0, 5).error().code, ErrorCode::INVALID_SPEC);
  EXPECT_EQ(pillow_bilinear_weights(5, 0).error().code, ErrorCode::INVALID_SPEC);
  EXPECT_EQ(pillow_bilinear_weights(65536, 5).error().code, ErrorCode::LIMIT_EXCEEDED);
  EXPECT_EQ(pillow_bilinear_weights(5, 0xffffffffu).error().code, ErrorCode::LIMIT_EXCEEDED);
}

TEST(Exact4Weights, AreTheRationalPositionsOfHalfPixelCentres) {
  for (const auto& [in, out] : size_pairs()) {
    SCOPED_TRACE(testing::Message() << in << " -> " << out);
    const LerpWeights w = exact4_weights(in, out).value();
    uint64_t divisor = w.denominator;
    for (uint32_t o = 0; o < out; ++o) {
      ASSERT_EQ(uint64_t{w.w0[o]} + w.w1[o], w.denominator);
      divisor = std::gcd(std::gcd(divisor, uint64_t{w.w0[o]}), uint64_t{w.w1[o]});
      // (o + 1/2) * in/out - 1/2 lies w1/denominator after the first tap, unless the border holds it.
      const __int128 twice_out = 2 * static_cast<__int128>(out);
      const __int128 numerator = (2 * static_cast<__int128>(o) + 1) * in - out;
      if (numerator < 0) {
        ASSERT_EQ(w.i0[o], 0u);
        ASSERT_EQ(w.i1[o], 0u);
      } else if (numerator >= twice_out * (in - 1)) {
        ASSERT_EQ(w.i0[o], in - 1);
        ASSERT_EQ(w.i1[o], in - 1);
      } else {
        ASSERT_EQ(w.i1[o], w.i0[o] + 1);
        ASSERT_EQ((static_cast<__int128>(w.i0[o]) * w.denominator + w.w1[o]) * twice_out,
                  numerator * w.denominator);
        ASSERT_LT(w.w1[o], w.denominator);
      }
    }
    ASSERT_EQ(divisor, 1u) << "the denominator is reduced";
  }
}

TEST(Exact4Weights, Of1280x720To224x224Have7And14Phases) {
  EXPECT_EQ(exact4_weights(1280, 224).value().distinct_rows(), 7u);
  EXPECT_EQ(exact4_weights(720, 224).value().distinct_rows(), 14u);
}

TEST(Exact4Weights, OfEqualSizesNeedNoSecondTap) {
  const LerpWeights w = exact4_weights(640, 640).value();
  EXPECT_EQ(w.denominator, 1u);
  EXPECT_EQ(w.distinct_rows(), 1u);
  EXPECT_EQ(w.w0[17], 1u);
}

TEST(Exact4Weights, RefuseImpossibleSizes) {
  EXPECT_EQ(exact4_weights(0, 5).error().code, ErrorCode::INVALID_SPEC);
  EXPECT_EQ(exact4_weights(5, 65536).error().code, ErrorCode::LIMIT_EXCEEDED);
}

}  // namespace
}  // namespace onpath
