// Look-ups of runs of interleaved bytes with AVX-512 VBMI: every vector is looked up in the tables of all
// channels, also in place and with a checksum of the result. Short runs go the portable way.
#include "kernel/vbmi_tables.h"

#if ONPATH_X86_SETS

#include <array>

ONPATH_AVX512_BEGIN
namespace onpath::vbmi {
namespace {

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

}  // namespace onpath::vbmi
ONPATH_AVX512_END
#endif
