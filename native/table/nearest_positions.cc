// Making positions of the nearest neighbour, in double exactly as the references compute them.
// Built with -ffp-contract=off. Must not know: images, channels, kernels.
#include "table/nearest_positions.h"

#include <algorithm>
#include <cmath>

#include "table/check_sizes.h"

namespace onpath {

Result<NearestPositions> pillow_nearest(uint32_t in_size, uint32_t out_size) {
  if (Result<void> checked = check_table_sizes(in_size, out_size); !checked) return checked.error();
  NearestPositions result{in_size, out_size, {}};
  result.position.reserve(out_size);
  const double step = static_cast<double>(in_size) / out_size;
  double at = step * 0.5;
  for (uint32_t out = 0; out < out_size; ++out, at += step) {
    // The sum's rounding stays far below the half step that separates the last position from the end.
    result.position.push_back(std::min(static_cast<uint32_t>(at), in_size - 1));
  }
  return result;
}

Result<NearestPositions> opencv_nearest(uint32_t in_size, uint32_t out_size) {
  if (Result<void> checked = check_table_sizes(in_size, out_size); !checked) return checked.error();
  NearestPositions result{in_size, out_size, {}};
  result.position.reserve(out_size);
  const double inverse_scale = static_cast<double>(out_size) / in_size;
  const double scale = 1.0 / inverse_scale;  // not always in_size / out_size
  for (uint32_t out = 0; out < out_size; ++out) {
    result.position.push_back(std::min(static_cast<uint32_t>(std::floor(out * scale)), in_size - 1));
  }
  return result;
}

bool positions_ordered(const NearestPositions& positions) {
  return !positions.position.empty() &&
         std::is_sorted(positions.position.begin(), positions.position.end()) &&
         positions.position.back() < positions.in_size;
}

}  // namespace onpath
