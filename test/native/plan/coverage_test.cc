// Coverage against a plain array of flags, across resets.
#include "plan/coverage.h"

#include <gtest/gtest.h>

#include "support/random.h"

namespace onpath::testing {
namespace {

TEST(Coverage, TellsEveryNewRunOnceAndMaximal) {
  Random random(test_seed());
  for (int round = 0; round < 60; ++round) {
    const uint64_t units = random.one_in(3) ? random.between(1, 200) : random.between(1, 40000);
    Coverage coverage(units);
    for (int sample = 0; sample < 4; ++sample) {
      coverage.reset();
      std::vector<uint8_t> seen(units, 0);
      uint64_t missing = units;
      uint64_t in_order = 0;
      const bool prefer_order = random.one_in(2);
      const int pushes = static_cast<int>(random.between(1, 150));
      for (int i = 0; i < pushes; ++i) {
        uint64_t begin = random.below(static_cast<uint32_t>(units));
        if (prefer_order && !random.one_in(8)) begin = in_order;
        const uint64_t end = std::min(units, begin + random.below(random.one_in(4) ? 3000 : 90));
        in_order = end;
        // The model's runs.
        std::vector<std::pair<uint64_t, uint64_t>> expected, actual;
        for (uint64_t u = begin; u < end; ++u) {
          if (seen[u]) continue;
          if (expected.empty() || expected.back().second != u) expected.push_back({u, u});
          expected.back().second = u + 1;
          seen[u] = 1;
          --missing;
        }
        const uint64_t before = coverage.missing();
        const uint64_t added = coverage.add(begin, end, [&](uint64_t b, uint64_t e) {
          actual.push_back({b, e});
        });
        ASSERT_EQ(actual, expected);
        ASSERT_EQ(coverage.missing(), missing);
        ASSERT_EQ(added, before - missing);
      }
    }
  }
}

TEST(Coverage, NothingOfASampleStaysAfterReset) {
  Coverage coverage(1'000'000);
  for (int sample = 0; sample < 3; ++sample) {
    coverage.reset();
    uint64_t runs = 0;
    for (uint64_t at = 999'999; at > 5000; at -= 4999) {
      coverage.add(at, at + 1, [&](uint64_t, uint64_t) { ++runs; });
    }
    EXPECT_EQ(runs, 200u);
    coverage.reset();
    EXPECT_EQ(coverage.add(0, 1'000'000, [](uint64_t, uint64_t) {}), 1'000'000u);
    EXPECT_EQ(coverage.missing(), 0u);
    EXPECT_EQ(coverage.add(0, 1'000'000, [](uint64_t, uint64_t) { ADD_FAILURE(); }), 0u);
  }
}

}  // namespace
}  // namespace onpath::testing
