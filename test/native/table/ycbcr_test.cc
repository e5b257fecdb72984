// The tables of toRgb: the coefficients that the standards print, and their offsets.
#include "table/ycbcr.h"

#include <gtest/gtest.h>

#include <cmath>

namespace onpath {
namespace {

struct Expected {
  const char* name;
  uint32_t kr, kb;
  bool studio;
  double y, cr_to_r, cb_to_g, cr_to_g, cb_to_b;
};

// As ITU-R BT.601-7 and BT.709-6 give them for signals from 0 to 1, to five digits.
constexpr Expected kExpected[] = {
    {"bt601 full", 2990, 1140, false, 1, 1.402, -0.344136, -0.714136, 1.772},
    {"bt601 studio", 2990, 1140, true, 1.164384, 1.596027, -0.391762, -0.812968, 2.017232},
    {"bt709 full", 2126, 722, false, 1, 1.5748, -0.187324, -0.468124, 1.8556},
    {"bt709 studio", 2126, 722, true, 1.164384, 1.792741, -0.213249, -0.532909, 2.112402},
};

TEST(YcbcrTables, HoldTheCoefficientsOfTheStandardsInSixteenBits) {
  for (const Expected& e : kExpected) {
    const YcbcrTables tables = ycbcr_tables(e.kr, e.kb, e.studio);
    const std::pair<YcbcrTables::Table, double> lines[] = {{YcbcrTables::y_to_all, e.y},
                                                           {YcbcrTables::cr_to_r, e.cr_to_r},
                                                           {YcbcrTables::cb_to_g, e.cb_to_g},
                                                           {YcbcrTables::cr_to_g, e.cr_to_g},
                                                           {YcbcrTables::cb_to_b, e.cb_to_b}};
    for (const auto& [which, coefficient] : lines) {
      const int32_t* table = tables.table(which);
      const int32_t zero = which != YcbcrTables::y_to_all ? 128 : e.studio ? 16 : 0;
      const int32_t step = table[zero + 1];
      EXPECT_EQ(table[zero], 0) << e.name << " " << which;
      EXPECT_NEAR(step, coefficient * 65536, 0.5 + 65536 * 5e-7) << e.name << " " << which;
      for (int32_t x = 0; x < 256; ++x) ASSERT_EQ(table[x], step * (x - zero)) << e.name << " " << which;
    }
  }
}

TEST(YcbcrTables, RoundCoefficientsToTheNearest) {
  // 1.402, 0.344136286..., 0.714136286... and 1.772 times 65,536, from exact rationals.
  const YcbcrTables tables = ycbcr_tables(2990, 1140, false);
  EXPECT_EQ(tables.table(YcbcrTables::y_to_all)[1], 65536);
  EXPECT_EQ(tables.table(YcbcrTables::cr_to_r)[129], 91881);
  EXPECT_EQ(tables.table(YcbcrTables::cb_to_g)[129], -22553);
  EXPECT_EQ(tables.table(YcbcrTables::cr_to_g)[129], -46802);
  EXPECT_EQ(tables.table(YcbcrTables::cb_to_b)[129], 116130);
}

}  // namespace
}  // namespace onpath
