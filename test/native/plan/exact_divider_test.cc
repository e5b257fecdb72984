// A multiplication tells multiples from the rest.
#include "plan/exact_divider.h"

#include <gtest/gtest.h>

#include "support/random.h"

namespace onpath::testing {
namespace {

TEST(ExactDivider, FindsMultiplesAndTheirQuotients) {
  Random random(test_seed());
  for (uint64_t divisor = 1; divisor <= 300; ++divisor) {
    const ExactDivider by(divisor);
    const auto check = [&](uint64_t n) {
      uint64_t quotient = 0;
      ASSERT_EQ(by.divide(n, quotient), n % divisor == 0) << n << " / " << divisor;
      if (n % divisor == 0) {
        ASSERT_EQ(quotient, n / divisor);
      }
    };
    for (uint64_t n = 0; n < 1000; ++n) {
      check(n);
      check(UINT64_MAX - n);
      check(uint64_t{random.below(UINT32_MAX)} << 32 | random.below(UINT32_MAX));
      check(divisor * random.below(UINT32_MAX));
    }
  }
}

}  // namespace
}  // namespace onpath::testing
