// Look-ups of whole pixels with AVX-512 VBMI: channels are taken apart by permutations, looked up, and stored
// as planes or put together again. Short runs, for which filling the registers would cost more than it saves,
// go the portable way.
#include "kernel/vbmi_tables.h"

#if ONPATH_X86_SETS

#include <array>
#include <type_traits>

ONPATH_AVX512_BEGIN
namespace onpath::vbmi {
namespace {

/// So many pixels stay in the first-level cache while each channel is looked up.
constexpr size_t kBlockPixels = 4096;

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

}  // namespace

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
