// Vertical resampling: two rows at a time, their bytes paired and spread to 16 bits, times the two halves of
// the weights as in resample_row.cc. Also the partial sums of it: one row added to 32-bit sums, and the
// rounding of such sums.
#include "kernel/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernel/resample_column.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"

#include "kernel/sets.h"

HWY_BEFORE_NAMESPACE();
namespace onpath {
namespace HWY_NAMESPACE {
#if ONPATH_HAVE_VECTORS
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using D8 = hn::ScalableTag<uint8_t>;
using D16 = hn::RepartitionToWide<D8>;
using D32 = hn::ScalableTag<int32_t>;
using V8 = hn::Vec<D8>;
using V16 = hn::Vec<D16>;
using V32 = hn::Vec<D32>;

/// Products of the 16-bit pairs in `taps` with one pair of 16-bit weights, added up: one sum for each 32-bit
/// lane.
HWY_INLINE V32 multiply_pairs(V16 taps, V32 weights) {
#if HWY_ARCH_X86 && HWY_MAX_BYTES == 64
  return V32{_mm512_madd_epi16(taps.raw, weights.raw)};
#elif HWY_ARCH_X86 && HWY_MAX_BYTES == 32
  return V32{_mm256_madd_epi16(taps.raw, weights.raw)};
#elif HWY_ARCH_X86
  return V32{_mm_madd_epi16(taps.raw, weights.raw)};
#else
  const V32 v = hn::BitCast(D32(), taps);
  const V32 first = hn::And(v, hn::Set(D32(), 0xffff));
  const V32 second = hn::And(hn::ShiftRight<16>(v), hn::Set(D32(), 0xffff));
  return hn::Add(hn::Mul(first, hn::ShiftRight<16>(hn::ShiftLeft<16>(weights))),
                 hn::Mul(second, hn::ShiftRight<16>(weights)));
#endif
}

/// clip8((2^21 + sums) >> 22) of four vectors whose lanes stand in the order that Interleave of bytes and
/// then of words gave.
HWY_INLINE V8 round_and_pack(V32 s0, V32 s1, V32 s2, V32 s3) {
  const D32 d32;
  const V32 half = hn::Set(d32, 1 << 21);
  const hn::Repartition<int16_t, D32> di16;
  const auto round = [&](V32 s) HWY_ATTR { return hn::ShiftRight<22>(hn::Add(s, half)); };
#if HWY_ARCH_X86
  // Packing within 128-bit blocks undoes interleaving within 128-bit blocks.
#if HWY_MAX_BYTES == 64
  const auto low = _mm512_packs_epi32(round(s0).raw, round(s1).raw);
  const auto high = _mm512_packs_epi32(round(s2).raw, round(s3).raw);
  return V8{_mm512_packus_epi16(low, high)};
#elif HWY_MAX_BYTES == 32
  const auto low = _mm256_packs_epi32(round(s0).raw, round(s1).raw);
  const auto high = _mm256_packs_epi32(round(s2).raw, round(s3).raw);
  return V8{_mm256_packus_epi16(low, high)};
#else
  const auto low = _mm_packs_epi32(round(s0).raw, round(s1).raw);
  const auto high = _mm_packs_epi32(round(s2).raw, round(s3).raw);
  return V8{_mm_packus_epi16(low, high)};
#endif
#else
  const hn::Half<decltype(di16)> dh16;
  const hn::Half<D8> dh8;
  const auto low = hn::Combine(di16, hn::DemoteTo(dh16, round(s1)), hn::DemoteTo(dh16, round(s0)));
  const auto high = hn::Combine(di16, hn::DemoteTo(dh16, round(s3)), hn::DemoteTo(dh16, round(s2)));
  return hn::Combine(D8(), hn::DemoteTo(dh8, high), hn::DemoteTo(dh8, low));
#endif
}

HWY_INLINE V8 column_block(const uint8_t* const* rows, const int32_t* weights, uint32_t taps, size_t at) {
  const D8 d8;
  const D16 d16;
  const D32 d32;
  V32 low[4] = {hn::Zero(d32), hn::Zero(d32), hn::Zero(d32), hn::Zero(d32)};
  V32 high[4] = {hn::Zero(d32), hn::Zero(d32), hn::Zero(d32), hn::Zero(d32)};
  for (uint32_t t = 0; t < taps; t += 2) {
    const V8 a = hn::LoadU(d8, rows[t] + at);
    const bool pair = t + 1 < taps;
    const V8 b = pair ? hn::LoadU(d8, rows[t + 1] + at) : hn::Zero(d8);
    const auto w0 = static_cast<uint32_t>(weights[t]);
    const auto w1 = pair ? static_cast<uint32_t>(weights[t + 1]) : 0u;
    const V32 w_low = hn::Set(d32, static_cast<int32_t>((w0 & 0x7fff) | (w1 & 0x7fff) << 16));
    const V32 w_high = hn::Set(d32, static_cast<int32_t>((w0 >> 15 & 0xffff) | w1 >> 15 << 16));
    const V8 ab[2] = {hn::InterleaveLower(d8, a, b), hn::InterleaveUpper(d8, a, b)};
    for (size_t i = 0; i < 4; ++i) {
      const V8 zero = hn::Zero(d8);
      const V16 wide = hn::BitCast(d16, i % 2 == 0 ? hn::InterleaveLower(d8, ab[i / 2], zero)
                                                   : hn::InterleaveUpper(d8, ab[i / 2], zero));
      low[i] = hn::Add(low[i], multiply_pairs(wide, w_low));
      high[i] = hn::Add(high[i], multiply_pairs(wide, w_high));
    }
  }
  for (size_t i = 0; i < 4; ++i) low[i] = hn::Add(low[i], hn::ShiftLeft<15>(high[i]));
  return round_and_pack(low[0], low[1], low[2], low[3]);
}

/// The 16-bit halves of a weight must hold it.
bool weights_fit(const int32_t* weights, uint32_t taps) {
  uint32_t outside = 0;
  for (uint32_t t = 0; t < taps; ++t) outside |= (static_cast<uint32_t>(weights[t]) + (1u << 30)) >> 31;
  return outside == 0;
}

}  // namespace

void resample_column(const uint8_t* const* rows, const int32_t* weights, uint32_t taps, size_t n,
                     uint8_t* dst) {
  const D8 d8;
  const size_t step = hn::Lanes(d8);
  if (n < step || !weights_fit(weights, taps))
    return scalar_kernels().resample_column(rows, weights, taps, n, dst);
  for (size_t i = 0; i < n; i += step) {
    if (i > n - step) i = n - step;  // the last vector overlaps the one before
    hn::StoreU(column_block(rows, weights, taps, i), d8, dst + i);
  }
}

void accumulate_row(const uint8_t* row, int32_t weight, size_t n, int32_t* sums) {
  const D32 d32;
  const hn::Rebind<uint8_t, D32> d8;
  const size_t step = hn::Lanes(d32);
  const V32 w = hn::Set(d32, weight);
  size_t i = 0;
  for (; i + step <= n; i += step) {
    const V32 value = hn::PromoteTo(d32, hn::LoadU(d8, row + i));
    hn::StoreU(hn::Add(hn::LoadU(d32, sums + i), hn::Mul(value, w)), d32, sums + i);
  }
  scalar_kernels().accumulate_row(row + i, weight, n - i, sums + i);
}

void round_sums(const int32_t* sums, size_t n, uint8_t* dst) {
  const D32 d32;
  const hn::Rebind<uint8_t, D32> d8;
  const size_t step = hn::Lanes(d32);
  const V32 half = hn::Set(d32, 1 << 21);
  size_t i = 0;
  for (; i + step <= n; i += step) {
    const V32 rounded = hn::ShiftRight<22>(hn::Add(hn::LoadU(d32, sums + i), half));
    hn::StoreU(hn::DemoteTo(d8, rounded), d8, dst + i);
  }
  scalar_kernels().round_sums(sums + i, n - i, dst + i);
}

#endif  // ONPATH_HAVE_VECTORS
}  // namespace HWY_NAMESPACE
}  // namespace onpath
HWY_AFTER_NAMESPACE();
