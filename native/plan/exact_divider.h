// Division by a number fixed beforehand, for dividends that are usually multiples of it: a multiplication
// says whether they are, and what the quotient is.
#pragma once

#include <bit>
#include <cstdint>

namespace onpath {

class ExactDivider {
 public:
  /// `divisor` is at least 1.
  explicit constexpr ExactDivider(uint64_t divisor)
      : inverse_(inverse_of(divisor >> std::countr_zero(divisor))),
        shift_(std::countr_zero(divisor)),
        most_(UINT64_MAX / divisor) {}

  /// Whether `n` is a multiple; then `quotient` is right, else it is meaningless. Granlund and Montgomery,
  /// "Division by Invariant Integers using Multiplication" (1994), section 9.
  constexpr bool divide(uint64_t n, uint64_t& quotient) const {
    quotient = std::rotr(n * inverse_, shift_);
    return quotient <= most_;
  }
  constexpr bool divides(uint64_t n) const {
    uint64_t quotient = 0;
    return divide(n, quotient);
  }

 private:
  /// Of an odd number, modulo 2^64: every step of Newton's doubles the right bits, of which an odd number is
  /// its own inverse in three.
  static constexpr uint64_t inverse_of(uint64_t odd) {
    uint64_t inverse = odd;
    for (int right_bits = 3; right_bits < 64; right_bits *= 2) inverse *= 2 - odd * inverse;
    return inverse;
  }

  uint64_t inverse_;
  int shift_;
  uint64_t most_;
};

}  // namespace onpath
