// Making weights of two neighbours: exact4's in integers, OpenCV's in double and float exactly as it rounds
// them. Built with -ffp-contract=off. Must not know: images, channels, kernels.
#include "table/lerp_weights.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_set>

#include "table/check_sizes.h"

namespace onpath {
uint32_t LerpWeights::distinct_rows() const {
  std::unordered_set<uint64_t> rows;
  for (size_t out = 0; out < w0.size(); ++out) rows.insert(uint64_t{w0[out]} << 32 | w1[out]);
  return static_cast<uint32_t>(rows.size());
}

Result<LerpWeights> exact4_weights(uint32_t in_size, uint32_t out_size) {
  if (Result<void> checked = check_table_sizes(in_size, out_size); !checked) return checked.error();

  LerpWeights result;
  result.in_size = in_size;
  result.out_size = out_size;
  for (auto* column : {&result.i0, &result.i1, &result.w0, &result.w1}) column->resize(out_size);

  // Output centre o lies at ((2o + 1) * in - out) / (2 * out) in units of input pixels; floor and rest are
  // exact integers.
  const int64_t denominator = 2 * int64_t{out_size};
  const int64_t last = int64_t{in_size} - 1;
  int64_t divisor = denominator;
  for (uint32_t out = 0; out < out_size; ++out) {
    const int64_t numerator = (2 * int64_t{out} + 1) * in_size - out_size;
    const int64_t rest = ((numerator % denominator) + denominator) % denominator;
    const int64_t floor = (numerator - rest) / denominator;
    result.i0[out] = static_cast<uint32_t>(std::clamp<int64_t>(floor, 0, last));
    result.i1[out] = static_cast<uint32_t>(std::clamp<int64_t>(floor + 1, 0, last));
    result.w0[out] = static_cast<uint32_t>(denominator - rest);
    result.w1[out] = static_cast<uint32_t>(rest);
    divisor = std::gcd(divisor, rest);  // a divisor of the denominator and of w1 divides w0 too
  }
  result.denominator = static_cast<uint32_t>(denominator / divisor);
  for (uint32_t& weight : result.w0) weight /= static_cast<uint32_t>(divisor);
  for (uint32_t& weight : result.w1) weight /= static_cast<uint32_t>(divisor);
  return result;
}

Result<LerpWeights> opencv_weights(uint32_t in_size, uint32_t out_size, bool columns) {
  if (Result<void> checked = check_table_sizes(in_size, out_size); !checked) return checked.error();

  LerpWeights result;
  result.in_size = in_size;
  result.out_size = out_size;
  result.denominator = kOpencvOne;
  for (auto* column : {&result.i0, &result.i1, &result.w0, &result.w1}) column->resize(out_size);

  const double inverse_scale = static_cast<double>(out_size) / in_size;
  const double scale = 1.0 / inverse_scale;  // not always in_size / out_size
  const int last = static_cast<int>(in_size) - 1;
  for (uint32_t out = 0; out < out_size; ++out) {
    auto part = static_cast<float>((out + 0.5) * scale - 0.5);
    int floor = static_cast<int>(std::floor(part));
    part -= static_cast<float>(floor);
    if (columns && (floor < 0 || floor >= last)) {
      floor = floor < 0 ? 0 : last;
      part = 0;
    }
    // Nearest, ties to even: the rounding that programs start with, as OpenCV relies on.
    const auto rounded = [](float share) {
      return static_cast<uint32_t>(std::nearbyint(share * kOpencvOne));
    };
    result.i0[out] = static_cast<uint32_t>(std::clamp(floor, 0, last));
    result.i1[out] = static_cast<uint32_t>(std::clamp(floor + 1, 0, last));
    result.w0[out] = rounded(1.0F - part);
    result.w1[out] = rounded(part);
  }
  return result;
}

}  // namespace onpath
