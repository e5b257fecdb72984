#include "dataplane/histogram.h"

namespace onpath {

uint64_t HistogramCounts::percentile(uint32_t per_thousand) const {
  const uint64_t all = count();
  if (all == 0) return 0;
  // The smallest rank that has at least so many of a thousand at or below it.
  const uint64_t rank =
      std::max<uint64_t>(1, (all / 1000) * per_thousand + ((all % 1000) * per_thousand + 999) / 1000);
  uint64_t seen = 0;
  for (uint32_t i = 0; i + 1 < HistogramBuckets::kCount; ++i) {
    seen += counts[i];
    if (seen >= rank) return std::clamp(HistogramBuckets::lower(i + 1) - 1, std::min(min, max), max);
  }
  return max;
}

}  // namespace onpath
