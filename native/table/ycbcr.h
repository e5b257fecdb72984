// Tables that turn Y'CbCr into R'G'B', as ITU-R BT.601 and BT.709 define both by Kr and Kb.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace onpath {

/// What one byte of Y, Cb or Cr adds to one of r, g, b, in 16-bit fixed point. Entry x of each table is its
/// coefficient times (x - offset), where the offset is 128 for chroma and 16 (studio) or 0 (full) for Y.
struct YcbcrTables {
  enum Table : size_t { y_to_all = 0, cr_to_r = 1, cb_to_g = 2, cr_to_g = 3, cb_to_b = 4 };
  static constexpr size_t kTables = 5;

  std::array<int32_t, kTables * 256> entries{};  // [table][256]

  const int32_t* table(Table t) const { return entries.data() + t * 256; }
};

/// `kr` and `kb` are the weights of red and blue in Y, in 1/10,000: 2990 and 1140 of BT.601, 2126 and 722 of
/// BT.709. A coefficient is its exact rational times 65,536, rounded to the nearest integer, half away from
/// zero: 1 for Y, 2(1 - Kr) and 2(1 - Kb) for r and b, -2Kr(1 - Kr)/Kg and -2Kb(1 - Kb)/Kg for g; in studio
/// range times 255/219 for Y and 255/224 for chroma.
YcbcrTables ycbcr_tables(uint32_t kr, uint32_t kb, bool studio);

}  // namespace onpath
