#include "dataplane/epoch.h"

#include <time.h>

namespace onpath {
namespace {

int64_t clock_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

int64_t epoch_offset_ns() {
  // A thread that is held up between the readings is wrong by half the time it was: the closest readings of a
  // few count.
  constexpr int kReadings = 5;
  int64_t offset = 0;
  int64_t closest = INT64_MAX;
  for (int i = 0; i < kReadings; ++i) {
    const int64_t before = clock_ns(CLOCK_MONOTONIC);
    const int64_t epoch = clock_ns(CLOCK_REALTIME);
    const int64_t after = clock_ns(CLOCK_MONOTONIC);
    if (after - before >= closest) continue;
    closest = after - before;
    offset = epoch - (before + closest / 2);
  }
  return offset;
}

}  // namespace onpath
