// Horizontal resampling with AVX-512 VNNI and VBMI. A weight is three signed digits of base 256, w = d2 *
// 2^16 + d1 * 2^8 + d0; four 8-bit taps times four digits are one instruction, exact in 32 bits; the digits'
// sums are put together at the end, exact modulo 2^32, as the final sum fits. One byte permutation of 64
// bytes gathers the taps of 16 sums (resample_plan.h says where they lie).
#include "kernel/avx512.h"
#include "kernel/sets.h"

#if ONPATH_X86_SETS

#include "kernel/resample_plan.h"

ONPATH_AVX512_BEGIN
namespace onpath::vnni {
namespace {

constexpr uint32_t kLanes = 16;
constexpr uint32_t kWindow = 64;

struct Step {
  uint8_t permutation[64];
  int8_t digit[3][64];
};

/// Adding 0x80 to each byte position turns digits -128..127 into bytes 0..255; taking it away again bytewise
/// gives them back.
constexpr int32_t kDigitBias = 0x808080;

void encode(const LaneTaps* taps, uint8_t* bytes) {
  Step step;
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    for (uint32_t t = 0; t < kTapsPerLane; ++t) {
      const uint32_t at = lane * kTapsPerLane + t;
      const int32_t digits = (taps[lane].weight[t] + kDigitBias) ^ kDigitBias;
      step.permutation[at] = taps[lane].index[t];
      for (int d = 0; d < 3; ++d) step.digit[d][at] = static_cast<int8_t>(digits >> (8 * d));
    }
  }
  std::memcpy(bytes, &step, sizeof step);
}

constexpr VectorShape kShape = {.blocks = 1,
                                .lanes = kLanes,
                                .window = kWindow,
                                .step_bytes = sizeof(Step),
                                .least_weight = -kDigitBias,
                                .greatest_weight = 0xffffff - kDigitBias,
                                .encode = encode};

inline __m512i sum_group(const uint8_t* src, const RowPlan& plan, RowGroupView group, const uint8_t* steps) {
  __m512i d0 = _mm512_setzero_si512(), d1 = d0, d2 = d0;
  const uint8_t* step = steps + size_t{group.first_step()} * sizeof(Step);
  const uint8_t* end = step + size_t{group.steps()} * sizeof(Step);
  const size_t stride = plan.stride, last = plan.last_offset;
  for (size_t offset = group.offset(0); step != end; step += sizeof(Step), offset += stride) {
    const __m512i window = _mm512_loadu_si512(src + (offset < last ? offset : last));
    const __m512i taps = _mm512_permutexvar_epi8(_mm512_loadu_si512(step), window);
    d0 = _mm512_dpbusd_epi32(d0, taps, _mm512_loadu_si512(step + 64));
    d1 = _mm512_dpbusd_epi32(d1, taps, _mm512_loadu_si512(step + 128));
    d2 = _mm512_dpbusd_epi32(d2, taps, _mm512_loadu_si512(step + 192));
  }
  const __m512i upper = _mm512_add_epi32(_mm512_slli_epi32(d2, 16), _mm512_slli_epi32(d1, 8));
  return _mm512_add_epi32(d0, upper);
}

/// Adds to the lanes of the first share those of all others. Lanes beyond the first share hold nothing of use
/// afterwards.
inline __m512i add_shares(__m512i sums, uint32_t values, uint32_t split) {
  const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  while (split > 1) {
    const uint32_t upper = (split + 1) / 2;  // shares from here on are added to those from 0 on
    const __m512i from = _mm512_add_epi32(lane, _mm512_set1_epi32(static_cast<int>(upper * values)));
    const auto kept = static_cast<__mmask16>((1u << ((split - upper) * values)) - 1);
    sums = _mm512_mask_add_epi32(sums, kept, sums, _mm512_permutexvar_epi32(from, sums));
    split = upper;
  }
  return sums;
}

}  // namespace

size_t prepared_resample_row_bytes(const ResampleRow& row) { return row_plan_bytes(row, kShape); }
void prepare_resample_row(const ResampleRow& row, void* prepared) { write_row_plan(row, kShape, prepared); }

void resample_row(const ResampleRow& row, const uint8_t* src, uint8_t* dst) {
  if (row.prepared == nullptr) return scalar_kernels().resample_row(row, src, dst);
  const RowPlan plan = row_plan_of(row.prepared);
  const uint8_t* steps = static_cast<const uint8_t*>(row.prepared) + plan.steps_offset;
  uint8_t small[kWindow] = {};
  if (row.in_pixels * row.channels < kWindow) {
    std::memcpy(small, src, row.in_pixels * row.channels);
    src = small;
  }
  const uint32_t values = plan.pixels * row.channels;
  uint32_t left = row.out_pixels * row.channels;
  for (uint32_t g = 0; g < plan.groups; ++g) {
    const RowGroupView group(row.prepared, g);
    const uint32_t bytes = group.bytes(0);
    const __m512i sums = add_shares(sum_group(src, plan, group, steps), values, plan.split);
    const __m512i half = _mm512_set1_epi32(1 << 21);
    const __m512i rounded = _mm512_srai_epi32(_mm512_add_epi32(sums, half), 22);
    const __m128i packed = _mm512_cvtusepi32_epi8(_mm512_max_epi32(rounded, _mm512_setzero_si512()));
    if (left >= kLanes) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(dst),
                       packed);  // what is too much is overwritten by the next group
    } else {
      _mm_mask_storeu_epi8(dst, static_cast<__mmask16>((1u << bytes) - 1), packed);
    }
    dst += bytes;
    left -= bytes;
  }
}

}  // namespace onpath::vnni
ONPATH_AVX512_END
#endif
