// Claims about resampling weights, against formulas that share no code with the table makers.
#include "table/resample_weights.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "table/size_pairs.h"

namespace onpath {
namespace {

struct Filter {
  WindowFilter filter;
  long double support;
  long double (*weight)(long double x);
};

constexpr long double kPi = 3.14159265358979323846264338327950288L;
long double sinc(long double x) { return x == 0 ? 1 : std::sin(kPi * x) / (kPi * x); }

const Filter kFilters[] = {
    {WindowFilter::box, 0.5L, [](long double x) -> long double { return x > -0.5L && x <= 0.5L; }},
    {WindowFilter::bilinear, 1, [](long double x) { return std::max(0.0L, 1 - std::abs(x)); }},
    {WindowFilter::hamming, 1,
     [](long double x) {
       return std::abs(x) >= 1 ? 0 : sinc(x) * (0.54F + 0.46F * std::cos(kPi * x));  // floats, as Pillow has
     }},
    {WindowFilter::bicubic, 2,
     [](long double x) {
       x = std::abs(x);
       return x < 1   ? 1.5L * x * x * x - 2.5L * x * x + 1
              : x < 2 ? -0.5L * x * x * x + 2.5L * x * x - 4 * x + 2
                      : 0;
     }},
    {WindowFilter::lanczos3, 3, [](long double x) { return std::abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0; }},
};

const int32_t* row_of(const ResampleWeights& w, uint32_t out) {
  return w.weights.data() + size_t{w.row[out]} * w.taps;
}

/// The shares of the window of one output position, of every input position from `first` on.
std::vector<long double> exact_shares(const Filter& f, uint32_t in, uint32_t out, uint32_t o, uint32_t first,
                                      uint32_t count) {
  const long double scale = static_cast<long double>(in) / out;
  const long double width = std::max(scale, 1.0L);
  const long double centre = (o + 0.5L) * scale;
  const auto at = [&](int64_t i) { return f.weight((static_cast<long double>(i) + 0.5L - centre) / width); };
  long double total = 0;
  const auto lowest = static_cast<int64_t>(std::floor(centre - width * f.support)) - 2;
  const auto highest = static_cast<int64_t>(std::ceil(centre + width * f.support)) + 2;
  for (auto i = std::max<int64_t>(lowest, 0); i <= std::min<int64_t>(highest, in - 1); ++i) total += at(i);
  std::vector<long double> shares;
  for (uint32_t i = first; i < first + count; ++i) shares.push_back(at(i) / total);
  return shares;
}

TEST(PillowWeights, FollowTheirFilterWithin22Bits) {
  for (const Filter& filter : kFilters) {
    for (const auto& [in, out] : size_pairs()) {
      SCOPED_TRACE(testing::Message() << static_cast<int>(filter.filter) << ": " << in << " -> " << out);
      const auto made = pillow_weights(in, out, filter.filter);
      ASSERT_TRUE(made.ok());
      const ResampleWeights& w = made.value();
      uint32_t end = 0;
      for (uint32_t o = 0; o < out; ++o) {
        ASSERT_GE(w.count[o], 1);
        ASSERT_LE(w.count[o], w.taps);
        ASSERT_LE(uint64_t{w.first[o]} + w.count[o], in);
        ASSERT_GE(w.first[o] + w.count[o], end) << "the end of output " << o;
        ASSERT_TRUE(o == 0 || w.first[o] >= w.first[o - 1]);
        end = w.first[o] + w.count[o];
      }
      for (uint32_t o = 0; o < out; o += 1 + out / 97) {
        const int32_t* row = row_of(w, o);
        const auto shares = exact_shares(filter, in, out, o, w.first[o], w.count[o]);
        // A pixel that lies on the edge of a box may fall on either side of it in double.
        const bool edge = uint64_t{2} * o * in % out == 0 || (uint64_t{2} * o + 1) * in % out == 0 ||
                          (uint64_t{2} * o + 2) * in % out == 0;
        if (filter.filter == WindowFilter::box && edge) continue;
        // Pillow's hamming is 1 at 0 and, by its float constants, 1.00000003 beside it: rounding in double
        // decides.
        const long double most = filter.filter == WindowFilter::hamming ? 0.54L : 0.5001L;
        int64_t sum = 0;
        for (uint32_t i = 0; i < w.count[o]; ++i) {
          ASSERT_LE(std::abs(static_cast<long double>(row[i]) - shares[i] * (1 << 22)), most)
              << "output " << o << " tap " << i;
          sum += row[i];
        }
        // Weights outside the window round to nothing, so the sum misses 2^22 by rounding only.
        ASSERT_LE(std::abs(sum - (1 << 22)), w.taps / 2 + 1) << "output " << o;
        for (uint32_t i = w.count[o]; i < w.taps; ++i) ASSERT_EQ(row[i], 0);
      }
    }
  }
}

TEST(PillowWeights, OfNoFilterLet32BitSumsOverflow) {
  std::vector<std::pair<uint32_t, uint32_t>> pairs;
  for (uint32_t in = 1; in <= 60; ++in) {
    for (uint32_t out = 1; out <= 60; ++out) pairs.emplace_back(in, out);
  }
  for (const auto& pair : size_pairs()) pairs.push_back(pair);
  int64_t greatest = 0, least = 0;
  for (const Filter& filter : kFilters) {
    for (const auto& [in, out] : pairs) {
      const ResampleWeights w = pillow_weights(in, out, filter.filter).value();
      for (uint32_t r = 0; r < w.rows(); ++r) {
        int64_t most = 0, fewest = 0;
        for (uint32_t t = 0; t < w.taps; ++t) {
          const int32_t weight = w.weights[size_t{r} * w.taps + t];
          (weight > 0 ? most : fewest) += weight;
        }
        greatest = std::max(greatest, most);
        least = std::min(least, fewest);
      }
    }
  }
  EXPECT_LT(greatest, kMostWeight * 3 / 4);  // 1.5 of 2.006
  EXPECT_GT(least, kLeastWeight / 4);        // -0.5 of -2.008
  EXPECT_GT(greatest, (1 << 22) * 5 / 4);    // filters overshoot, so this is not about positive weights only
  EXPECT_LT(kMostWeight * 255 + (1 << 21), int64_t{1} << 31);
  EXPECT_GE(kLeastWeight * 255, -(int64_t{1} << 31));
}

/// Sines of two C libraries may differ in the last bit; no weight of these sizes is so near a tie that it
/// could show.
TEST(PillowWeights, OfSinesDoNotDependOnTheLastBit) {
  for (const Filter& filter : kFilters) {
    if (filter.filter != WindowFilter::hamming && filter.filter != WindowFilter::lanczos3) continue;
    for (const uint32_t in : {375u, 480u, 500u, 640u, 720u, 1080u, 1280u, 1920u, 2160u, 3840u}) {
      for (const uint32_t out : {224u, 256u, 299u, 336u, 384u, 512u, 640u}) {
        const ResampleWeights w = pillow_weights(in, out, filter.filter).value();
        for (uint32_t o = 0; o < out; ++o) {
          for (const long double share : exact_shares(filter, in, out, o, w.first[o], w.count[o])) {
            const long double scaled = std::abs(share) * (1 << 22);
            ASSERT_GT(std::abs(scaled - std::floor(scaled) - 0.5L), 1e-8L) << in << " -> " << out;
          }
        }
      }
    }
  }
}

TEST(TorchWeights, ArePillowsWithFewerBits) {
  for (const Filter& filter : kFilters) {
    if (filter.filter != WindowFilter::bilinear && filter.filter != WindowFilter::bicubic) continue;
    for (const auto& [in, out] : size_pairs()) {
      SCOPED_TRACE(testing::Message() << in << " -> " << out);
      const ResampleWeights exact = pillow_weights(in, out, filter.filter).value();
      const ResampleWeights w = torch_weights(in, out, filter.filter).value();
      const int32_t greatest = *std::max_element(w.weights.begin(), w.weights.end());
      int bits = 22;
      while (greatest >> (22 - bits) >= 1 << 15) --bits;
      const int32_t unit = 1 << (22 - bits);
      EXPECT_TRUE(bits == 22 || greatest / unit >= (1 << 14) - 1) << "one bit more would not fit";
      for (uint32_t o = 0; o < out; o += 1 + out / 97) {
        for (uint32_t i = 0; i < w.count[o]; ++i) {
          const int32_t weight = row_of(w, o)[i];
          ASSERT_EQ(weight % unit, 0);
          const int64_t there = w.first[o] + i - exact.first[o];
          const int32_t other = there < exact.count[o] ? row_of(exact, o)[there] : 0;
          ASSERT_LE(std::abs(weight - other), unit / 2 + 1) << "output " << o << " tap " << i;
        }
      }
    }
  }
}

TEST(TorchWeights, OfEnlargementHave14Bits) {
  const ResampleWeights w = torch_weights(100, 300, WindowFilter::bicubic).value();
  bool finer = false;
  for (const int32_t weight : w.weights) {
    EXPECT_EQ(weight % (1 << 8), 0);
    finer = finer || weight % (1 << 9) != 0;
  }
  EXPECT_TRUE(finer);
}

TEST(PillowBilinearWeights, EqualSizesAreTheIdentity) {
  const auto made = pillow_weights(97, 97, WindowFilter::bilinear);
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
    const ResampleWeights w = pillow_weights(in, out, WindowFilter::bilinear).value();
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
  const ResampleWeights x = pillow_weights(1280, 224, WindowFilter::bilinear).value();
  const ResampleWeights y = pillow_weights(720, 224, WindowFilter::bilinear).value();
  EXPECT_EQ(x.rows(), 9u);
  EXPECT_EQ(x.taps, 12u);
  EXPECT_EQ(y.rows(), 16u);
  for (uint32_t o = 1; o + 8 < 224; ++o) {
    EXPECT_EQ(x.row[o], x.row[o + 7]) << o;
    EXPECT_EQ(x.first[o] + 40, x.first[o + 7]) << o;
  }
}

TEST(PillowBilinearWeights, RefuseImpossibleSizes) {
  EXPECT_EQ(pillow_weights(0, 5, WindowFilter::bilinear).error().code, ErrorCode::INVALID_SPEC);
  EXPECT_EQ(pillow_weights(5, 0, WindowFilter::bilinear).error().code, ErrorCode::INVALID_SPEC);
  EXPECT_EQ(pillow_weights(65536, 5, WindowFilter::bilinear).error().code, ErrorCode::LIMIT_EXCEEDED);
  EXPECT_EQ(pillow_weights(5, 0xffffffffu, WindowFilter::bilinear).error().code, ErrorCode::LIMIT_EXCEEDED);
}

}  // namespace
}  // namespace onpath
