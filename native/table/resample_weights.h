// Weights of separable resampling: windows of fixed-point weights as Pillow computes them
// (libImaging/Resample.c, precompute_coeffs and normalize_coeffs_8bpc) and as PyTorch does for uint8
// (aten/src/ATen/native/cpu/UpSampleKernel.cpp, compute_index_ranges_int16_weights).
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"

namespace onpath {

/// Windows of antialiased resampling, with their support in pixels of the coarser side. Values are those of
/// the arrays in resample_weights.cc.
enum class WindowFilter : uint8_t {
  box = 0,       // 0.5
  bilinear = 1,  // 1: a triangle
  hamming = 2,   // 1
  bicubic = 3,   // 2, a = -0.5
  lanczos3 = 4,  // 3
};

/// The sum of the positive weights of a row, and that of the negative ones, keep to these, so that 32 bits
/// hold every sum of products with bytes, and half of the last place besides.
inline constexpr int64_t kMostWeight = ((int64_t{1} << 31) - 1 - (1 << 21)) / 255;
inline constexpr int64_t kLeastWeight = -(int64_t{1} << 31) / 255;

/// For each output position the first input position, how many weights, and which deduplicated weight row.
struct ResampleWeights {
  uint32_t in_size = 0;
  uint32_t out_size = 0;
  uint32_t taps = 0;             // stride of a row
  std::vector<uint32_t> first;   // [out_size]
  std::vector<uint16_t> count;   // [out_size]
  std::vector<uint16_t> row;     // [out_size]
  std::vector<int32_t> weights;  // [rows][taps], 22 fraction bits, any sign, zero beyond count

  uint32_t rows() const { return taps == 0 ? 0 : static_cast<uint32_t>(weights.size() / taps); }
  bool operator==(const ResampleWeights&) const = default;
};

/// Pillow: weights in double, each rounded half away from zero to 22 fraction bits. First positions and ends
/// of windows never decrease from one output position to the next. Sizes are pixels. Errors: INVALID_SPEC for
/// zero sizes; LIMIT_EXCEEDED if a row would need more than 65,535 taps or there were more rows than that.
Result<ResampleWeights> pillow_weights(uint32_t in_size, uint32_t out_size, WindowFilter filter);

/// PyTorch, of bilinear and bicubic: the same, but rounded to p fraction bits, the most (up to 22) with which
/// the greatest weight of all stays below 2^15. They are stored times 2^(22 - p), which changes nothing:
/// (sum + 2^(p-1)) >> p == (sum * 2^(22-p) + 2^21) >> 22.
Result<ResampleWeights> torch_weights(uint32_t in_size, uint32_t out_size, WindowFilter filter);

}  // namespace onpath
