// The inner loops a program is bound to. All sets give identical bits; `scalar` is the definition.
// No kernel reads or writes outside the ranges stated; no alignment is required anywhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "kernel/text_cuts.h"

namespace onpath {

/// Horizontal resampling of one row of 8-bit pixels with 22-bit fixed-point weights of any sign (Pillow's
/// definition):
/// out[x][c] = clip8((2^21 + sum_i in[first[x] + i][c] * weights[row[x]][i]) >> 22)
struct ResampleRow {
  uint32_t in_pixels = 0;
  uint32_t out_pixels = 0;
  uint32_t channels = 0;  // 1..4
  uint32_t taps = 0;      // stride of a weight row; unused trailing weights are zero
  const uint32_t* first =
      nullptr;  // [out_pixels] first input pixel of each output pixel; first[x] + count[x] <= in_pixels
  const uint16_t* count = nullptr;   // [out_pixels] weights in use, 1..taps
  const uint16_t* row = nullptr;     // [out_pixels] index into the deduplicated weight rows
  const int32_t* weights = nullptr;  // [rows][taps]
  const void* prepared = nullptr;    // what KernelSet::prepare_resample_row made of the above, or null
};

struct KernelSet {
  std::string_view name;  // "scalar", "sse4", "avx2", "avx3", "avx3_dl"

  // --- element tables. `tables` holds `channels` tables of 256 entries of `entry_bytes` (1, 2 or 4) bytes
  // each.
  /// Interleaved in, interleaved out: dst[i] = tables[(phase + i) % channels][src[i]] for i < n; phase <
  /// channels. src and dst may be the same memory if entry_bytes is 1.
  void (*lookup_interleaved)(const uint8_t* src, size_t n, uint32_t channels, uint32_t phase,
                             uint32_t entry_bytes, const void* tables, void* dst);
  /// Whole pixels in, planes out, with channel selection: dst[o][i] = tables[o][src[i * channels +
  /// select[o]]] for i < pixels, o < out_channels. in channels 1..4, out_channels 1..4.
  void (*lookup_planar)(const uint8_t* src, size_t pixels, uint32_t channels, uint32_t out_channels,
                        const uint8_t* select, uint32_t entry_bytes, const void* tables, void* const* dst);
  /// Whole pixels in, interleaved pixels out, with channel selection: dst[i * out_channels + o] =
  /// tables[o][src[i * channels + select[o]]].
  void (*lookup_select)(const uint8_t* src, size_t pixels, uint32_t channels, uint32_t out_channels,
                        const uint8_t* select, uint32_t entry_bytes, const void* tables, void* dst);
  /// lookup_interleaved of bytes in place, and the ones' complement sum (RFC 1071) of the result in the same
  /// pass: 16-bit words in network order, an odd last byte padded with zero, folded to 16 bits.
  uint16_t (*lookup_sum)(uint8_t* data, size_t n, uint32_t channels, uint32_t phase, const uint8_t* tables);

  // --- resampling
  /// Bytes of prepared data for this row geometry (0: none), and its making at compile/bind time. Both may
  /// allocate. What was prepared has any alignment and may be moved; it is read only by the set that made it.
  size_t (*prepared_resample_row_bytes)(const ResampleRow& row);
  void (*prepare_resample_row)(const ResampleRow& row, void* prepared);
  void (*resample_row)(const ResampleRow& row, const uint8_t* src, uint8_t* dst);
  /// Vertical: dst[i] = clip8((2^21 + sum_t rows[t][i] * weights[t]) >> 22) for i < n.
  void (*resample_column)(const uint8_t* const* rows, const int32_t* weights, uint32_t taps, size_t n,
                          uint8_t* dst);
  /// Partial sums of the same: sums[i] += row[i] * weight, and dst[i] = clip8((2^21 + sums[i]) >> 22). int32
  /// never overflows for weights that table/ makes.
  void (*accumulate_row)(const uint8_t* row, int32_t weight, size_t n, int32_t* sums);
  void (*round_sums)(const int32_t* sums, size_t n, uint8_t* dst);

  // --- two neighbours: dst[x][c] = src[x0[x]][c] * w0[x] + src[x1[x]][c] * w1[x], exact in 32 bits
  void (*lerp_row)(const uint8_t* src, const uint32_t* x0, const uint32_t* x1, const uint32_t* w0,
                   const uint32_t* w1, size_t out_pixels, uint32_t channels, uint32_t* dst);
  /// exact4: dst[i] = (top[i] * w0 + bottom[i] * w1) / denominator rounded half to even; the sums fit int64,
  /// the result a byte.
  void (*lerp_column)(const uint32_t* top, const uint32_t* bottom, uint32_t w0, uint32_t w1,
                      uint64_t denominator, size_t n, uint8_t* dst);
  /// OpenCV: dst[i] = (((top[i] >> 4) * w0 >> 16) + ((bottom[i] >> 4) * w1 >> 16) + 2) >> 2, for w0, w1 of at
  /// most 2^11 that add up to at most 2^11 + 1, and top and bottom of at most 255 * (2^11 + 1).
  void (*lerp_column_fixed11)(const uint32_t* top, const uint32_t* bottom, uint32_t w0, uint32_t w1, size_t n,
                              uint8_t* dst);

  // --- alpha of 4-channel pixels, alpha last, as Pillow's RGBA -> RGBa and RGBa -> RGBA. src and dst may be
  // the same memory.
  void (*premultiply)(const uint8_t* src, size_t pixels, uint8_t* dst);
  void (*unpremultiply)(const uint8_t* src, size_t pixels, uint8_t* dst);

  // --- Y'CbCr
  /// Pairs of pixels as Cb Y0 Cr Y1 to rgb: r = clip8((y[Y] + cr_to_r[Cr] + 2^15) >> 16), g likewise with
  /// cb_to_g[Cb] + cr_to_g[Cr], b with cb_to_b[Cb]. `tables` holds y, cr_to_r, cb_to_g, cr_to_g and cb_to_b,
  /// 256 entries each; each is a straight line: t[x] = t[0] + x * (t[1] - t[0]), and no sum leaves int32.
  void (*uyvy_to_rgb)(const uint8_t* src, size_t pairs, const int32_t* tables, uint8_t* dst);

  // --- text
  /// Ends of the pieces at the front of text[0, size), which begins at the beginning of a piece, as far as 64
  /// bytes at a time tell them whatever follows; `base` is added to each. Writes up to `room` words. May stop
  /// anywhere, and take nothing: what it leaves is for an automaton to go on with.
  Cuts (*cut_text)(CutRules rules, const uint8_t* text, size_t size, uint32_t base, uint32_t* ends,
                   size_t room);
};

/// The sets this CPU can run, best first; the last is always `scalar`.
std::span<const KernelSet* const> available_kernels();

/// By name, or null if unknown or if this CPU lacks it. An empty name means the best.
const KernelSet* find_kernels(std::string_view name);

}  // namespace onpath
