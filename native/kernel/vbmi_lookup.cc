// Lookups with AVX-512 VBMI. A table of 256 entries is held in registers as byte planes (all first bytes, all
// second bytes, ...), four registers a plane; 64 indexes look up a plane with four byte permutations, and the
// planes are interleaved to entries. Short runs, for which filling the registers would cost more than it
// saves, go the portable way.
#include "kernel/avx512.h"
#include "kernel/sets.h"

#if ONPATH_X86_SETS

#include <array>
#include <type_traits>

ONPATH_AVX512_BEGIN
namespace onpath::vbmi {
namespace {

/// Runs of at least this many pixels earn back the setting up of a table.
constexpr size_t kLeastPixels = 192;
/// So many pixels stay in the first-level cache while each channel is looked up.
constexpr size_t kBlockPixels = 4096;

/// One table as byte planes; plane[b][q] holds byte b of entries 64 q .. 64 q + 63.
template <uint32_t kBytes>
struct Planes {
  __m512i plane[kBytes][4];
};

/// Where element `at` of an interleaved result comes from: interleaving bytes to words (to dwords) within
/// 128-bit blocks leaves the entries of store k, block l at positions 16 l + (16 / kBytes) k; indexes are
/// ordered so that stores come out in order.
constexpr uint32_t source_pixel(uint32_t position, uint32_t entry_bytes) {
  const uint32_t run = 16 / entry_bytes;
  const uint32_t block = position / 16, store = position % 16 / run, within = position % run;
  return store * (64 / entry_bytes) + block * run + within;
}

/// Index bytes of 64 pixels: for permuting pairs of vectors, byte `position` is channel c of its pixel.
struct Gather {
  alignas(64) std::array<uint8_t, 64> from;
  uint64_t second;  // positions that lie in vectors 2 and 3 of the pixels rather than 0 and 1
};

constexpr Gather make_gather(uint32_t channels, uint32_t channel, uint32_t entry_bytes) {
  Gather gather{};
  for (uint32_t position = 0; position < 64; ++position) {
    const uint32_t byte = source_pixel(position, entry_bytes) * channels + channel;
    gather.from[position] = static_cast<uint8_t>(byte % 128);
    if (byte >= 128) gather.second |= uint64_t{1} << position;
  }
  return gather;
}

template <uint32_t kBytes>
constexpr std::array<std::array<Gather, 4>, 4> make_gathers() {
  std::array<std::array<Gather, 4>, 4> gathers{};
  for (uint32_t channels = 1; channels <= 4; ++channels) {
    for (uint32_t c = 0; c < channels; ++c) gathers[channels - 1][c] = make_gather(channels, c, kBytes);
  }
  return gathers;
}

template <uint32_t kBytes>
constexpr std::array<std::array<Gather, 4>, 4> kGathers = make_gathers<kBytes>();

inline __m512i load(const void* p) { return _mm512_loadu_si512(p); }

/// Bytes 0 of all dwords first, then bytes 1, ..., within each 128-bit block.
inline __m512i group_bytes_of_dwords(__m512i v) {
  return _mm512_shuffle_epi8(
      v, _mm512_broadcast_i32x4(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15)));
}
inline __m512i group_bytes_of_words(__m512i v) {
  return _mm512_shuffle_epi8(
      v, _mm512_broadcast_i32x4(_mm_setr_epi8(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15)));
}

inline void take(const uint8_t* table, Planes<1>& planes) {
  for (uint32_t q = 0; q < 4; ++q) planes.plane[0][q] = load(table + q * 64);
}
inline void take(const uint8_t* table, Planes<2>& planes) {
  const __m512i order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
  for (uint32_t q = 0; q < 4; ++q) {
    const __m512i a = _mm512_permutexvar_epi64(order, group_bytes_of_words(load(table + q * 128)));
    const __m512i b = _mm512_permutexvar_epi64(order, group_bytes_of_words(load(table + q * 128 + 64)));
    planes.plane[0][q] = _mm512_shuffle_i64x2(a, b, 0x44);
    planes.plane[1][q] = _mm512_shuffle_i64x2(a, b, 0xee);
  }
}
inline void take(const uint8_t* table, Planes<4>& planes) {
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  for (uint32_t q = 0; q < 4; ++q) {
    // Each vector becomes four blocks, block b the bytes b of its 16 entries; then blocks are transposed.
    const __m512i v0 = _mm512_permutexvar_epi32(order, group_bytes_of_dwords(load(table + q * 256)));
    const __m512i v1 = _mm512_permutexvar_epi32(order, group_bytes_of_dwords(load(table + q * 256 + 64)));
    const __m512i v2 = _mm512_permutexvar_epi32(order, group_bytes_of_dwords(load(table + q * 256 + 128)));
    const __m512i v3 = _mm512_permutexvar_epi32(order, group_bytes_of_dwords(load(table + q * 256 + 192)));
    const __m512i low01 = _mm512_shuffle_i32x4(v0, v1, 0x44), high01 = _mm512_shuffle_i32x4(v0, v1, 0xee);
    const __m512i low23 = _mm512_shuffle_i32x4(v2, v3, 0x44), high23 = _mm512_shuffle_i32x4(v2, v3, 0xee);
    planes.plane[0][q] = _mm512_shuffle_i32x4(low01, low23, 0x88);
    planes.plane[1][q] = _mm512_shuffle_i32x4(low01, low23, 0xdd);
    planes.plane[2][q] = _mm512_shuffle_i32x4(high01, high23, 0x88);
    planes.plane[3][q] = _mm512_shuffle_i32x4(high01, high23, 0xdd);
  }
}

/// A byte of each of 64 entries: permutations look at the low six bits, bits 6 and 7 choose among four of
/// them.
inline __m512i look_up(const __m512i* plane, __m512i index, __mmask64 bit6, __mmask64 bit7) {
  const __m512i low =
      _mm512_mask_permutexvar_epi8(_mm512_permutexvar_epi8(index, plane[0]), bit6, index, plane[1]);
  const __m512i high =
      _mm512_mask_permutexvar_epi8(_mm512_permutexvar_epi8(index, plane[2]), bit6, index, plane[3]);
  return _mm512_mask_mov_epi8(low, bit7, high);
}

/// Channel bytes of 64 pixels in the order of Gather; `bytes` of them exist.
template <uint32_t kChannels>
inline __m512i gather(const uint8_t* src, size_t bytes, const Gather& g) {
  __m512i v[4];
  for (uint32_t i = 0; i < kChannels; ++i) {
    const size_t begin = i * 64;
    if (bytes >= begin + 64) {
      v[i] = load(src + begin);
    } else {
      const __mmask64 mask = bytes > begin ? ~__mmask64{0} >> (64 - (bytes - begin)) : 0;
      v[i] = _mm512_maskz_loadu_epi8(mask, src + begin);
    }
  }
  const __m512i from = load(g.from.data());
  if (kChannels == 1) return _mm512_permutexvar_epi8(from, v[0]);
  const __m512i first = _mm512_permutex2var_epi8(v[0], from, v[1]);
  if (kChannels == 2) return first;
  if (kChannels == 3) return _mm512_mask_permutexvar_epi8(first, g.second, from, v[2]);
  return _mm512_mask_mov_epi8(first, g.second, _mm512_permutex2var_epi8(v[2], from, v[3]));
}

inline void store(uint8_t* dst, __m512i v, size_t bytes) {
  if (bytes >= 64) return _mm512_storeu_si512(dst, v);
  if (bytes > 0) _mm512_mask_storeu_epi8(dst, ~__mmask64{0} >> (64 - bytes), v);
}
inline size_t beyond(size_t bytes, size_t begin) { return bytes > begin ? bytes - begin : 0; }

/// The entries of 64 ordered indexes, as many vectors as an entry has bytes.
inline void entries(const Planes<1>& p, __m512i index, __m512i* out) {
  out[0] = look_up(p.plane[0], index, _mm512_movepi8_mask(_mm512_slli_epi16(index, 1)),
                   _mm512_movepi8_mask(index));
}
inline void entries(const Planes<2>& p, __m512i index, __m512i* out) {
  const __mmask64 bit6 = _mm512_movepi8_mask(_mm512_slli_epi16(index, 1)), bit7 = _mm512_movepi8_mask(index);
  const __m512i b0 = look_up(p.plane[0], index, bit6, bit7), b1 = look_up(p.plane[1], index, bit6, bit7);
  out[0] = _mm512_unpacklo_epi8(b0, b1);
  out[1] = _mm512_unpackhi_epi8(b0, b1);
}
inline void entries(const Planes<4>& p, __m512i index, __m512i* out) {
  const __mmask64 bit6 = _mm512_movepi8_mask(_mm512_slli_epi16(index, 1)), bit7 = _mm512_movepi8_mask(index);
  const __m512i b0 = look_up(p.plane[0], index, bit6, bit7), b1 = look_up(p.plane[1], index, bit6, bit7);
  const __m512i b2 = look_up(p.plane[2], index, bit6, bit7), b3 = look_up(p.plane[3], index, bit6, bit7);
  const __m512i low01 = _mm512_unpacklo_epi8(b0, b1), high01 = _mm512_unpackhi_epi8(b0, b1);
  const __m512i low23 = _mm512_unpacklo_epi8(b2, b3), high23 = _mm512_unpackhi_epi8(b2, b3);
  out[0] = _mm512_unpacklo_epi16(low01, low23);
  out[1] = _mm512_unpackhi_epi16(low01, low23);
  out[2] = _mm512_unpacklo_epi16(high01, high23);
  out[3] = _mm512_unpackhi_epi16(high01, high23);
}

/// Looks up 64 ordered indexes and stores the first `bytes` bytes of their entries.
template <uint32_t kBytes>
inline void put(const Planes<kBytes>& p, __m512i index, uint8_t* dst, size_t bytes) {
  __m512i v[kBytes];
  entries(p, index, v);
  for (uint32_t k = 0; k < kBytes; ++k) store(dst + k * 64, v[k], beyond(bytes, k * 64));
}

template <uint32_t kBytes, uint32_t kChannels>
void plane(const uint8_t* src, size_t pixels, uint32_t channel, const uint8_t* table, uint8_t* dst) {
  Planes<kBytes> planes;
  take(table, planes);
  const Gather& g = kGathers<kBytes>[kChannels - 1][channel];
  size_t i = 0;
  for (; i + 64 <= pixels; i += 64) {
    put(planes, gather<kChannels>(src + i * kChannels, 64 * kChannels, g), dst + i * kBytes, 64 * kBytes);
  }
  if (i < pixels) {
    const size_t left = pixels - i;
    put(planes, gather<kChannels>(src + i * kChannels, left * kChannels, g), dst + i * kBytes, left * kBytes);
  }
}

template <uint32_t kBytes>
void plane_of(const uint8_t* src, size_t pixels, uint32_t channels, uint32_t channel, const uint8_t* table,
              uint8_t* dst) {
  switch (channels) {
    case 1:
      return plane<kBytes, 1>(src, pixels, channel, table, dst);
    case 2:
      return plane<kBytes, 2>(src, pixels, channel, table, dst);
    case 3:
      return plane<kBytes, 3>(src, pixels, channel, table, dst);
    default:
      return plane<kBytes, 4>(src, pixels, channel, table, dst);
  }
}

/// Three vectors of one channel each, in order, become three of interleaved pixels. For position i of vector
/// t: which entry, and whether it is of channel 0, 1 or 2.
template <uint32_t kBytes>
struct Triple {
  static constexpr uint32_t kLanes = 64 / kBytes;
  using Lane = std::conditional_t<kBytes == 2, uint16_t, uint32_t>;
  alignas(64) std::array<std::array<Lane, kLanes>, 3> from{};
  std::array<std::array<uint64_t, 3>, 3> of_channel{};

  constexpr Triple() {
    for (uint32_t t = 0; t < 3; ++t) {
      for (uint32_t i = 0; i < kLanes; ++i) {
        const uint32_t element = t * kLanes + i;
        from[t][i] = static_cast<Lane>(element / 3);
        of_channel[t][element % 3] |= uint64_t{1} << i;
      }
    }
  }
};
template <uint32_t kBytes>
constexpr Triple<kBytes> kTriple{};

inline __m512i interleaved(const __m512i& c0, const __m512i& c1, const __m512i& c2, const Triple<2>& triple,
                           uint32_t t) {
  const __m512i from = load(triple.from[t].data());
  const __m512i one = _mm512_permutexvar_epi16(from, c0);
  const __m512i two =
      _mm512_mask_permutexvar_epi16(one, static_cast<__mmask32>(triple.of_channel[t][1]), from, c1);
  return _mm512_mask_permutexvar_epi16(two, static_cast<__mmask32>(triple.of_channel[t][2]), from, c2);
}
inline __m512i interleaved(const __m512i& c0, const __m512i& c1, const __m512i& c2, const Triple<4>& triple,
                           uint32_t t) {
  const __m512i from = load(triple.from[t].data());
  const __m512i one = _mm512_permutexvar_epi32(from, c0);
  const __m512i two =
      _mm512_mask_permutexvar_epi32(one, static_cast<__mmask16>(triple.of_channel[t][1]), from, c1);
  return _mm512_mask_permutexvar_epi32(two, static_cast<__mmask16>(triple.of_channel[t][2]), from, c2);
}

/// Pixels of kChannels bytes to pixels of three entries: channels are taken apart, looked up and put
/// together.
template <uint32_t kBytes, uint32_t kChannels>
void triples(const uint8_t* src, size_t pixels, const uint8_t* select, const uint8_t* tables, uint8_t* dst) {
  Planes<kBytes> planes[3];
  for (uint32_t c = 0; c < 3; ++c) take(tables + size_t{c} * 256 * kBytes, planes[c]);
  const Gather* gathers = kGathers<kBytes>[kChannels - 1].data();
  for (size_t i = 0; i < pixels; i += 64) {
    const size_t n = pixels - i < 64 ? pixels - i : 64;
    __m512i channel[3][kBytes];
    for (uint32_t c = 0; c < 3; ++c) {
      entries(planes[c], gather<kChannels>(src + i * kChannels, n * kChannels, gathers[select[c]]),
              channel[c]);
    }
    uint8_t* out = dst + i * 3 * kBytes;
    for (uint32_t k = 0; k < kBytes; ++k) {
      for (uint32_t t = 0; t < 3; ++t) {
        const size_t at = size_t{k * 3 + t} * 64;
        store(out + at, interleaved(channel[0][k], channel[1][k], channel[2][k], kTriple<kBytes>, t),
              beyond(n * 3 * kBytes, at));
      }
    }
  }
}

template <uint32_t kBytes>
void triples_of(const uint8_t* src, size_t pixels, uint32_t channels, const uint8_t* select,
                const uint8_t* tables, uint8_t* dst) {
  if (channels == 3) return triples<kBytes, 3>(src, pixels, select, tables, dst);
  triples<kBytes, 4>(src, pixels, select, tables, dst);
}

/// Bit i: position i of a vector whose first byte is of channel `first` is of channel `channel`.
constexpr uint64_t positions_of(uint32_t channels, uint32_t first, uint32_t channel) {
  uint64_t positions = 0;
  for (uint32_t i = 0; i < 64; ++i) {
    if ((first + i) % channels == channel) positions |= uint64_t{1} << i;
  }
  return positions;
}

template <uint32_t kChannels>
constexpr std::array<std::array<uint64_t, kChannels>, kChannels> make_positions() {
  std::array<std::array<uint64_t, kChannels>, kChannels> positions{};
  for (uint32_t first = 0; first < kChannels; ++first) {
    for (uint32_t c = 0; c < kChannels; ++c) positions[first][c] = positions_of(kChannels, first, c);
  }
  return positions;
}

template <uint32_t kChannels>
constexpr std::array<std::array<uint64_t, kChannels>, kChannels> kPositions = make_positions<kChannels>();

/// Bytes to bytes, interleaved: every vector is looked up in the tables of all channels. May run in place.
template <uint32_t kChannels>
void interleaved_bytes(const uint8_t* src, size_t n, uint32_t first, const uint8_t* tables, uint8_t* dst) {
  Planes<1> planes[kChannels];
  for (uint32_t c = 0; c < kChannels; ++c) take(tables + c * 256, planes[c]);
  for (size_t i = 0; i < n; i += 64, first = (first + 64) % kChannels) {
    const size_t left = n - i;
    const __m512i index =
        left >= 64 ? load(src + i) : _mm512_maskz_loadu_epi8(~__mmask64{0} >> (64 - left), src + i);
    const __mmask64 bit6 = _mm512_movepi8_mask(_mm512_slli_epi16(index, 1)),
                    bit7 = _mm512_movepi8_mask(index);
    __m512i result = look_up(planes[0].plane[0], index, bit6, bit7);
    for (uint32_t c = 1; c < kChannels; ++c) {
      const __m512i other = look_up(planes[c].plane[0], index, bit6, bit7);
      result = _mm512_mask_mov_epi8(result, kPositions<kChannels>[first][c], other);
    }
    store(dst + i, result, left);
  }
}

/// Adds the 16-bit words of a result to a running sum. The instruction multiplies signed words, so their top
/// bits are turned first: each word then counts 32768 less than it is.
inline __m512i add_words(__m512i sum, __m512i result) {
  const __m512i top = _mm512_set1_epi16(static_cast<int16_t>(0x8000));
  return _mm512_dpwssd_epi32(sum, _mm512_xor_si512(result, top), _mm512_set1_epi16(1));
}

/// The sum of words in memory order, without what add_words() counted less for `vectors` vectors.
inline uint64_t words_of(__m512i sum, uint64_t vectors) {
  const __m512i low = _mm512_cvtepi32_epi64(_mm512_castsi512_si256(sum));
  const __m512i high = _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64(sum, 1));
  const int64_t total = _mm512_reduce_add_epi64(_mm512_add_epi64(low, high));
  return static_cast<uint64_t>(total + static_cast<int64_t>(vectors * 32 * 32768));
}

/// Lanes of add_words() hold that many vectors, and the last two, without overflow: two words of up to 32768
/// each.
constexpr size_t kMostVectors = 32764;

/// Results of one vector of indexes whose first byte is of channel `first`.
template <uint32_t kChannels>
inline __m512i look_up_all(const Planes<1>* planes, __m512i index, uint32_t first) {
  const __mmask64 bit6 = _mm512_test_epi8_mask(index, _mm512_set1_epi8(0x40)),
                  bit7 = _mm512_movepi8_mask(index);
  __m512i result = look_up(planes[0].plane[0], index, bit6, bit7);
  for (uint32_t c = 1; c < kChannels; ++c) {
    const __m512i other = look_up(planes[c].plane[0], index, bit6, bit7);
    result = _mm512_mask_mov_epi8(result, kPositions<kChannels>[first][c], other);
  }
  return result;
}

/// The same as interleaved_bytes() in place, and the sum of the result.
template <uint32_t kChannels>
uint64_t interleaved_sum(uint8_t* data, size_t n, uint32_t first, const uint8_t* tables) {
  Planes<1> planes[kChannels];
  for (uint32_t c = 0; c < kChannels; ++c) take(tables + c * 256, planes[c]);
  uint64_t total = 0;
  while (n > 0) {
    __m512i even = _mm512_setzero_si512(), odd = even;
    uint64_t vectors = 0;
    // Two at a time: one's permutations fill the waits of the other's.
    for (; n >= 128 && vectors < kMostVectors; vectors += 2, n -= 128, data += 128) {
      const __m512i a = look_up_all<kChannels>(planes, load(data), first);
      first = (first + 64) % kChannels;
      const __m512i b = look_up_all<kChannels>(planes, load(data + 64), first);
      first = (first + 64) % kChannels;
      _mm512_storeu_si512(data, a);
      _mm512_storeu_si512(data + 64, b);
      even = add_words(even, a);
      odd = add_words(odd, b);
    }
    for (; n > 0 && n < 128; ++vectors, first = (first + 64) % kChannels) {
      const size_t bytes = n < 64 ? n : 64;
      const __mmask64 mask = ~__mmask64{0} >> (64 - bytes);
      const __m512i index = _mm512_maskz_loadu_epi8(mask, data);
      const __m512i result = _mm512_maskz_mov_epi8(mask, look_up_all<kChannels>(planes, index, first));
      _mm512_mask_storeu_epi8(data, mask, result);
      even = add_words(even, result);
      data += bytes;
      n -= bytes;
    }
    total += words_of(_mm512_add_epi32(even, odd), vectors);
  }
  return total;
}

}  // namespace

uint16_t lookup_sum(uint8_t* data, size_t n, uint32_t channels, uint32_t phase, const uint8_t* tables) {
  if (n < kLeastPixels || channels > 4) return portable::lookup_sum(data, n, channels, phase, tables);
  const uint64_t sum = channels == 1   ? interleaved_sum<1>(data, n, phase, tables)
                       : channels == 2 ? interleaved_sum<2>(data, n, phase, tables)
                       : channels == 3 ? interleaved_sum<3>(data, n, phase, tables)
                                       : interleaved_sum<4>(data, n, phase, tables);
  // RFC 1071 section 2 (B): the sum of swapped words is the swapped sum.
  return __builtin_bswap16(ones_complement(sum));
}

void lookup_interleaved(const uint8_t* src, size_t n, uint32_t channels, uint32_t phase, uint32_t entry_bytes,
                        const void* tables, void* dst) {
  if (n >= kLeastPixels && channels == 1) {
    constexpr uint8_t kFirst = 0;
    return lookup_planar(src, n, 1, 1, &kFirst, entry_bytes, tables, &dst);
  }
  if (n >= kLeastPixels && entry_bytes == 1 && channels <= 4) {
    const auto* bytes = static_cast<const uint8_t*>(tables);
    auto* out = static_cast<uint8_t*>(dst);
    if (channels == 2) return interleaved_bytes<2>(src, n, phase, bytes, out);
    if (channels == 3) return interleaved_bytes<3>(src, n, phase, bytes, out);
    return interleaved_bytes<4>(src, n, phase, bytes, out);
  }
  if (n >= kLeastPixels * 3 && channels == 3 && (entry_bytes == 2 || entry_bytes == 4)) {
    // Whole pixels; what is before and after them is less than a pixel.
    constexpr uint8_t kAll[] = {0, 1, 2};
    auto* out = static_cast<uint8_t*>(dst);
    const size_t head = phase == 0 ? 0 : 3 - phase, pixels = (n - head) / 3, done = head + pixels * 3;
    portable::lookup_interleaved(src, head, 3, phase, entry_bytes, tables, out);
    lookup_select(src + head, pixels, 3, 3, kAll, entry_bytes, tables, out + head * entry_bytes);
    return portable::lookup_interleaved(src + done, n - done, 3, 0, entry_bytes, tables,
                                        out + done * entry_bytes);
  }
  portable::lookup_interleaved(src, n, channels, phase, entry_bytes, tables, dst);
}

void lookup_planar(const uint8_t* src, size_t pixels, uint32_t channels, uint32_t out_channels,
                   const uint8_t* select, uint32_t entry_bytes, const void* tables, void* const* dst) {
  if (pixels < kLeastPixels) {
    return portable::lookup_planar(src, pixels, channels, out_channels, select, entry_bytes, tables, dst);
  }
  for (size_t begin = 0; begin < pixels; begin += kBlockPixels) {
    const size_t n = pixels - begin < kBlockPixels ? pixels - begin : kBlockPixels;
    const uint8_t* block = src + begin * channels;
    for (uint32_t o = 0; o < out_channels; ++o) {
      const uint8_t* table = static_cast<const uint8_t*>(tables) + size_t{o} * 256 * entry_bytes;
      auto* out = static_cast<uint8_t*>(dst[o]) + begin * entry_bytes;
      if (entry_bytes == 1) plane_of<1>(block, n, channels, select[o], table, out);
      if (entry_bytes == 2) plane_of<2>(block, n, channels, select[o], table, out);
      if (entry_bytes == 4) plane_of<4>(block, n, channels, select[o], table, out);
    }
  }
}

void lookup_select(const uint8_t* src, size_t pixels, uint32_t channels, uint32_t out_channels,
                   const uint8_t* select, uint32_t entry_bytes, const void* tables, void* dst) {
  if (out_channels == 1) return lookup_planar(src, pixels, channels, 1, select, entry_bytes, tables, &dst);
  if (pixels >= kLeastPixels && out_channels == 3 && channels >= 3 && entry_bytes != 1) {
    const auto* bytes = static_cast<const uint8_t*>(tables);
    auto* out = static_cast<uint8_t*>(dst);
    if (entry_bytes == 2) return triples_of<2>(src, pixels, channels, select, bytes, out);
    return triples_of<4>(src, pixels, channels, select, bytes, out);
  }
  portable::lookup_select(src, pixels, channels, out_channels, select, entry_bytes, tables, dst);
}

}  // namespace onpath::vbmi
ONPATH_AVX512_END
#endif
