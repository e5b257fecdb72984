// Making resampling weights: Pillow's in double exactly as Pillow rounds them, exact4's in integers.
// Built with -ffp-contract=off. Must not know: images, channels, kernels.
#include "table/resample_weights.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace onpath {
namespace {

constexpr uint32_t kMaxSize = 65535;
constexpr int kPrecisionBits = 32 - 8 - 2;  // 8 bits of pixel, 2 of head room for filters that overshoot

Result<void> check_sizes(uint32_t in_size, uint32_t out_size) {
  if (in_size == 0 || out_size == 0) {
    return Error{ErrorCode::INVALID_SPEC, "resize needs sizes of at least 1 pixel, got " +
                                              std::to_string(in_size) + " -> " + std::to_string(out_size)};
  }
  if (in_size > kMaxSize || out_size > kMaxSize) {
    return Error{ErrorCode::LIMIT_EXCEEDED, "resize takes sides of at most " + std::to_string(kMaxSize) +
                                                " pixels, got " + std::to_string(in_size) + " -> " +
                                                std::to_string(out_size)};
  }
  return {};
}

double triangle(double x) {
  const double distance = std::abs(x);
  return distance < 1.0 ? 1.0 - distance : 0.0;
}

/// Keeps one copy of each distinct weight row.
class RowPool {
 public:
  explicit RowPool(std::vector<int32_t>& weights) : weights_(weights) {}

  /// The index of `row` (taps weights), stored if it is new.
  uint32_t index_of(const std::vector<int32_t>& row) {
    const std::string_view bytes(reinterpret_cast<const char*>(row.data()), row.size() * sizeof(int32_t));
    const auto [found, inserted] =
        indexes_.try_emplace(std::string(bytes), static_cast<uint32_t>(indexes_.size()));
    if (inserted) weights_.insert(weights_.end(), row.begin(), row.end());
    return found->second;
  }

 private:
  std::vector<int32_t>& weights_;
  std::unordered_map<std::string, uint32_t> indexes_;
};

}  // namespace

Result<ResampleWeights> pillow_bilinear_weights(uint32_t in_size, uint32_t out_size) {
  if (Result<void> checked = check_sizes(in_size, out_size); !checked) return checked.error();

  // Pillow's box bounds are C floats; 0 and sizes up to 2^24 are exact in them.
  const double scale = static_cast<double>(static_cast<float>(in_size) - 0.0f) / out_size;
  const double filter_scale = scale < 1.0 ? 1.0 : scale;
  const double support = 1.0 * filter_scale;
  const double inverse = 1.0 / filter_scale;

  ResampleWeights result;
  result.in_size = in_size;
  result.out_size = out_size;
  result.first.resize(out_size);
  result.count.resize(out_size);
  result.row.resize(out_size);

  // Once for the widest row, once to fill: rows of one width make the table a plain matrix.
  std::vector<double> shares;
  std::vector<int32_t> fixed;
  const auto row_of = [&](uint32_t out) -> uint32_t {
    const double center = 0.0 + (out + 0.5) * scale;
    const int lower = std::max(static_cast<int>(center - support + 0.5), 0);
    const int upper = std::min(static_cast<int>(center + support + 0.5), static_cast<int>(in_size));
    const int span = upper - lower;
    shares.resize(static_cast<size_t>(span));
    double total = 0.0;
    for (int i = 0; i < span; ++i) {
      shares[static_cast<size_t>(i)] = triangle((i + lower - center + 0.5) * inverse);
      total += shares[static_cast<size_t>(i)];
    }
    fixed.assign(static_cast<size_t>(span), 0);
    for (size_t i = 0; i < shares.size(); ++i) {
      const double share = total != 0.0 ? shares[i] / total : shares[i];
      fixed[i] = static_cast<int32_t>(share < 0 ? -0.5 + share * (1 << kPrecisionBits)
                                                : 0.5 + share * (1 << kPrecisionBits));
    }
    // A weight of zero adds nothing, so dropping it at the end changes no bit and saves a tap.
    while (fixed.size() > 1 && fixed.back() == 0) fixed.pop_back();
    return static_cast<uint32_t>(lower);
  };

  for (uint32_t out = 0; out < out_size; ++out) {
    row_of(out);
    result.taps = std::max(result.taps, static_cast<uint32_t>(fixed.size()));
  }
  if (result.taps > 65535) {
    return Error{ErrorCode::LIMIT_EXCEEDED, "resize takes at most 65535 weights per output pixel, " +
                                                std::to_string(in_size) + " -> " + std::to_string(out_size) +
                                                " needs " + std::to_string(result.taps)};
  }
  RowPool pool(result.weights);
  for (uint32_t out = 0; out < out_size; ++out) {
    result.first[out] = row_of(out);
    result.count[out] = static_cast<uint16_t>(fixed.size());
    fixed.resize(result.taps, 0);
    const uint32_t row = pool.index_of(fixed);
    if (row >= 65535) {
      return Error{ErrorCode::LIMIT_EXCEEDED, "resize takes at most 65535 distinct weight rows, " +
                                                  std::to_string(in_size) + " -> " +
                                                  std::to_string(out_size) + " has more"};
    }
    result.row[out] = static_cast<uint16_t>(row);
  }
  return result;
}

uint32_t LerpWeights::distinct_rows() const {
  std::unordered_set<uint64_t> rows;
  for (size_t out = 0; out < w0.size(); ++out) rows.insert(uint64_t{w0[out]} << 32 | w1[out]);
  return static_cast<uint32_t>(rows.size());
}

Result<LerpWeights> exact4_weights(uint32_t in_size, uint32_t out_size) {
  if (Result<void> checked = check_sizes(in_size, out_size); !checked) return checked.error();

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

}  // namespace onpath
