// Sizes of pools, from numbers of a configuration: what does not fit 64 bits becomes the greatest number,
// which no limit takes.
#pragma once

#include <cstdint>

namespace onpath {

inline constexpr uint64_t kOverflow = UINT64_MAX;

inline uint64_t times(uint64_t a, uint64_t b) {
  uint64_t product;
  return __builtin_mul_overflow(a, b, &product) ? kOverflow : product;
}

inline uint64_t plus(uint64_t a, uint64_t b) {
  uint64_t sum;
  return __builtin_add_overflow(a, b, &sum) ? kOverflow : sum;
}

/// Up to the next whole cache line.
inline uint64_t whole_lines(uint64_t bytes) {
  constexpr uint64_t kLine = 64;
  const uint64_t padded = plus(bytes, kLine - 1);
  return padded == kOverflow ? kOverflow : padded / kLine * kLine;
}

}  // namespace onpath
