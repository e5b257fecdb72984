// exact4: every kernel set gives the exact rational, rounded once, half to even.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "kernel/guarded.h"
#include "kernel/kernels.h"
#include "table/lerp_weights.h"

namespace onpath {
namespace {

using testing_kernels::Edge;
using testing_kernels::fill;
using testing_kernels::Guarded;
using testing_kernels::kLengths;

const KernelSet& definition() { return *find_kernels("scalar"); }

TEST(LerpKernels, RowEqualsTheDefinition) {
  for (const KernelSet* set : available_kernels()) {
    for (const auto& [in, out] : std::vector<std::pair<uint32_t, uint32_t>>{
             {1, 1}, {1, 9}, {2, 3}, {5, 2}, {1280, 224}, {100, 799}, {65535, 31}, {31, 65535}}) {
      const LerpWeights w = exact4_weights(in, out).value();
      for (uint32_t channels = 1; channels <= 4; ++channels) {
        SCOPED_TRACE(testing::Message()
                     << set->name << " " << in << " -> " << out << " channels " << channels);
        for (const Edge edge : {Edge::before, Edge::after}) {
          const Guarded src(size_t{in} * channels, edge), dst(size_t{out} * channels * 4, edge);
          fill(src.span(), in + channels);
          std::vector<uint32_t> expected(size_t{out} * channels);
          definition().lerp_row(src.data(), w.i0.data(), w.i1.data(), w.w0.data(), w.w1.data(), out, channels,
                                expected.data());
          set->lerp_row(src.data(), w.i0.data(), w.i1.data(), w.w0.data(), w.w1.data(), out, channels,
                        dst.as<uint32_t>());
          ASSERT_TRUE(std::equal(expected.begin(), expected.end(), dst.as<uint32_t>()));
          ASSERT_TRUE(dst.intact());
        }
      }
    }
  }
}

TEST(LerpKernels, DefinitionRoundsHalfToEven) {
  const uint32_t top[] = {1, 3, 5, 7, 10}, bottom[] = {0, 0, 0, 0, 0};
  uint8_t dst[5];
  definition().lerp_column(top, bottom, 1, 1, 2, 5, dst);
  EXPECT_EQ(std::vector<uint8_t>(dst, dst + 5), (std::vector<uint8_t>{0, 2, 2, 4, 5}));
}

/// Sums at, just below and just above every half, for denominators small, large, odd, even and beyond what
/// doubles hold.
TEST(LerpKernels, ColumnRoundsExactlyAtEveryTie) {
  std::vector<uint64_t> denominators = {1,
                                        2,
                                        3,
                                        4,
                                        7,
                                        10,
                                        224 * 448,
                                        131070ull * 131070ull,
                                        131069ull * 131067ull,
                                        (1ull << 44) - 1,
                                        1ull << 44,
                                        (1ull << 44) + 2,
                                        1ull << 53};
  std::mt19937_64 random(23);
  for (int i = 0; i < 40; ++i) denominators.push_back(1 + random() % (131070ull * 131070ull));
  for (const KernelSet* set : available_kernels()) {
    for (const uint64_t denominator : denominators) {
      // top * w0 + bottom * w1 spans every wanted sum: w0 = 2^22 carries the upper digits, w1 = 1 the lower
      // ones.
      const uint32_t w0 = 1u << 31, w1 = 1;
      std::vector<uint32_t> top, bottom;
      for (uint64_t q = 0; q < 255; ++q) {
        for (const int64_t away : {-1, 0, 1}) {
          const uint64_t sum = q * denominator + denominator / 2 + static_cast<uint64_t>(away);
          if ((sum >> 31) > UINT32_MAX || sum > 255 * denominator) continue;
          top.push_back(static_cast<uint32_t>(sum >> 31));
          bottom.push_back(static_cast<uint32_t>(sum & 0x7fffffff));
        }
      }
      std::vector<uint8_t> expected(top.size()), got(top.size());
      definition().lerp_column(top.data(), bottom.data(), w0, w1, denominator, top.size(), expected.data());
      set->lerp_column(top.data(), bottom.data(), w0, w1, denominator, top.size(), got.data());
      ASSERT_EQ(expected, got) << set->name << " denominator " << denominator;
    }
  }
}

TEST(LerpKernels, ColumnEqualsTheDefinition) {
  for (const KernelSet* set : available_kernels()) {
    std::mt19937_64 random(29);
    for (const size_t n : kLengths) {
      SCOPED_TRACE(testing::Message() << set->name << " n " << n);
      const auto dx = static_cast<uint32_t>(1 + random() % 131070),
                 dy = static_cast<uint32_t>(1 + random() % 131070);
      const auto w0 = static_cast<uint32_t>(random() % (dy + 1));
      const Edge edge = n % 2 == 0 ? Edge::before : Edge::after;
      const Guarded top(n * 4, edge), bottom(n * 4, edge), dst(n, edge);
      for (size_t i = 0; i < n; ++i) {
        top.as<uint32_t>()[i] = n % 3 == 0 ? 255 * dx : static_cast<uint32_t>(random() % (255ull * dx + 1));
        bottom.as<uint32_t>()[i] =
            n % 3 == 0 ? 255 * dx : static_cast<uint32_t>(random() % (255ull * dx + 1));
      }
      std::vector<uint8_t> expected(n);
      definition().lerp_column(top.as<uint32_t>(), bottom.as<uint32_t>(), w0, dy - w0, uint64_t{dx} * dy, n,
                               expected.data());
      set->lerp_column(top.as<uint32_t>(), bottom.as<uint32_t>(), w0, dy - w0, uint64_t{dx} * dy, n,
                       dst.data());
      ASSERT_TRUE(std::equal(expected.begin(), expected.end(), dst.data()));
      ASSERT_TRUE(dst.intact());
    }
  }
}

TEST(LerpKernels, Fixed11DefinitionDropsBitsAsOpencvDoes) {
  const uint32_t top[] = {100 * 2048, 255 * 2049, 1 * 2048}, bottom[] = {101 * 2048, 255 * 2049, 0};
  uint8_t dst[3];
  definition().lerp_column_fixed11(top, bottom, 1024, 1024, 3, dst);
  EXPECT_EQ(std::vector<uint8_t>(dst, dst + 3), (std::vector<uint8_t>{101, 255, 1}));
  definition().lerp_column_fixed11(top, bottom, 2048, 1, 3, dst);
  EXPECT_EQ(std::vector<uint8_t>(dst, dst + 3), (std::vector<uint8_t>{100, 255, 1}));
}

TEST(LerpKernels, Fixed11ColumnEqualsTheDefinition) {
  for (const KernelSet* set : available_kernels()) {
    std::mt19937 random(31);
    for (const size_t n : kLengths) {
      for (const uint32_t w0 : {0u, 1u, 1024u, 2047u, 2048u, static_cast<uint32_t>(random() % 2049)}) {
        const uint32_t w1 = std::min(2048u, 2049 - w0);
        SCOPED_TRACE(testing::Message() << set->name << " n " << n << " weights " << w0 << ", " << w1);
        const Edge edge = n % 2 == 0 ? Edge::before : Edge::after;
        const Guarded top(n * 4, edge), bottom(n * 4, edge), dst(n, edge);
        for (size_t i = 0; i < n; ++i) {
          for (const Guarded* row : {&top, &bottom}) {
            row->as<uint32_t>()[i] =
                random() % 4 == 0 ? 255 * 2049 : static_cast<uint32_t>(random() % (255 * 2049 + 1));
          }
        }
        std::vector<uint8_t> expected(n);
        definition().lerp_column_fixed11(top.as<uint32_t>(), bottom.as<uint32_t>(), w0, w1, n,
                                         expected.data());
        set->lerp_column_fixed11(top.as<uint32_t>(), bottom.as<uint32_t>(), w0, w1, n, dst.data());
        ASSERT_TRUE(std::equal(expected.begin(), expected.end(), dst.data()));
        ASSERT_TRUE(dst.intact());
      }
    }
  }
}

}  // namespace
}  // namespace onpath
