// Which two neighbouring tokens merge into which, and how early.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "text/flat.h"
#include "text/large_memory.h"
#include "text/tokens.h"

namespace onpath::text {

/// Ranks count from 1; 0 is left for tokens that no merge makes, and for free slots. A lower rank merges
/// earlier.
struct BpePair {
  TokenId left = kNoToken;
  TokenId right = kNoToken;
  TokenId result = kNoToken;
  uint32_t rank = 0;
};

/// Open hashing behind a filter of one bit per pair: most neighbours do not merge, and the filter, which
/// stays in the second cache, says so. A compiled form has the pairs without free slots, in the order of the
/// slots where the search for them begins: so to fill the table goes through it from front to back.
class BpePairs {
 public:
  BpePairs() = default;
  /// Room for `most` pairs.
  explicit BpePairs(size_t most);
  /// Of two with the same neighbours the later one counts.
  explicit BpePairs(std::span<const BpePair> pairs);
  /// Replaces the pair if it is there.
  void insert(const BpePair& pair);
  /// No more are inserted: the table becomes as small as they allow.
  void freeze();

  const BpePair* find(TokenId left, TokenId right) const { return find(hash_of(left, right), left, right); }
  /// In two steps, for several at once: the second finds what the first has sent for.
  uint64_t start(TokenId left, TokenId right) const {
    const uint64_t hash = hash_of(left, right);
    __builtin_prefetch(slot_data_ + (hash & mask_));
    __builtin_prefetch(filter_data_ + (hash >> filter_shift_ >> 6));
    return hash;
  }
  const BpePair* find(uint64_t hash, TokenId left, TokenId right) const {
    const uint64_t bit = hash >> filter_shift_;
    if (((filter_data_[bit >> 6] >> (bit & 63)) & 1) == 0) return nullptr;
    for (uint64_t slot = hash & mask_; slot_data_[slot].rank != 0; slot = (slot + 1) & mask_)
      if (slot_data_[slot].left == left && slot_data_[slot].right == right) return slot_data_ + slot;
    return nullptr;
  }

  size_t gathered_bytes() const;
  /// `free` points to zeros.
  void gather(uint8_t*& free);
  void write(FlatWriter& form) const;
  /// Results are less than `limit`. To be gathered before anything is looked for.
  static Result<BpePairs> read(const FlatReader& form, size_t limit);
  uint32_t highest_rank() const { return highest_rank_; }
  uint64_t bytes() const { return slots_.bytes() + filter_.bytes(); }

 private:
  static uint64_t hash_of(TokenId left, TokenId right) {
    uint64_t hash = (uint64_t{left} << 32 | right) * 0x9E3779B97F4A7C15ull;
    hash ^= hash >> 29;
    return hash * 0xBF58476D1CE4E5B9ull;
  }
  /// Of the tables for so many pairs.
  static size_t slots_for(size_t pairs);
  static size_t filter_words_for(size_t pairs);
  void point(std::span<const BpePair> slots, std::span<const uint64_t> filter);
  uint64_t first_slot(const BpePair& pair) const { return hash_of(pair.left, pair.right) & mask_; }
  /// Puts it where it is found; whether it is a new one.
  bool put(const BpePair& pair, BpePair* slots) const;

  std::vector<BpePair> making_slots_;
  std::vector<uint64_t> making_filter_;
  size_t made_ = 0;       // pairs in these
  Flat<BpePair> listed_;  // of a form, until gather()
  Flat<BpePair> slots_;
  Flat<uint64_t> filter_;
  const BpePair* slot_data_ = nullptr;
  const uint64_t* filter_data_ = nullptr;
  uint64_t mask_ = 0;
  unsigned filter_shift_ = 0;
  uint32_t highest_rank_ = 0;
};

}  // namespace onpath::text
