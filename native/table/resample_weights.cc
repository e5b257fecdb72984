// Making windows of fixed-point weights: in double exactly as Pillow and PyTorch compute them, then rounded
// as each rounds. Built with -ffp-contract=off. Must not know: images, channels, kernels.
#include "table/resample_weights.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_map>

#include "table/check_sizes.h"
#include "table/window_filter.h"

namespace onpath {
namespace {

constexpr int kFractionBits = 32 - 8 - 2;  // 8 bits of pixel, 2 of head room for filters that overshoot

/// The windows of one axis before rounding: which input positions, and their shares in double.
class Windows {
 public:
  Windows(uint32_t in_size, uint32_t out_size, WindowFilter filter)
      : shape_(window_shape(filter)),
        in_size_(static_cast<int>(in_size)),
        // Pillow's box bounds are C floats; 0 and sizes up to 2^24 are exact in them.
        scale_(static_cast<double>(in_size) / out_size),
        filter_scale_(scale_ < 1.0 ? 1.0 : scale_),
        support_(shape_.support * filter_scale_) {}

  /// Computes the window of one output position; first() and shares() are of it then.
  void at(uint32_t out) {
    const double center = (out + 0.5) * scale_;
    const double inverse = 1.0 / filter_scale_;
    first_ = std::max(static_cast<int>(center - support_ + 0.5), 0);
    const int span = std::min(static_cast<int>(center + support_ + 0.5), in_size_) - first_;
    shares_.resize(static_cast<size_t>(span));
    double total = 0.0;
    for (int i = 0; i < span; ++i) {
      const double share = shape_.weight((i + first_ - center + 0.5) * inverse);
      shares_[static_cast<size_t>(i)] = share;
      total += share;
    }
    if (total == 0.0) return;
    for (double& share : shares_) share /= total;
  }
  uint32_t first() const { return static_cast<uint32_t>(first_); }
  const std::vector<double>& shares() const { return shares_; }

 private:
  const WindowShape shape_;
  const int in_size_;
  const double scale_;
  const double filter_scale_;
  const double support_;
  int first_ = 0;
  std::vector<double> shares_;
};

/// Rounded half away from zero.
int32_t to_fixed(double share, int bits) {
  const double scaled = share * (1 << bits);
  return static_cast<int32_t>(share < 0 ? -0.5 + scaled : 0.5 + scaled);
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

/// `bits` fraction bits, stored with kFractionBits.
Result<ResampleWeights> make_weights(uint32_t in_size, uint32_t out_size, WindowFilter filter, int bits) {
  ResampleWeights result;
  result.in_size = in_size;
  result.out_size = out_size;
  result.first.resize(out_size);
  result.count.resize(out_size);
  result.row.resize(out_size);

  Windows windows(in_size, out_size, filter);
  std::vector<int32_t> fixed;
  uint32_t end = 0;
  // A weight of zero adds nothing, so dropping it at the end changes no bit and saves a tap; but ends must
  // not decrease, which those of filters with negative parts would do.
  const auto row_of = [&](uint32_t out) {
    windows.at(out);
    fixed.clear();
    for (const double share : windows.shares()) {
      fixed.push_back(to_fixed(share, bits) * (1 << (kFractionBits - bits)));
    }
    while (fixed.size() > 1 && fixed.back() == 0 && windows.first() + fixed.size() > end) fixed.pop_back();
    end = windows.first() + static_cast<uint32_t>(fixed.size());
  };

  // Once for the widest row, once to fill: rows of one width make the table a plain matrix.
  for (uint32_t out = 0; out < out_size; ++out) {
    row_of(out);
    result.taps = std::max(result.taps, static_cast<uint32_t>(fixed.size()));
  }
  const std::string sizes = std::to_string(in_size) + " -> " + std::to_string(out_size);
  if (result.taps > 65535) {
    return Error{ErrorCode::LIMIT_EXCEEDED, "resize takes at most 65535 weights per output pixel, " + sizes +
                                                " needs " + std::to_string(result.taps)};
  }
  end = 0;
  RowPool pool(result.weights);
  for (uint32_t out = 0; out < out_size; ++out) {
    row_of(out);
    result.first[out] = windows.first();
    result.count[out] = static_cast<uint16_t>(fixed.size());
    fixed.resize(result.taps, 0);
    const uint32_t row = pool.index_of(fixed);
    if (row >= 65535) {
      return Error{ErrorCode::LIMIT_EXCEEDED,
                   "resize takes at most 65535 distinct weight rows, " + sizes + " has more"};
    }
    result.row[out] = static_cast<uint16_t>(row);
  }
  return result;
}

/// The most fraction bits, up to 22, with which the greatest weight stays below 2^15.
int torch_bits(uint32_t in_size, uint32_t out_size, WindowFilter filter) {
  Windows windows(in_size, out_size, filter);
  double greatest = 0.0;
  for (uint32_t out = 0; out < out_size; ++out) {
    windows.at(out);
    for (const double share : windows.shares()) greatest = std::max(greatest, share);
  }
  int bits = 0;
  while (bits < kFractionBits && static_cast<int>(0.5 + greatest * (1 << (bits + 1))) < 1 << 15) ++bits;
  return bits;
}

}  // namespace

Result<ResampleWeights> pillow_weights(uint32_t in_size, uint32_t out_size, WindowFilter filter) {
  if (Result<void> checked = check_table_sizes(in_size, out_size); !checked) return checked.error();
  return make_weights(in_size, out_size, filter, kFractionBits);
}

Result<ResampleWeights> torch_weights(uint32_t in_size, uint32_t out_size, WindowFilter filter) {
  if (Result<void> checked = check_table_sizes(in_size, out_size); !checked) return checked.error();
  return make_weights(in_size, out_size, filter, torch_bits(in_size, out_size, filter));
}

}  // namespace onpath
