// Weights of linear interpolation between two neighbours, without antialiasing, half-pixel centres, borders
// clamped: as exact rationals (exact4) and as OpenCV's 11-bit fixed point.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"

namespace onpath {

/// Along one axis: out = (in[i0] * w0 + in[i1] * w1) / denominator. i1 is i0 or i0 + 1.
struct LerpWeights {
  uint32_t in_size = 0;
  uint32_t out_size = 0;
  uint32_t denominator = 1;
  std::vector<uint32_t> i0, i1, w0, w1;  // [out_size]

  uint32_t distinct_rows() const;  // distinct (w0, w1) pairs: the phases
  bool operator==(const LerpWeights&) const = default;
};

/// Exact: w0 + w1 == denominator for every output position. Sizes are pixels. Errors: INVALID_SPEC for zero
/// sizes, LIMIT_EXCEEDED above 65,535 pixels.
Result<LerpWeights> exact4_weights(uint32_t in_size, uint32_t out_size);

/// Denominator of OpenCV's weights, INTER_RESIZE_COEF_SCALE.
inline constexpr uint32_t kOpencvOne = 1u << 11;
/// w0 + w1 is at most so far from kOpencvOne: each is rounded by itself.
inline constexpr uint32_t kOpencvSlack = 1;

/// OpenCV 4.6, INTER_LINEAR of 8-bit pixels (modules/imgproc/src/resize.cpp): positions in double rounded to
/// float, weights rounded half to even. OpenCV clamps the two axes differently: `columns` moves all weight to
/// the border pixel, rows clamp each position and keep both weights. Errors as above.
Result<LerpWeights> opencv_weights(uint32_t in_size, uint32_t out_size, bool columns);

}  // namespace onpath
