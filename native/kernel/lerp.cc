// Both passes of four-term interpolation in integers: one horizontal pass, and two vertical ones. exact4's
// estimates the quotient in double and corrects it with the exact remainder, so the result does not depend on
// how good the estimate is (it misses by one at most). OpenCV's is a few shifts.
#include "kernel/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernel/lerp.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"

#include "kernel/sets.h"

HWY_BEFORE_NAMESPACE();
namespace onpath {
namespace HWY_NAMESPACE {
#if ONPATH_HAVE_VECTORS
namespace {
namespace hn = hwy::HWY_NAMESPACE;

template <uint32_t kChannels>
void lerp_pixels(const uint8_t* src, const uint32_t* x0, const uint32_t* x1, const uint32_t* w0,
                 const uint32_t* w1, size_t out_pixels, uint32_t* dst) {
  for (size_t x = 0; x < out_pixels; ++x) {
    const uint8_t* left = src + size_t{x0[x]} * kChannels;
    const uint8_t* right = src + size_t{x1[x]} * kChannels;
    for (uint32_t c = 0; c < kChannels; ++c) dst[x * kChannels + c] = left[c] * w0[x] + right[c] * w1[x];
  }
}

/// Four channels fill a vector: one multiplication for a whole pixel.
void lerp_pixels_of_4(const uint8_t* src, const uint32_t* x0, const uint32_t* x1, const uint32_t* w0,
                      const uint32_t* w1, size_t out_pixels, uint32_t* dst) {
  const hn::FixedTag<uint32_t, 4> d32;
  const hn::FixedTag<uint8_t, 4> d8;
  for (size_t x = 0; x < out_pixels; ++x) {
    const auto left = hn::PromoteTo(d32, hn::LoadU(d8, src + size_t{x0[x]} * 4));
    const auto right = hn::PromoteTo(d32, hn::LoadU(d8, src + size_t{x1[x]} * 4));
    const auto sum = hn::Add(hn::Mul(left, hn::Set(d32, w0[x])), hn::Mul(right, hn::Set(d32, w1[x])));
    hn::StoreU(sum, d32, dst + x * 4);
  }
}

// A double holds 2^52 + v for any 32-bit v in its low bits, which turns integers into doubles without a
// conversion.
constexpr double kTwo52 = 4503599627370496.0;
/// Above this a sum of 256 denominators would need more than the 53 bits of a double.
constexpr uint64_t kMostDenominator = uint64_t{1} << 44;

}  // namespace

void lerp_row(const uint8_t* src, const uint32_t* x0, const uint32_t* x1, const uint32_t* w0,
              const uint32_t* w1, size_t out_pixels, uint32_t channels, uint32_t* dst) {
  switch (channels) {
    case 1:
      return lerp_pixels<1>(src, x0, x1, w0, w1, out_pixels, dst);
    case 3:
      return lerp_pixels<3>(src, x0, x1, w0, w1, out_pixels, dst);
    case 4:
      return lerp_pixels_of_4(src, x0, x1, w0, w1, out_pixels, dst);
    default:
      return scalar_kernels().lerp_row(src, x0, x1, w0, w1, out_pixels, channels, dst);
  }
}

void lerp_column(const uint32_t* top, const uint32_t* bottom, uint32_t w0, uint32_t w1, uint64_t denominator,
                 size_t n, uint8_t* dst) {
  size_t i = 0;
#if HWY_HAVE_FLOAT64
  if (denominator <= kMostDenominator) {
    const hn::ScalableTag<double> df;
    const hn::RebindToUnsigned<decltype(df)> du64;
    const hn::Rebind<uint32_t, decltype(df)> du32;
    const hn::Rebind<int32_t, decltype(df)> di32;
    const hn::Rebind<uint8_t, decltype(df)> du8;
    const auto two52 = hn::Set(df, kTwo52);
    const auto to_double = [&](const uint32_t* p) HWY_ATTR {
      return hn::Sub(
          hn::BitCast(df, hn::Or(hn::PromoteTo(du64, hn::LoadU(du32, p)), hn::BitCast(du64, two52))), two52);
    };
    const auto d = hn::Set(df, static_cast<double>(denominator));
    const auto inverse = hn::Set(df, 1.0 / static_cast<double>(denominator));
    const auto top_weight = hn::Set(df, static_cast<double>(w0));
    const auto bottom_weight = hn::Set(df, static_cast<double>(w1));
    const auto zero = hn::Zero(df), one = hn::Set(df, 1.0), two = hn::Set(df, 2.0), half = hn::Set(df, 0.5);
    const size_t step = hn::Lanes(df);
    for (; i + step <= n; i += step) {
      // Every product and sum below is an integer of at most 53 bits, hence exact, fused or not.
      const auto sum =
          hn::Add(hn::Mul(to_double(top + i), top_weight), hn::Mul(to_double(bottom + i), bottom_weight));
      auto quotient = hn::Round(hn::Mul(sum, inverse));
      const auto twice_rest = hn::Mul(two, hn::Sub(sum, hn::Mul(quotient, d)));
      const auto half_quotient = hn::Mul(quotient, half);
      const auto odd = hn::Ne(half_quotient, hn::Floor(half_quotient));
      const auto up = hn::Or(hn::Gt(twice_rest, d), hn::And(hn::Eq(twice_rest, d), odd));
      const auto down = hn::Or(hn::Lt(twice_rest, hn::Neg(d)), hn::And(hn::Eq(twice_rest, hn::Neg(d)), odd));
      quotient = hn::Add(quotient, hn::IfThenElse(up, one, zero));
      quotient = hn::Sub(quotient, hn::IfThenElse(down, one, zero));
      hn::StoreU(hn::DemoteTo(du8, hn::DemoteTo(di32, quotient)), du8, dst + i);
    }
  }
#endif
  scalar_kernels().lerp_column(top + i, bottom + i, w0, w1, denominator, n - i, dst + i);
}

void lerp_column_fixed11(const uint32_t* top, const uint32_t* bottom, uint32_t w0, uint32_t w1, size_t n,
                         uint8_t* dst) {
  const hn::ScalableTag<int32_t> d32;
  const hn::RebindToUnsigned<decltype(d32)> du32;
  const hn::Rebind<uint8_t, decltype(d32)> du8;
  const auto product = [&](const uint32_t* p, uint32_t w) HWY_ATTR {
    const auto row = hn::BitCast(d32, hn::ShiftRight<4>(hn::LoadU(du32, p)));
    return hn::ShiftRight<16>(hn::Mul(row, hn::Set(d32, static_cast<int32_t>(w))));
  };
  const auto half = hn::Set(d32, 2);
  const size_t step = hn::Lanes(d32);
  size_t i = 0;
  for (; i + step <= n; i += step) {
    const auto sum = hn::Add(hn::Add(product(top + i, w0), product(bottom + i, w1)), half);
    hn::StoreU(hn::DemoteTo(du8, hn::ShiftRight<2>(sum)), du8, dst + i);
  }
  scalar_kernels().lerp_column_fixed11(top + i, bottom + i, w0, w1, n - i, dst + i);
}

#endif  // ONPATH_HAVE_VECTORS
}  // namespace HWY_NAMESPACE
}  // namespace onpath
HWY_AFTER_NAMESPACE();
