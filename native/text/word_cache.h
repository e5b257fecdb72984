// Words and their tokens. One worker's own: no lock. Entries are replaced, oldest of their line first, so it
// never grows and never needs wiping.
#pragma once

#include <cstdint>
#include <cstring>

#include "text/large_memory.h"
#include "text/tokens.h"

namespace onpath::text {

/// Up to 15 bytes of a word and how many they are. The last four bits are left for a number of tokens.
struct WordKey {
  uint64_t low = 0;
  uint64_t high = 0;
};

inline constexpr size_t kMaxWordBytes = 15;
inline constexpr size_t kMaxWordTokens = 4;
inline constexpr uint64_t kWordCountShift = 60;
inline constexpr uint64_t kWordKeyMask = (uint64_t{1} << kWordCountShift) - 1;

/// Reads 16 bytes at `text`, whatever `size` is.
inline WordKey word_key_of_16(const uint8_t* text, size_t size) {
  static_assert(kMaxWordBytes == 15);
  uint64_t low, high;
  std::memcpy(&low, text, 8);
  std::memcpy(&high, text + 8, 8);
  // Shifts by 64 are undefined, so in two steps where that can be.
  const unsigned low_bits = size < 8 ? static_cast<unsigned>(size) * 8 : 64;
  const unsigned high_bits = size < 8 ? 0 : static_cast<unsigned>(size - 8) * 8;
  low &= low_bits == 64 ? ~uint64_t{0} : (uint64_t{1} << low_bits) - 1;
  high &= (uint64_t{1} << high_bits) - 1;
  return {low, high | uint64_t{size} << 56};
}

inline WordKey word_key(const uint8_t* text, size_t size) {
  uint8_t copy[16] = {};
  std::memcpy(copy, text, size);
  return word_key_of_16(copy, size);
}

inline uint64_t word_hash(const WordKey& key) {
  const __uint128_t product =
      static_cast<__uint128_t>(key.low ^ 0x9E3779B97F4A7C15ull) * (key.high ^ 0xE7037ED1A0B428DBull);
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

/// Half a cache line.
struct WordEntry {
  WordKey key;  // count in the high four bits; 0: free
  TokenId tokens[kMaxWordTokens] = {};
};
static_assert(sizeof(WordEntry) == 32);

class WordCache {
 public:
  /// At most `bytes`; at least one line.
  explicit WordCache(uint64_t bytes);

  struct Line {
    WordEntry entries[2];
  };
  const Line* line(uint64_t hash) const { return lines_ + (hash & mask_); }

  /// Null if it is not there.
  static const WordEntry* find(const Line* line, const WordKey& key) {
    for (const WordEntry& entry : line->entries)
      if (entry.key.low == key.low && (entry.key.high & kWordKeyMask) == key.high) return &entry;
    return nullptr;
  }
  /// 1 to kMaxWordTokens tokens.
  void insert(uint64_t hash, const WordKey& key, const TokenId* tokens, size_t count) {
    Line& line = lines_[hash & mask_];
    line.entries[1] = line.entries[0];
    WordEntry& entry = line.entries[0];
    entry.key = {key.low, key.high | uint64_t{count} << kWordCountShift};
    for (size_t i = 0; i < count; ++i) entry.tokens[i] = tokens[i];
  }
  void clear();
  uint64_t bytes() const { return (mask_ + 1) * sizeof(Line); }

 private:
  uint64_t mask_ = 0;
  LargeMemory memory_;
  Line* lines_ = nullptr;
};

inline constexpr size_t kMaxLongWordBytes = 39;
inline constexpr size_t kMaxLongWordTokens = 20;

/// Two cache lines: a longer word with more tokens, as writing beyond ASCII has them.
struct LongWord {
  uint8_t size = 0;  // 0: free
  uint8_t count = 0;
  uint8_t bytes[kMaxLongWordBytes + 7] = {};
  TokenId tokens[kMaxLongWordTokens] = {};

  bool is(const uint8_t* text, size_t text_size) const {
    return size == text_size && std::memcmp(bytes, text, text_size) == 0;
  }
  void set(const uint8_t* text, size_t text_size, const TokenId* made, size_t made_count) {
    size = static_cast<uint8_t>(text_size);
    count = static_cast<uint8_t>(made_count);
    std::memcpy(bytes, text, text_size);
    std::memcpy(tokens, made, made_count * sizeof(TokenId));
  }
};
static_assert(sizeof(LongWord) == 128);

/// One place for each word; a new word takes the place of another.
class LongWordCache {
 public:
  explicit LongWordCache(uint64_t bytes);
  LongWord& at(const uint8_t* text, size_t size) { return words_[hash_of(text, size) & mask_]; }
  void clear();
  uint64_t bytes() const { return memory_.size(); }

 private:
  /// `size` is 16 or more.
  static uint64_t hash_of(const uint8_t* text, size_t size) {
    uint64_t hash = size;
    uint64_t part;
    for (size_t at = 0; at + 8 < size; at += 8) {
      std::memcpy(&part, text + at, 8);
      hash = (hash ^ part) * 0x9E3779B97F4A7C15ull;
      hash ^= hash >> 32;
    }
    std::memcpy(&part, text + size - 8, 8);
    hash = (hash ^ part) * 0x9E3779B97F4A7C15ull;
    return hash ^ hash >> 32;
  }
  uint64_t mask_ = 0;
  LargeMemory memory_;
  LongWord* words_ = nullptr;
};

}  // namespace onpath::text
