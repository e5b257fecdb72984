// Vertical resampling with AVX-512 VNNI: four rows at a time, their bytes interleaved to groups of four taps,
// times the three base-256 digits of four weights (see vnni_resample_row.cc).
#include "kernel/avx512.h"
#include "kernel/sets.h"

#if ONPATH_X86_SETS

ONPATH_AVX512_BEGIN
namespace onpath::vnni {
namespace {

/// More taps than these are rare enough not to need digits of their own.
constexpr uint32_t kMostTaps = 256;

/// Digits of each four weights, as the four bytes of a word: digit d of weights 4k..4k+3 is words[k][d].
struct Digits {
  alignas(64) uint32_t words[kMostTaps / 4][4];
};

/// False if a weight needs more than three digits. Adding 0x80 to each byte turns digits -128..127 into bytes
/// 0..255.
inline bool split_weights(const int32_t* weights, uint32_t taps, Digits& digits) {
  const __m512i bias = _mm512_set1_epi32(0x808080);
  // Byte d of four neighbouring words, for d = 0, 1, 2 (and 3, which is zero): a transposition within 128-bit
  // blocks.
  const __m512i transpose =
      _mm512_broadcast_i32x4(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
  __mmask16 outside = 0;
  for (uint32_t t = 0; t < taps; t += 16) {
    const auto there = static_cast<__mmask16>(taps - t >= 16 ? 0xffff : (1u << (taps - t)) - 1);
    const __m512i biased = _mm512_add_epi32(_mm512_maskz_loadu_epi32(there, weights + t), bias);
    outside |= _mm512_cmpgt_epu32_mask(biased, _mm512_set1_epi32(0xffffff));
    _mm512_store_si512(digits.words[t / 4], _mm512_shuffle_epi8(_mm512_xor_si512(biased, bias), transpose));
  }
  return outside == 0;
}

inline __m512i combine(__m512i d0, __m512i d1, __m512i d2) {
  const __m512i upper = _mm512_add_epi32(_mm512_slli_epi32(d2, 16), _mm512_slli_epi32(d1, 8));
  return _mm512_srai_epi32(_mm512_add_epi32(d0, upper), 22);
}

template <bool kMasked>
inline __m512i load(const uint8_t* p, __mmask64 mask) {
  return kMasked ? _mm512_maskz_loadu_epi8(mask, p) : _mm512_loadu_si512(p);
}

/// 64 results; `mask` says which bytes of the rows exist.
template <bool kMasked>
inline __m512i column_block(const uint8_t* const* rows, const Digits& digits, uint32_t taps, size_t at,
                            __mmask64 mask) {
  const __m512i zero = _mm512_setzero_si512();
  const __m512i half = _mm512_set1_epi32(1 << 21);
  __m512i a0 = half, a1 = half, a2 = half, a3 = half;
  __m512i b0 = zero, b1 = zero, b2 = zero, b3 = zero;
  __m512i c0 = zero, c1 = zero, c2 = zero, c3 = zero;
  for (uint32_t t = 0; t < taps; t += 4) {
    // Taps that are not there have zero digits; any row will do for them.
    const uint32_t last = taps - 1;
    const __m512i r0 = load<kMasked>(rows[t] + at, mask);
    const __m512i r1 = load<kMasked>(rows[t + 1 < last ? t + 1 : last] + at, mask);
    const __m512i r2 = load<kMasked>(rows[t + 2 < last ? t + 2 : last] + at, mask);
    const __m512i r3 = load<kMasked>(rows[t + 3 < last ? t + 3 : last] + at, mask);
    const __m512i low01 = _mm512_unpacklo_epi8(r0, r1), high01 = _mm512_unpackhi_epi8(r0, r1);
    const __m512i low23 = _mm512_unpacklo_epi8(r2, r3), high23 = _mm512_unpackhi_epi8(r2, r3);
    const __m512i q0 = _mm512_unpacklo_epi16(low01, low23), q1 = _mm512_unpackhi_epi16(low01, low23);
    const __m512i q2 = _mm512_unpacklo_epi16(high01, high23), q3 = _mm512_unpackhi_epi16(high01, high23);
    const uint32_t* words = digits.words[t / 4];
    const __m512i w0 = _mm512_set1_epi32(static_cast<int>(words[0]));
    const __m512i w1 = _mm512_set1_epi32(static_cast<int>(words[1]));
    const __m512i w2 = _mm512_set1_epi32(static_cast<int>(words[2]));
    a0 = _mm512_dpbusd_epi32(a0, q0, w0);
    a1 = _mm512_dpbusd_epi32(a1, q1, w0);
    a2 = _mm512_dpbusd_epi32(a2, q2, w0);
    a3 = _mm512_dpbusd_epi32(a3, q3, w0);
    b0 = _mm512_dpbusd_epi32(b0, q0, w1);
    b1 = _mm512_dpbusd_epi32(b1, q1, w1);
    b2 = _mm512_dpbusd_epi32(b2, q2, w1);
    b3 = _mm512_dpbusd_epi32(b3, q3, w1);
    c0 = _mm512_dpbusd_epi32(c0, q0, w2);
    c1 = _mm512_dpbusd_epi32(c1, q1, w2);
    c2 = _mm512_dpbusd_epi32(c2, q2, w2);
    c3 = _mm512_dpbusd_epi32(c3, q3, w2);
  }
  // Packing within 128-bit blocks undoes the interleaving within them.
  const __m512i low = _mm512_packs_epi32(combine(a0, b0, c0), combine(a1, b1, c1));
  const __m512i high = _mm512_packs_epi32(combine(a2, b2, c2), combine(a3, b3, c3));
  return _mm512_packus_epi16(low, high);
}

}  // namespace

void resample_column(const uint8_t* const* rows, const int32_t* weights, uint32_t taps, size_t n,
                     uint8_t* dst) {
  Digits digits;
  if (taps > kMostTaps || taps == 0 || !split_weights(weights, taps, digits)) {
    return N_AVX3::resample_column(rows, weights, taps, n, dst);
  }
  size_t i = 0;
  for (; i + 64 <= n; i += 64) _mm512_storeu_si512(dst + i, column_block<false>(rows, digits, taps, i, 0));
  if (i < n) {
    const __mmask64 mask = ~__mmask64{0} >> (64 - (n - i));
    _mm512_mask_storeu_epi8(dst + i, mask, column_block<true>(rows, digits, taps, i, mask));
  }
}

}  // namespace onpath::vnni
ONPATH_AVX512_END
#endif
