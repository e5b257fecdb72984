// The NIC's clock in terms of CLOCK_MONOTONIC, without a NIC.
#include "dpdk/clock_map.h"

#include <gtest/gtest.h>

namespace onpath::dpdk {
namespace {

TEST(DpdkClockMap, AStampIsPlacedByTheRateBetweenReadings) {
  ClockMap map;
  map.set({1000, 5'000'000}, {1000 + 156'250, 5'000'000 + 1'000'000});  // 156.25 MHz
  EXPECT_EQ(map.line().at(1000 + 156'250), 6'000'000u);
  EXPECT_EQ(map.line().at(1000 + 312'500), 7'000'000u);
  EXPECT_EQ(map.line().at(1000), 5'000'000u);  // arrived before the last reading
}

TEST(DpdkClockMap, LaterReadingsCorrectARateThatWasReadTooShortly) {
  ClockMap map;
  map.set({0, 0}, {1'000'100, 1'000'000});  // 100 ticks of doubt in a millisecond
  map.update({20'000'000'000, 20'000'000'000});
  EXPECT_EQ(map.line().at(20'500'000'000), 20'500'000'000u);
  map.update({40'000'020'000, 40'000'000'000});  // one part in a million fast since then
  EXPECT_NEAR(static_cast<double>(map.line().at(41'000'021'000)), 41'000'000'000.0, 10);
}

TEST(DpdkClockMap, AClockThatRunsBackwardsChangesNothing) {
  ClockMap map;
  map.set({1000, 1000}, {2000, 2000});
  map.update({500, 3000});
  EXPECT_EQ(map.line().at(2500), 2500u);
}

}  // namespace
}  // namespace onpath::dpdk
