// 16-bit floats as bit patterns: IEEE 754 binary16 (float16) and the upper half of binary32 (bfloat16).
// Integer arithmetic only, so the result depends on no compiler flag, rounding mode or instruction set.
// Must not know: tables, kernels, pixels.
#pragma once

#include <bit>
#include <cstdint>

namespace onpath {

namespace half_internal {

/// value / 2^shift rounded to the nearest integer, ties to even; 1 <= shift <= 31.
constexpr uint32_t shift_right_to_nearest_even(uint32_t value, uint32_t shift) {
  const uint32_t quotient = value >> shift;
  const uint32_t rest = value & ((uint32_t{1} << shift) - 1);
  const uint32_t half = uint32_t{1} << (shift - 1);
  return quotient + ((rest > half || (rest == half && (quotient & 1) != 0)) ? 1 : 0);
}

}  // namespace half_internal

/// Nearest even; too large becomes infinity, too small becomes a subnormal or zero of the same sign. A NaN
/// stays a NaN: it becomes quiet and keeps its sign and the payload bits that fit.
constexpr uint16_t float_to_half(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = bits >> 16 & 0x8000u;
  const uint32_t magnitude = bits & 0x7fff'ffffu;
  if (magnitude > 0x7f80'0000u) return static_cast<uint16_t>(sign | 0x7e00u | (magnitude >> 13 & 0x1ffu));
  if (magnitude >= 0x4780'0000u) return static_cast<uint16_t>(sign | 0x7c00u);  // 2^16 and above
  if (magnitude >= 0x3880'0000u) {  // 2^-14 and above: normal. A carry out of the fraction moves the exponent
                                    // up, to infinity at last.
    const uint32_t rebiased = magnitude - ((127u - 15u) << 23);
    return static_cast<uint16_t>(sign | half_internal::shift_right_to_nearest_even(rebiased, 13));
  }
  const uint32_t exponent = magnitude >> 23;
  if (exponent < 102) return static_cast<uint16_t>(sign);  // below 2^-25, half of the least subnormal
  const uint32_t significand = (magnitude & 0x7f'ffffu) | 0x80'0000u;
  return static_cast<uint16_t>(sign |
                               half_internal::shift_right_to_nearest_even(significand, 126 - exponent));
}

/// Exact.
constexpr float half_to_float(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  const uint32_t exponent = half >> 10 & 0x1fu;
  uint32_t fraction = half & 0x3ffu;
  if (exponent == 0x1f) return std::bit_cast<float>(sign | 0x7f80'0000u | fraction << 13);
  if (exponent != 0) return std::bit_cast<float>(sign | (exponent + 127 - 15) << 23 | fraction << 13);
  if (fraction == 0) return std::bit_cast<float>(sign);
  const uint32_t shift =
      static_cast<uint32_t>(std::countl_zero(fraction)) - 21;  // brings the leading one to bit 10
  fraction = fraction << shift & 0x3ffu;
  return std::bit_cast<float>(sign | (127 - 14 - shift) << 23 | fraction << 13);
}

/// Nearest even; too large becomes infinity. A NaN stays a NaN: it becomes quiet and keeps its sign and upper
/// payload bits.
constexpr uint16_t float_to_bfloat16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fff'ffffu) > 0x7f80'0000u) return static_cast<uint16_t>(bits >> 16 | 0x40u);
  return static_cast<uint16_t>(half_internal::shift_right_to_nearest_even(bits, 16));
}

/// Exact.
constexpr float bfloat16_to_float(uint16_t bfloat16) {
  return std::bit_cast<float>(static_cast<uint32_t>(bfloat16) << 16);
}

}  // namespace onpath
