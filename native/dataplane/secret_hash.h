// Hashing of what a sender chooses, with a seed that it does not know. Hot path.
#pragma once

#include <bit>
#include <cstdint>

namespace onpath {

/// Both halves of the 128-bit product, folded: one multiplication spreads every input bit.
inline uint64_t fold_multiply(uint64_t a, uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

/// Grows one seed into several; odd, so that no word multiplies everything by zero.
inline uint64_t derive_seed(uint64_t seed, uint64_t n) {
  return fold_multiply(seed + n * 0xd1b54a32d192ed03u, 0xaef17502108ef2d9u ^ n) | 1;
}

/// Buckets of a table with linear probing that holds at most so many: a power of two, less than half full.
inline uint64_t bucket_count(uint32_t most) { return std::bit_ceil(uint64_t{most} * 2 + 2); }

inline void insert_into_buckets(uint32_t* buckets, uint64_t mask, uint64_t hash, uint32_t index,
                                uint32_t empty) {
  uint64_t at = hash & mask;
  while (buckets[at] != empty) at = (at + 1) & mask;
  buckets[at] = index;
}

/// `hash_of(index)`: of the entries that are there, this one too.
template <class HashOf>
void erase_from_buckets(uint32_t* buckets, uint64_t mask, uint32_t index, uint32_t empty, HashOf hash_of) {
  uint64_t hole = hash_of(index) & mask;
  while (buckets[hole] != index) hole = (hole + 1) & mask;
  // Close the gap: an entry moves back unless that would put it in front of its home bucket.
  for (uint64_t at = (hole + 1) & mask; buckets[at] != empty; at = (at + 1) & mask) {
    const uint64_t home = hash_of(buckets[at]) & mask;
    if (((at - home) & mask) >= ((at - hole) & mask)) {
      buckets[hole] = buckets[at];
      hole = at;
    }
  }
  buckets[hole] = empty;
}

}  // namespace onpath
