// Horizontal resampling: pairs of 8-bit taps are spread to 16 bits by a byte shuffle and
// multiplied with the two halves of their weights, w = high * 2^15 + low, so that every product and sum is
// exact modulo 2^32 and the final sum, which fits, is exact. Where each tap lies is worked out beforehand
// (resample_plan.h).
#include "kernel/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernel/resample_row.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"

#include "kernel/resample_plan.h"
#include "kernel/sets.h"

HWY_BEFORE_NAMESPACE();
namespace onpath {
namespace HWY_NAMESPACE {
#if ONPATH_HAVE_VECTORS
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// Byte shuffles stay within 128-bit blocks, so each block is loaded by itself.
constexpr size_t kVectorBytes = HWY_MAX_BYTES;
constexpr uint32_t kBlocks = kVectorBytes / 16;
constexpr uint32_t kLanes = 4;
constexpr uint32_t kWindow = 16;

using D8 = hn::FixedTag<uint8_t, kVectorBytes>;
using D16 = hn::FixedTag<int16_t, kVectorBytes / 2>;
using D32 = hn::FixedTag<int32_t, kVectorBytes / 4>;
using V8 = hn::Vec<D8>;
using V16 = hn::Vec<D16>;
using V32 = hn::Vec<D32>;

/// A step: shuffles that bring taps 0 and 1 (then 2 and 3) of each lane to 16 bits, and the halves of their
/// weights.
struct Step {
  uint8_t shuffle[2][kVectorBytes];
  int16_t low[2][kVectorBytes / 2];
  int16_t high[2][kVectorBytes / 2];
};

void encode(const LaneTaps* taps, uint8_t* bytes) {
  Step step;
  for (uint32_t lane = 0; lane < kBlocks * kLanes; ++lane) {
    for (uint32_t t = 0; t < kTapsPerLane; ++t) {
      const uint32_t at = lane * 2 + t % 2;
      step.shuffle[t / 2][at * 2] = taps[lane].index[t];
      step.shuffle[t / 2][at * 2 + 1] = 0x80;  // gives zero
      step.low[t / 2][at] = static_cast<int16_t>(taps[lane].weight[t] & 0x7fff);
      step.high[t / 2][at] = static_cast<int16_t>(taps[lane].weight[t] >> 15);
    }
  }
  std::memcpy(bytes, &step, sizeof step);
}

constexpr VectorShape kShape = {.blocks = kBlocks,
                                .lanes = kLanes,
                                .window = kWindow,
                                .step_bytes = sizeof(Step),
                                .least_weight = -(1 << 30),
                                .greatest_weight = (1 << 30) - 1,
                                .encode = encode};

/// Sums of neighbouring products: a[2i] * b[2i] + a[2i + 1] * b[2i + 1].
HWY_INLINE V32 multiply_pairs(V16 a, V16 b) {
#if HWY_ARCH_X86 && HWY_MAX_BYTES == 64
  return V32{_mm512_madd_epi16(a.raw, b.raw)};
#elif HWY_ARCH_X86 && HWY_MAX_BYTES == 32
  return V32{_mm256_madd_epi16(a.raw, b.raw)};
#elif HWY_ARCH_X86
  return V32{_mm_madd_epi16(a.raw, b.raw)};
#else
  const D32 d32;
  const V32 a32 = hn::BitCast(d32, a), b32 = hn::BitCast(d32, b);
  const auto even = [](V32 v) HWY_ATTR { return hn::ShiftRight<16>(hn::ShiftLeft<16>(v)); };
  const auto odd = [](V32 v) HWY_ATTR { return hn::ShiftRight<16>(v); };
  return hn::Add(hn::Mul(even(a32), even(b32)), hn::Mul(odd(a32), odd(b32)));
#endif
}

HWY_INLINE V8 load_blocks(const uint8_t* src, RowGroupView group, size_t moved, size_t last) {
  const hn::FixedTag<uint8_t, 16> d128;
  const auto block = [&](uint32_t b) HWY_ATTR {
    const size_t offset = group.offset(b) + moved;
    return hn::LoadU(d128, src + (offset < last ? offset : last));
  };
#if HWY_MAX_BYTES == 64
  const hn::FixedTag<uint8_t, 32> d256;
  return hn::Combine(D8(), hn::Combine(d256, block(3), block(2)), hn::Combine(d256, block(1), block(0)));
#elif HWY_MAX_BYTES == 32
  return hn::Combine(D8(), block(1), block(0));
#else
  return block(0);
#endif
}

HWY_INLINE V32 sum_group(const uint8_t* src, const RowPlan& plan, RowGroupView group, const uint8_t* steps) {
  const D8 d8;
  const D16 d16;
  const D32 d32;
  const auto load = [&](const uint8_t* p) HWY_ATTR { return hn::BitCast(d16, hn::LoadU(d8, p)); };
  V32 low = hn::Zero(d32), high = hn::Zero(d32);
  const uint8_t* step = steps + size_t{group.first_step()} * sizeof(Step);
  const uint8_t* end = step + size_t{group.steps()} * sizeof(Step);
  for (size_t moved = 0; step != end; step += sizeof(Step), moved += plan.stride) {
    const V8 window = load_blocks(src, group, moved, plan.last_offset);
    for (size_t pair = 0; pair < 2; ++pair) {
      const uint8_t* at = step + pair * kVectorBytes;
      const V16 taps =
          hn::BitCast(d16, hn::TableLookupBytesOr0(window, hn::LoadU(d8, at + offsetof(Step, shuffle))));
      low = hn::Add(low, multiply_pairs(taps, load(at + offsetof(Step, low))));
      high = hn::Add(high, multiply_pairs(taps, load(at + offsetof(Step, high))));
    }
  }
  return hn::Add(low, hn::ShiftLeft<15>(high));
}

/// Adds to the lanes of each block's first share those of the others (at most three, as a block has four
/// lanes).
HWY_INLINE V32 add_shares(V32 sums, uint32_t values, uint32_t split) {
  const D8 d8;
  const D32 d32;
  alignas(16) static constexpr uint8_t kByte[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const V8 byte = hn::LoadDup128(d8, kByte);
  V32 total = sums;
  for (uint32_t share = 1; share < split; ++share) {
    // Masking keeps indexes inside the block; lanes that wrap belong to no first share.
    const V8 from =
        hn::And(hn::Add(byte, hn::Set(d8, static_cast<uint8_t>(share * values * 4))), hn::Set(d8, 15));
    total = hn::Add(total, hn::BitCast(d32, hn::TableLookupBytes(hn::BitCast(d8, sums), from)));
  }
  return total;
}

/// Stores the first `bytes` bytes of a word; the whole word where that stays inside the row.
HWY_INLINE void store_block(uint32_t word, uint32_t bytes, uint8_t* dst, const uint8_t* end) {
  if (end - dst >= 4) {
    std::memcpy(dst, &word, 4);  // what is too much is overwritten by the pixels to the right
  } else {
    for (uint32_t i = 0; i < bytes; ++i) dst[i] = static_cast<uint8_t>(word >> (8 * i));
  }
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
  const D32 d32;
  const hn::FixedTag<uint8_t, kVectorBytes / 4> d8;
  const V32 half = hn::Set(d32, 1 << 21);
  const uint32_t values = plan.pixels * row.channels;
  const uint8_t* end = dst + size_t{row.out_pixels} * row.channels;
  for (uint32_t g = 0; g < plan.groups; ++g) {
    const RowGroupView group(row.prepared, g);
    const V32 sums = add_shares(sum_group(src, plan, group, steps), values, plan.split);
    uint8_t results[kVectorBytes / 4];
    hn::StoreU(hn::DemoteTo(d8, hn::ShiftRight<22>(hn::Add(sums, half))), d8, results);
    for (uint32_t b = 0; b < kBlocks; ++b) {
      uint32_t word;
      std::memcpy(&word, results + b * 4, 4);
      store_block(word, group.bytes(b), dst, end);
      dst += group.bytes(b);
    }
  }
}

#endif  // ONPATH_HAVE_VECTORS
}  // namespace HWY_NAMESPACE
}  // namespace onpath
HWY_AFTER_NAMESPACE();
