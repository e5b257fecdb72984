// What one source may do to a route, per worker. Plain data.
#pragma once

#include <cstdint>

namespace onpath {

/// Of each source address; 0: no limit.
struct SourceLimits {
  uint64_t packets_per_second = 0;
  uint64_t bytes_per_second = 0;  // of packets as the port counts them, headers included
  uint32_t open_samples = 0;
  uint32_t streams = 0;
  /// Sources without streams whose rate is remembered; 0: no limit is kept at all.
  uint32_t tracked_sources = 0;
  /// IPv6 addresses that have so many bits in common are one source.
  uint32_t prefix_bits = 64;

  bool any() const { return tracked_sources > 0; }
  bool any_rate() const { return packets_per_second > 0 || bytes_per_second > 0; }
};

}  // namespace onpath
