// Weights of separable resampling as Pillow computes them (libImaging/Resample.c, precompute_coeffs and
// normalize_coeffs_8bpc).
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"

namespace onpath {

/// For each output position the first input position, how many weights, and which deduplicated weight row.
struct ResampleWeights {
  uint32_t in_size = 0;
  uint32_t out_size = 0;
  uint32_t taps = 0;             // stride of a row
  std::vector<uint32_t> first;   // [out_size]
  std::vector<uint16_t> count;   // [out_size]
  std::vector<uint16_t> row;     // [out_size]
  std::vector<int32_t> weights;  // [rows][taps], 22 fraction bits, zero beyond count

  uint32_t rows() const { return taps == 0 ? 0 : static_cast<uint32_t>(weights.size() / taps); }
  bool operator==(const ResampleWeights&) const = default;
};

/// Errors: INVALID_SPEC for zero sizes; LIMIT_EXCEEDED if a row would need more than 65,535 taps or there
/// were more rows than that.
Result<ResampleWeights> pillow_bilinear_weights(uint32_t in_size, uint32_t out_size);

/// exact4 along one axis: out = (in[i0] * w0 + in[i1] * w1) / denominator, half-pixel centres, borders
/// clamped. w0 + w1 == denominator for every output position.
struct LerpWeights {
  uint32_t in_size = 0;
  uint32_t out_size = 0;
  uint32_t denominator = 1;
  std::vector<uint32_t> i0, i1, w0, w1;  // [out_size]

  uint32_t distinct_rows() const;  // distinct (w0, w1) pairs: the phases
  bool operator==(const LerpWeights&) const = default;
};

Result<LerpWeights> exact4_weights(uint32_t in_size, uint32_t out_size);

}  // namespace onpath
