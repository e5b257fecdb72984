// Which input position each output position of a nearest-neighbour resize shows.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"

namespace onpath {

/// Along one axis. Positions never decrease.
struct NearestPositions {
  uint32_t in_size = 0;
  uint32_t out_size = 0;
  std::vector<uint32_t> position;  // [out_size], below in_size

  bool operator==(const NearestPositions&) const = default;
};

/// Pillow (libImaging/Geometry.c, ImagingScaleAffine): a position in double that starts at half a step and
/// grows by additions, rounding included. Sizes are pixels. Errors: INVALID_SPEC for zero sizes,
/// LIMIT_EXCEEDED above 65,535 pixels.
Result<NearestPositions> pillow_nearest(uint32_t in_size, uint32_t out_size);

/// OpenCV 4.6, INTER_NEAREST (modules/imgproc/src/resize.cpp, resizeNN): floor(out * (1 / (out_size /
/// in_size))) in double, at most the last. Errors as above.
Result<NearestPositions> opencv_nearest(uint32_t in_size, uint32_t out_size);

/// Whether positions lie in the input and never decrease: what readers of this table rely on.
bool positions_ordered(const NearestPositions& positions);

}  // namespace onpath
