// Alpha: all 65,536 pairs of value and alpha against the formulas, and every kernel set against the
// definition, in place too.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernel/guarded.h"
#include "kernel/kernels.h"

namespace onpath {
namespace {

using testing_kernels::Edge;
using testing_kernels::fill;
using testing_kernels::Guarded;
using testing_kernels::kLengths;

std::vector<uint8_t> all_pairs() {
  std::vector<uint8_t> pixels;
  for (uint32_t alpha = 0; alpha < 256; ++alpha) {
    for (uint32_t value = 0; value < 256; ++value) {
      for (const uint32_t byte : {value, 255 - value, value ^ 0x55, alpha})
        pixels.push_back(static_cast<uint8_t>(byte));
    }
  }
  return pixels;
}

TEST(AlphaKernels, PremultiplyIsTheNearest255thForAllPairs) {
  const std::vector<uint8_t> src = all_pairs();
  for (const KernelSet* set : available_kernels()) {
    std::vector<uint8_t> dst(src.size());
    set->premultiply(src.data(), src.size() / 4, dst.data());
    for (size_t i = 0; i < src.size(); ++i) {
      const uint32_t alpha = src[i | 3];
      const uint32_t expected = (i & 3) == 3 ? alpha : (2 * src[i] * alpha + 255) / 510;
      ASSERT_EQ(dst[i], expected) << set->name << " value " << int{src[i]} << " alpha " << alpha;
    }
  }
}

TEST(AlphaKernels, UnpremultiplyIsTheClippedFloorForAllPairs) {
  const std::vector<uint8_t> src = all_pairs();
  for (const KernelSet* set : available_kernels()) {
    std::vector<uint8_t> dst(src.size());
    set->unpremultiply(src.data(), src.size() / 4, dst.data());
    for (size_t i = 0; i < src.size(); ++i) {
      const uint32_t alpha = src[i | 3];
      const uint32_t expected = (i & 3) == 3 ? alpha
                                : alpha == 0 ? src[i]
                                             : std::min(255u, 255u * src[i] / alpha);
      ASSERT_EQ(dst[i], expected) << set->name << " value " << int{src[i]} << " alpha " << alpha;
    }
  }
}

TEST(AlphaKernels, AnyLengthInPlaceOrNotTouchesNothingElse) {
  for (const KernelSet* set : available_kernels()) {
    for (const size_t pixels : kLengths) {
      for (const bool back : {false, true}) {
        SCOPED_TRACE(testing::Message() << set->name << " pixels " << pixels << " back " << back);
        const Edge edge = pixels % 2 == 0 ? Edge::before : Edge::after;
        const auto run = back ? set->unpremultiply : set->premultiply;
        const auto define =
            back ? find_kernels("scalar")->unpremultiply : find_kernels("scalar")->premultiply;
        const Guarded src(pixels * 4, edge), dst(pixels * 4, edge);
        fill(src.span(), 2 + 4 * static_cast<uint32_t>(pixels));
        std::vector<uint8_t> expected(pixels * 4);
        define(src.data(), pixels, expected.data());
        run(src.data(), pixels, dst.data());
        ASSERT_TRUE(std::equal(expected.begin(), expected.end(), dst.data()));
        ASSERT_TRUE(dst.intact());
        run(src.data(), pixels, src.data());
        ASSERT_TRUE(std::equal(expected.begin(), expected.end(), src.data()));
      }
    }
  }
}

}  // namespace
}  // namespace onpath
