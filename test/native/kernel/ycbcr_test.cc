// uyvy to rgb: every colour there is, every kernel set against the definition, and nothing written beyond.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "kernel/guarded.h"
#include "kernel/kernels.h"
#include "table/ycbcr.h"

namespace onpath {
namespace {

using testing_kernels::Edge;
using testing_kernels::fill;
using testing_kernels::Guarded;
using testing_kernels::kLengths;

std::vector<YcbcrTables> all_tables() {
  return {ycbcr_tables(2990, 1140, true), ycbcr_tables(2990, 1140, false), ycbcr_tables(2126, 722, true),
          ycbcr_tables(2126, 722, false)};
}

/// Every Y, Cb and Cr together, in 2^23 groups of two pixels.
std::vector<uint8_t> every_colour() {
  std::vector<uint8_t> groups;
  groups.reserve(size_t{4} << 23);
  for (uint32_t g = 0; g < 1u << 23; ++g) {
    for (const uint32_t byte : {g >> 7 & 255, 2 * (g & 127), g >> 15, 2 * (g & 127) + 1})
      groups.push_back(static_cast<uint8_t>(byte));
  }
  return groups;
}

TEST(YcbcrKernels, EverySetGivesTheDefinitionForEveryColour) {
  const std::vector<uint8_t> src = every_colour();
  const size_t pairs = src.size() / 4;
  std::vector<uint8_t> expected(pairs * 6), actual(pairs * 6);
  for (const YcbcrTables& tables : all_tables()) {
    find_kernels("scalar")->uyvy_to_rgb(src.data(), pairs, tables.entries.data(), expected.data());
    for (const KernelSet* set : available_kernels()) {
      std::fill(actual.begin(), actual.end(), uint8_t{0xA5});
      set->uyvy_to_rgb(src.data(), pairs, tables.entries.data(), actual.data());
      ASSERT_TRUE(actual == expected) << set->name;
    }
  }
}

TEST(YcbcrKernels, TheDefinitionClipsAndRoundsTheSums) {
  const YcbcrTables tables = ycbcr_tables(2990, 1140, true);
  // Black and white of the studio range; below and above it; and red as the standard has it: Y 81, Cb 90, Cr
  // 240.
  const uint8_t src[] = {128, 16, 128, 235, 128, 0, 128, 255, 90, 81, 240, 81};
  uint8_t dst[18];
  find_kernels("scalar")->uyvy_to_rgb(src, 3, tables.entries.data(), dst);
  const uint8_t expected[] = {0, 0, 0, 255, 255, 255, 0, 0, 0, 255, 255, 255, 254, 0, 0, 254, 0, 0};
  EXPECT_TRUE(std::equal(std::begin(dst), std::end(dst), expected));
}

TEST(YcbcrKernels, AnyLengthTouchesNothingElse) {
  const YcbcrTables tables = ycbcr_tables(2126, 722, true);
  for (const KernelSet* set : available_kernels()) {
    for (const size_t pairs : kLengths) {
      SCOPED_TRACE(testing::Message() << set->name << " pairs " << pairs);
      const Edge edge = pairs % 2 == 0 ? Edge::before : Edge::after;
      const Guarded src(pairs * 4, edge), dst(pairs * 6, edge);
      fill(src.span(), 2 + 4 * static_cast<uint32_t>(pairs));
      std::vector<uint8_t> expected(pairs * 6);
      find_kernels("scalar")->uyvy_to_rgb(src.data(), pairs, tables.entries.data(), expected.data());
      set->uyvy_to_rgb(src.data(), pairs, tables.entries.data(), dst.data());
      ASSERT_TRUE(std::equal(expected.begin(), expected.end(), dst.data()));
      ASSERT_TRUE(dst.intact());
      ASSERT_TRUE(src.intact());
    }
  }
}

}  // namespace
}  // namespace onpath
