// The definition of every kernel: plain loops, one statement of what each result is. Other sets must give
// these bits. Must not know: instruction sets, plans, images.
#include <cstring>

#include "kernel/sets.h"

namespace onpath {
namespace {

constexpr int kFractionBits = 22;
constexpr uint32_t kHalf = 1u << (kFractionBits - 1);

// Sums wrap modulo 2^32, as vectors do; those of weights that table/ makes never come near the ends.
constexpr uint32_t product(uint8_t value, int32_t weight) { return value * static_cast<uint32_t>(weight); }
constexpr int32_t rounded(uint32_t sum) { return static_cast<int32_t>(sum + kHalf) >> kFractionBits; }

uint8_t clip8(int32_t value) { return static_cast<uint8_t>(value < 0 ? 0 : value > 255 ? 255 : value); }

void copy_entry(void* dst, size_t index, const void* tables, size_t table, uint8_t value,
                uint32_t entry_bytes) {
  std::memcpy(static_cast<uint8_t*>(dst) + index * entry_bytes,
              static_cast<const uint8_t*>(tables) + (table * 256 + value) * entry_bytes, entry_bytes);
}

void lookup_interleaved(const uint8_t* src, size_t n, uint32_t channels, uint32_t phase, uint32_t entry_bytes,
                        const void* tables, void* dst) {
  for (size_t i = 0; i < n; ++i) copy_entry(dst, i, tables, (phase + i) % channels, src[i], entry_bytes);
}

void lookup_planar(const uint8_t* src, size_t pixels, uint32_t channels, uint32_t out_channels,
                   const uint8_t* select, uint32_t entry_bytes, const void* tables, void* const* dst) {
  for (uint32_t o = 0; o < out_channels; ++o) {
    for (size_t i = 0; i < pixels; ++i)
      copy_entry(dst[o], i, tables, o, src[i * channels + select[o]], entry_bytes);
  }
}

void lookup_select(const uint8_t* src, size_t pixels, uint32_t channels, uint32_t out_channels,
                   const uint8_t* select, uint32_t entry_bytes, const void* tables, void* dst) {
  for (size_t i = 0; i < pixels; ++i) {
    for (uint32_t o = 0; o < out_channels; ++o) {
      copy_entry(dst, i * out_channels + o, tables, o, src[i * channels + select[o]], entry_bytes);
    }
  }
}

uint16_t lookup_sum(uint8_t* data, size_t n, uint32_t channels, uint32_t phase, const uint8_t* tables) {
  uint64_t sum = 0;
  for (size_t i = 0; i < n; ++i) {
    copy_entry(data, i, tables, (phase + i) % channels, data[i], 1);
    sum += i % 2 == 0 ? uint64_t{data[i]} << 8 : data[i];
  }
  return ones_complement(sum);
}

size_t prepared_resample_row_bytes(const ResampleRow&) { return 0; }
void prepare_resample_row(const ResampleRow&, void*) {}

void resample_row(const ResampleRow& row, const uint8_t* src, uint8_t* dst) {
  for (uint32_t x = 0; x < row.out_pixels; ++x) {
    const int32_t* weights = row.weights + size_t{row.row[x]} * row.taps;
    const uint8_t* taps = src + size_t{row.first[x]} * row.channels;
    for (uint32_t c = 0; c < row.channels; ++c) {
      uint32_t sum = 0;
      for (uint32_t i = 0; i < row.count[x]; ++i)
        sum += product(taps[size_t{i} * row.channels + c], weights[i]);
      dst[size_t{x} * row.channels + c] = clip8(rounded(sum));
    }
  }
}

void resample_column(const uint8_t* const* rows, const int32_t* weights, uint32_t taps, size_t n,
                     uint8_t* dst) {
  for (size_t i = 0; i < n; ++i) {
    uint32_t sum = 0;
    for (uint32_t t = 0; t < taps; ++t) sum += product(rows[t][i], weights[t]);
    dst[i] = clip8(rounded(sum));
  }
}

void accumulate_row(const uint8_t* row, int32_t weight, size_t n, int32_t* sums) {
  for (size_t i = 0; i < n; ++i) {
    sums[i] = static_cast<int32_t>(static_cast<uint32_t>(sums[i]) + product(row[i], weight));
  }
}

void round_sums(const int32_t* sums, size_t n, uint8_t* dst) {
  for (size_t i = 0; i < n; ++i) dst[i] = clip8(rounded(static_cast<uint32_t>(sums[i])));
}

void lerp_row(const uint8_t* src, const uint32_t* x0, const uint32_t* x1, const uint32_t* w0,
              const uint32_t* w1, size_t out_pixels, uint32_t channels, uint32_t* dst) {
  for (size_t x = 0; x < out_pixels; ++x) {
    for (uint32_t c = 0; c < channels; ++c) {
      dst[x * channels + c] =
          src[size_t{x0[x]} * channels + c] * w0[x] + src[size_t{x1[x]} * channels + c] * w1[x];
    }
  }
}

void lerp_column(const uint32_t* top, const uint32_t* bottom, uint32_t w0, uint32_t w1, uint64_t denominator,
                 size_t n, uint8_t* dst) {
  for (size_t i = 0; i < n; ++i) {
    const uint64_t sum = uint64_t{top[i]} * w0 + uint64_t{bottom[i]} * w1;
    const uint64_t quotient = sum / denominator;
    const uint64_t rest = sum % denominator;
    const uint64_t missing = denominator - rest;
    const bool up = rest > missing || (rest == missing && (quotient & 1) != 0);
    dst[i] = static_cast<uint8_t>(quotient + (up ? 1 : 0));
  }
}

void lerp_column_fixed11(const uint32_t* top, const uint32_t* bottom, uint32_t w0, uint32_t w1, size_t n,
                         uint8_t* dst) {
  for (size_t i = 0; i < n; ++i) {
    dst[i] = static_cast<uint8_t>((((top[i] >> 4) * w0 >> 16) + ((bottom[i] >> 4) * w1 >> 16) + 2) >> 2);
  }
}

void premultiply(const uint8_t* src, size_t pixels, uint8_t* dst) {
  for (size_t i = 0; i < pixels * 4; i += 4) {
    const uint32_t alpha = src[i + 3];
    for (size_t c = 0; c < 3; ++c) {
      const uint32_t product = src[i + c] * alpha + 128;  // (product / 255) rounded, without a division
      dst[i + c] = static_cast<uint8_t>(((product >> 8) + product) >> 8);
    }
    dst[i + 3] = static_cast<uint8_t>(alpha);
  }
}

void unpremultiply(const uint8_t* src, size_t pixels, uint8_t* dst) {
  for (size_t i = 0; i < pixels * 4; i += 4) {
    const int32_t alpha = src[i + 3];
    for (size_t c = 0; c < 3; ++c) {
      const int32_t value = src[i + c];
      dst[i + c] = alpha == 0 || alpha == 255 ? static_cast<uint8_t>(value) : clip8(255 * value / alpha);
    }
    dst[i + 3] = static_cast<uint8_t>(alpha);
  }
}

void uyvy_to_rgb(const uint8_t* src, size_t pairs, const int32_t* tables, uint8_t* dst) {
  const int32_t* y_to_all = tables;
  const int32_t* cr_to_r = tables + 256;
  const int32_t* cb_to_g = tables + 512;
  const int32_t* cr_to_g = tables + 768;
  const int32_t* cb_to_b = tables + 1024;
  const auto rounded_byte = [](int32_t sum) { return clip8((sum + (1 << 15)) >> 16); };
  for (size_t i = 0; i < pairs; ++i, src += 4) {
    const uint8_t cb = src[0];
    const uint8_t cr = src[2];
    for (const uint8_t luma : {src[1], src[3]}) {
      const int32_t y = y_to_all[luma];
      *dst++ = rounded_byte(y + cr_to_r[cr]);
      *dst++ = rounded_byte(y + cb_to_g[cb] + cr_to_g[cr]);
      *dst++ = rounded_byte(y + cb_to_b[cb]);
    }
  }
}

/// Without vectors the automata are as fast.
Cuts cut_text(CutRules, const uint8_t*, size_t, uint32_t, uint32_t*, size_t) { return {}; }

}  // namespace

const KernelSet& scalar_kernels() {
  static constexpr KernelSet kSet = {
      .name = "scalar",
      .lookup_interleaved = lookup_interleaved,
      .lookup_planar = lookup_planar,
      .lookup_select = lookup_select,
      .lookup_sum = lookup_sum,
      .prepared_resample_row_bytes = prepared_resample_row_bytes,
      .prepare_resample_row = prepare_resample_row,
      .resample_row = resample_row,
      .resample_column = resample_column,
      .accumulate_row = accumulate_row,
      .round_sums = round_sums,
      .lerp_row = lerp_row,
      .lerp_column = lerp_column,
      .lerp_column_fixed11 = lerp_column_fixed11,
      .premultiply = premultiply,
      .unpremultiply = unpremultiply,
      .uyvy_to_rgb = uyvy_to_rgb,
      .cut_text = cut_text,
  };
  return kSet;
}

}  // namespace onpath
