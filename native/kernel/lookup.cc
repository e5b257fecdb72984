// Table lookups without vector instructions, specialized by element width and channel count so that each
// element costs two loads and a store. Serves every set that has nothing better.
#include <cstring>

#include "kernel/sets.h"

namespace onpath::portable {
namespace {

/// Elements move as bytes of a fixed width: neither tables nor destinations need be aligned.
template <size_t kBytes>
inline void move_entry(uint8_t* dst, const uint8_t* table, uint8_t value) {
  std::memcpy(dst, table + size_t{value} * kBytes, kBytes);
}

template <size_t kBytes>
void interleaved(const uint8_t* src, size_t n, uint32_t channels, uint32_t phase, const uint8_t* tables,
                 uint8_t* dst) {
  constexpr size_t kTable = 256 * kBytes;
  size_t i = 0;
  if (channels == 1) {
    for (; i < n; ++i) move_entry<kBytes>(dst + i * kBytes, tables, src[i]);
    return;
  }
  if (channels == 3) {
    const uint8_t* t0 = tables + phase * kTable;
    const uint8_t* t1 = tables + (phase + 1) % 3 * kTable;
    const uint8_t* t2 = tables + (phase + 2) % 3 * kTable;
    for (; i + 3 <= n; i += 3) {
      move_entry<kBytes>(dst + i * kBytes, t0, src[i]);
      move_entry<kBytes>(dst + (i + 1) * kBytes, t1, src[i + 1]);
      move_entry<kBytes>(dst + (i + 2) * kBytes, t2, src[i + 2]);
    }
  } else if (channels == 4) {
    const uint8_t* t0 = tables + phase * kTable;
    const uint8_t* t1 = tables + (phase + 1) % 4 * kTable;
    const uint8_t* t2 = tables + (phase + 2) % 4 * kTable;
    const uint8_t* t3 = tables + (phase + 3) % 4 * kTable;
    for (; i + 4 <= n; i += 4) {
      move_entry<kBytes>(dst + i * kBytes, t0, src[i]);
      move_entry<kBytes>(dst + (i + 1) * kBytes, t1, src[i + 1]);
      move_entry<kBytes>(dst + (i + 2) * kBytes, t2, src[i + 2]);
      move_entry<kBytes>(dst + (i + 3) * kBytes, t3, src[i + 3]);
    }
  }
  for (size_t table = (phase + i) % channels; i < n; ++i) {
    move_entry<kBytes>(dst + i * kBytes, tables + table * kTable, src[i]);
    table = table + 1 == channels ? 0 : table + 1;
  }
}

template <size_t kBytes, size_t kChannels>
void plane(const uint8_t* __restrict src, size_t pixels, const uint8_t* __restrict table,
           uint8_t* __restrict dst) {
  size_t i = 0;
  for (; i + 4 <= pixels; i += 4, src += 4 * kChannels, dst += 4 * kBytes) {
    move_entry<kBytes>(dst, table, src[0]);
    move_entry<kBytes>(dst + kBytes, table, src[kChannels]);
    move_entry<kBytes>(dst + 2 * kBytes, table, src[2 * kChannels]);
    move_entry<kBytes>(dst + 3 * kBytes, table, src[3 * kChannels]);
  }
  for (; i < pixels; ++i, src += kChannels, dst += kBytes) move_entry<kBytes>(dst, table, src[0]);
}

template <size_t kBytes>
void planar(const uint8_t* src, size_t pixels, uint32_t channels, uint32_t out_channels,
            const uint8_t* select, const uint8_t* tables, void* const* dst) {
  // One plane after the other: streams of stores a multiple of 4096 bytes apart, as planes often are, hinder
  // each other.
  for (uint32_t o = 0; o < out_channels; ++o) {
    const uint8_t* from = src + select[o];
    const uint8_t* table = tables + o * 256 * kBytes;
    auto* to = static_cast<uint8_t*>(dst[o]);
    if (channels == 1) plane<kBytes, 1>(from, pixels, table, to);
    if (channels == 2) plane<kBytes, 2>(from, pixels, table, to);
    if (channels == 3) plane<kBytes, 3>(from, pixels, table, to);
    if (channels == 4) plane<kBytes, 4>(from, pixels, table, to);
  }
}

template <size_t kBytes, uint32_t kOut>
void selected(const uint8_t* __restrict src, size_t pixels, size_t channels, const uint8_t* select,
              const uint8_t* __restrict tables, uint8_t* __restrict dst) {
  size_t from[kOut];
  for (uint32_t o = 0; o < kOut; ++o) from[o] = select[o];
  for (size_t i = 0; i < pixels; ++i, src += channels, dst += kOut * kBytes) {
    for (uint32_t o = 0; o < kOut; ++o)
      move_entry<kBytes>(dst + o * kBytes, tables + o * 256 * kBytes, src[from[o]]);
  }
}

template <size_t kBytes>
void select_by_count(const uint8_t* src, size_t pixels, uint32_t channels, uint32_t out_channels,
                     const uint8_t* select, const uint8_t* tables, uint8_t* dst) {
  switch (out_channels) {
    case 1:
      return selected<kBytes, 1>(src, pixels, channels, select, tables, dst);
    case 2:
      return selected<kBytes, 2>(src, pixels, channels, select, tables, dst);
    case 3:
      return selected<kBytes, 3>(src, pixels, channels, select, tables, dst);
    default:
      return selected<kBytes, 4>(src, pixels, channels, select, tables, dst);
  }
}

/// Looks up `kChannels` by `kChannels` bytes; pairs of them make the words of the sum, so an odd number of
/// channels takes two pixels at a time.
template <uint32_t kChannels>
uint64_t sum_pixels(uint8_t*& data, size_t& n, const uint8_t* const* tables) {
  constexpr size_t kStep = kChannels % 2 == 0 ? kChannels : kChannels * 2;
  uint64_t high = 0, low = 0;  // of the words
  for (; n >= kStep; n -= kStep, data += kStep) {
    for (size_t i = 0; i < kStep; i += 2) {
      const uint8_t a = tables[i % kChannels][data[i]];
      const uint8_t b = tables[(i + 1) % kChannels][data[i + 1]];
      data[i] = a;
      data[i + 1] = b;
      high += a;
      low += b;
    }
  }
  return (high << 8) + low;
}

}  // namespace

void lookup_interleaved(const uint8_t* src, size_t n, uint32_t channels, uint32_t phase, uint32_t entry_bytes,
                        const void* tables, void* dst) {
  const auto* t = static_cast<const uint8_t*>(tables);
  auto* d = static_cast<uint8_t*>(dst);
  if (entry_bytes == 1) return interleaved<1>(src, n, channels, phase, t, d);
  if (entry_bytes == 2) return interleaved<2>(src, n, channels, phase, t, d);
  return interleaved<4>(src, n, channels, phase, t, d);
}

void lookup_planar(const uint8_t* src, size_t pixels, uint32_t channels, uint32_t out_channels,
                   const uint8_t* select, uint32_t entry_bytes, const void* tables, void* const* dst) {
  const auto* t = static_cast<const uint8_t*>(tables);
  if (entry_bytes == 1) return planar<1>(src, pixels, channels, out_channels, select, t, dst);
  if (entry_bytes == 2) return planar<2>(src, pixels, channels, out_channels, select, t, dst);
  return planar<4>(src, pixels, channels, out_channels, select, t, dst);
}

void lookup_select(const uint8_t* src, size_t pixels, uint32_t channels, uint32_t out_channels,
                   const uint8_t* select, uint32_t entry_bytes, const void* tables, void* dst) {
  const auto* t = static_cast<const uint8_t*>(tables);
  auto* d = static_cast<uint8_t*>(dst);
  if (entry_bytes == 1) return select_by_count<1>(src, pixels, channels, out_channels, select, t, d);
  if (entry_bytes == 2) return select_by_count<2>(src, pixels, channels, out_channels, select, t, d);
  return select_by_count<4>(src, pixels, channels, out_channels, select, t, d);
}

uint16_t lookup_sum(uint8_t* data, size_t n, uint32_t channels, uint32_t phase, const uint8_t* tables) {
  const uint8_t* table[4];
  for (uint32_t c = 0; c < channels; ++c) table[c] = tables + size_t{(phase + c) % channels} * 256;
  uint64_t sum = channels == 1   ? sum_pixels<1>(data, n, table)
                 : channels == 2 ? sum_pixels<2>(data, n, table)
                 : channels == 3 ? sum_pixels<3>(data, n, table)
                                 : sum_pixels<4>(data, n, table);
  for (size_t i = 0; i < n; ++i) {
    data[i] = table[i % channels][data[i]];
    sum += i % 2 == 0 ? uint64_t{data[i]} << 8 : data[i];
  }
  return ones_complement(sum);
}

}  // namespace onpath::portable
