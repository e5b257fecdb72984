// Tables of 256 entries in AVX-512 registers, for the look-ups with VBMI: as byte planes (all first bytes,
// all second bytes, ...), four registers a plane; 64 indexes look up a plane with four byte permutations, and
// the planes are interleaved to entries. For the files of this room only.
#pragma once

#include "kernel/avx512.h"
#include "kernel/sets.h"

#if ONPATH_X86_SETS

ONPATH_AVX512_BEGIN
namespace onpath::vbmi {

/// Runs of at least this many pixels earn back the setting up of a table.
constexpr size_t kLeastPixels = 192;

/// One table as byte planes; plane[b][q] holds byte b of entries 64 q .. 64 q + 63.
template <uint32_t kBytes>
struct Planes {
  __m512i plane[kBytes][4];
};

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

}  // namespace onpath::vbmi
ONPATH_AVX512_END
#endif
