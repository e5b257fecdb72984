// Durations counted in buckets whose width grows with the value, as in HdrHistogram: a value is known to one
// part in 32 whatever its size. One thread records, any thread reads; histograms are merged by adding.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "dataplane/counters.h"

namespace onpath {

/// Values below 64 have a bucket each; from there every power of two is cut into 32. What is 2^36 (68.7 s in
/// nanoseconds) or more falls into the last bucket; min and max are exact all the same.
struct HistogramBuckets {
  static constexpr uint32_t kCount = 1024;

  static constexpr uint32_t of(uint64_t value) {
    if (value < 64) return static_cast<uint32_t>(value);
    const auto shift = static_cast<uint32_t>(std::bit_width(value)) - 6;
    const uint64_t bucket = shift * 32 + (value >> shift);
    return bucket < kCount ? static_cast<uint32_t>(bucket) : kCount - 1;
  }
  /// The smallest value in a bucket; the greatest is one below that of the next.
  static constexpr uint64_t lower(uint32_t bucket) {
    if (bucket < 64) return bucket;
    const uint32_t shift = bucket / 32 - 1;
    return uint64_t{bucket - shift * 32} << shift;
  }
};

class Histogram {
 public:
  void record(uint64_t value) {
    counts_[HistogramBuckets::of(value)].add(1);
    sum_.add(value);
    if (value < min_.get()) min_.set(value);
    if (value > max_.get()) max_.set(value);
  }

 private:
  friend struct HistogramCounts;
  std::array<Counter, HistogramBuckets::kCount> counts_;
  Counter sum_, max_;
  Counter min_{UINT64_MAX};
};

/// What was recorded up to a moment, of one histogram or of many together. Counts of one that is being
/// written are each as they were when they were read: a value may be in `sum` and not yet in a bucket.
struct HistogramCounts {
  std::array<uint64_t, HistogramBuckets::kCount> counts{};
  uint64_t sum = 0;
  uint64_t min = UINT64_MAX;  // UINT64_MAX: nothing was recorded
  uint64_t max = 0;

  void add(const Histogram& from) {
    for (uint32_t i = 0; i < HistogramBuckets::kCount; ++i) counts[i] += from.counts_[i].get();
    sum += from.sum_.get();
    min = std::min(min, from.min_.get());
    max = std::max(max, from.max_.get());
  }
  uint64_t count() const {
    uint64_t all = 0;
    for (const uint64_t n : counts) all += n;
    return all;
  }
  /// The greatest value that the bucket of the value at this rank holds, within min and max: at most one part
  /// in 32 above that value. `per_thousand` of 500 is the median. 0 if nothing was recorded.
  uint64_t percentile(uint32_t per_thousand) const;
};

}  // namespace onpath
