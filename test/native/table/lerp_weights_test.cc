// Claims about weights of two neighbours.
#include "table/lerp_weights.h"

#include <gtest/gtest.h>

#include <numeric>

#include "table/size_pairs.h"

namespace onpath {
namespace {

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

TEST(OpencvWeights, AreElevenBitsOfHalfPixelCentresAndAddUp) {
  for (const bool columns : {false, true}) {
    for (const auto& [in, out] : size_pairs()) {
      SCOPED_TRACE(testing::Message() << in << " -> " << out << (columns ? " columns" : " rows"));
      const LerpWeights w = opencv_weights(in, out, columns).value();
      ASSERT_EQ(w.denominator, kOpencvOne);
      for (uint32_t o = 0; o < out; ++o) {
        ASSERT_LE(std::max(w.w0[o], w.w1[o]), kOpencvOne);
        ASSERT_LE(std::abs(static_cast<int>(w.w0[o] + w.w1[o]) - static_cast<int>(kOpencvOne)),
                  static_cast<int>(kOpencvSlack));
        ASSERT_LE(w.i0[o], w.i1[o]);
        ASSERT_LE(w.i1[o], std::min(w.i0[o] + 1, in - 1));
        if (columns && (w.i1[o] == w.i0[o])) {
          ASSERT_EQ(w.w0[o], kOpencvOne);
        }
        // Where the output lies in the input, as the weights say it; float positions are a little off.
        const double at = w.i0[o] + (w.i1[o] - w.i0[o]) * static_cast<double>(w.w1[o]) / kOpencvOne;
        const double exact = std::clamp((o + 0.5) * in / out - 0.5, 0.0, in - 1.0);
        ASSERT_NEAR(at, exact, 1.0 / kOpencvOne + exact * 1e-7) << "output " << o;
      }
    }
  }
}

TEST(OpencvWeights, RowsBeyondTheBorderKeepBothWeights) {
  const LerpWeights rows = opencv_weights(2, 8, false).value();
  EXPECT_EQ(rows.i0[0], 0u);
  EXPECT_EQ(rows.i1[0], 0u);
  EXPECT_EQ(rows.w0[0], 768u);  // -0.375 is 0.625 after -1
  EXPECT_EQ(rows.w1[0], 1280u);
  EXPECT_EQ(opencv_weights(2, 8, true).value().w0[0], kOpencvOne);
}

TEST(OpencvWeights, RefuseImpossibleSizes) {
  EXPECT_EQ(opencv_weights(0, 5, true).error().code, ErrorCode::INVALID_SPEC);
  EXPECT_EQ(opencv_weights(5, 65536, false).error().code, ErrorCode::LIMIT_EXCEEDED);
}

}  // namespace
}  // namespace onpath
