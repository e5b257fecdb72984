// Coefficients as exact rationals, so that they depend on no floating-point unit.
#include "table/ycbcr.h"

namespace onpath {
namespace {

constexpr int64_t kUnit = 10'000;  // Kr and Kb are given in 1 / kUnit
constexpr int64_t kOne = 65'536;   // 1.0 in fixed point

/// numerator / denominator in fixed point, to the nearest, half away from zero.
int32_t fixed(int64_t numerator, int64_t denominator) {
  const bool negative = numerator < 0;
  const int64_t magnitude =
      (2 * (negative ? -numerator : numerator) * kOne + denominator) / (2 * denominator);
  return static_cast<int32_t>(negative ? -magnitude : magnitude);
}

void fill(YcbcrTables* tables, YcbcrTables::Table table, int32_t coefficient, int32_t offset) {
  for (int32_t x = 0; x < 256; ++x)
    tables->entries[table * 256 + static_cast<size_t>(x)] = coefficient * (x - offset);
}

}  // namespace

YcbcrTables ycbcr_tables(uint32_t kr_units, uint32_t kb_units, bool studio) {
  const int64_t kr = kr_units;
  const int64_t kb = kb_units;
  const int64_t kg = kUnit - kr - kb;
  const int64_t y_levels = studio ? 219 : 255;
  const int64_t chroma_levels = studio ? 224 : 255;
  YcbcrTables tables;
  fill(&tables, YcbcrTables::y_to_all, fixed(255, y_levels), studio ? 16 : 0);
  fill(&tables, YcbcrTables::cr_to_r, fixed(2 * (kUnit - kr) * 255, kUnit * chroma_levels), 128);
  fill(&tables, YcbcrTables::cb_to_g, fixed(-2 * kb * (kUnit - kb) * 255, kUnit * kg * chroma_levels), 128);
  fill(&tables, YcbcrTables::cr_to_g, fixed(-2 * kr * (kUnit - kr) * 255, kUnit * kg * chroma_levels), 128);
  fill(&tables, YcbcrTables::cb_to_b, fixed(2 * (kUnit - kb) * 255, kUnit * chroma_levels), 128);
  return tables;
}

}  // namespace onpath
