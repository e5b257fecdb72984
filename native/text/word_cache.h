// Words and their tokens. One worker's own: no lock. Entries are replaced, oldest of their line first, so it
// never grows and never needs wiping.
#pragma once

#include <algorithm>
#include <array>
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
inline constexpr unsigned kWordCountBits = 4;

/// Of each size, the bits of its bytes.
inline constexpr std::array<WordKey, kMaxWordBytes + 1> kWordMasks = [] {
  std::array<WordKey, kMaxWordBytes + 1> masks{};
  for (size_t size = 0; size <= kMaxWordBytes; ++size) {
    masks[size].low = size < 8 ? (uint64_t{1} << 8 * size) - 1 : ~uint64_t{0};
    masks[size].high = size <= 8 ? 0 : (uint64_t{1} << 8 * (size - 8)) - 1;
  }
  return masks;
}();

/// Reads 16 bytes at `text`, whatever `size` is.
inline WordKey word_key_of_16(const uint8_t* text, size_t size) {
  uint64_t low, high;
  std::memcpy(&low, text, 8);
  std::memcpy(&high, text + 8, 8);
  const WordKey& mask = kWordMasks[size];
  return {low & mask.low, (high & mask.high) | uint64_t{size} << 56};
}

/// Reads `size` bytes, at most kMaxWordBytes. Not by way of a copy: a CPU waits to read at once what it has
/// just written in parts.
inline WordKey word_key(const uint8_t* text, size_t size) {
  const auto eight = [text](size_t at) {
    uint64_t word;
    std::memcpy(&word, text + at, sizeof word);
    return word;
  };
  const auto four = [text](size_t at) {
    uint32_t word;
    std::memcpy(&word, text + at, sizeof word);
    return uint64_t{word};
  };
  WordKey key{0, uint64_t{size} << 56};
  if (size > 8) {
    key.low = eight(0);
    key.high |= eight(size - 8) >> 8 * (16 - size);
  } else if (size >= 4) {  // what is read twice is the same
    key.low = four(0) | four(size - 4) << 8 * (size - 4);
  } else if (size > 0) {
    const size_t middle = size / 2, last = size - 1;
    key.low = uint64_t{text[0]} | uint64_t{text[middle]} << 8 * middle | uint64_t{text[last]} << 8 * last;
  }
  return key;
}

inline uint64_t word_hash(const WordKey& key) {
  const __uint128_t product =
      static_cast<__uint128_t>(key.low ^ 0x9E3779B97F4A7C15ull) * (key.high ^ 0xE7037ED1A0B428DBull);
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

/// Half a cache line. Zeros are a free one.
struct WordEntry {
  WordKey key;  // count in the high four bits; 0: free
  TokenId tokens[kMaxWordTokens] = {};

  size_t count() const { return key.high >> (64 - kWordCountBits); }
  bool free() const { return count() == 0; }
  WordKey word() const { return {key.low, key.high << kWordCountBits >> kWordCountBits}; }
  /// 0: it is this word.
  uint64_t difference(const WordKey& other) const {
    return (key.low ^ other.low) | (key.high ^ other.high) << kWordCountBits;
  }
  /// Writes kMaxWordTokens; what comes next is written over those that are none.
  TokenId* write(TokenId* at) const {
    std::memcpy(at, tokens, sizeof tokens);
    return at + count();
  }
};
/// 1 to kMaxWordTokens tokens.
inline WordEntry word_entry(const WordKey& key, const TokenId* tokens, size_t count) {
  WordEntry entry;
  entry.key = {key.low, key.high | uint64_t{count} << (64 - kWordCountBits)};
  for (size_t i = 0; i < count; ++i) entry.tokens[i] = tokens[i];
  return entry;
}
static_assert(sizeof(WordEntry) == 32);

class WordCache {
 public:
  /// At most `bytes`; at least two lines.
  explicit WordCache(uint64_t bytes);

  struct Line {
    WordEntry entries[2];
  };
  const Line* line(uint64_t hash) const { return lines_ + (hash >> shift_); }

  /// Null if it is not there. Which of the two it is cannot be predicted, so there is no branch for it: of
  /// (first == 0) | (second == 0) compilers make two, of the lesser number none.
  static const WordEntry* find(const Line* line, const WordKey& key) {
    const uint64_t first = line->entries[0].difference(key);
    const uint64_t second = line->entries[1].difference(key);
    return std::min(first, second) == 0 ? line->entries + (second == 0) : nullptr;
  }
  WordEntry* find(uint64_t hash, const WordKey& key) { return const_cast<WordEntry*>(find(line(hash), key)); }
  /// Returns what gave way.
  WordEntry insert(uint64_t hash, const WordEntry& entry) {
    Line& line = lines_[hash >> shift_];
    const WordEntry oldest = line.entries[1];
    line.entries[1] = line.entries[0];
    line.entries[0] = entry;
    return oldest;
  }
  void clear();
  uint64_t bytes() const { return memory_.size(); }

 private:
  LargeMemory memory_;
  Line* lines_ = nullptr;
  unsigned shift_ = 63;  // the line is in the hash's high bits: sorted by hash, words are sorted by line
};

/// A cache, and a smaller one of the words that gave way in it. These are looked for on a miss only, so they
/// cost hits nothing; without them three words of one line could drive each other out again and again.
class ShortWords {
 public:
  explicit ShortWords(uint64_t bytes) : words_(bytes), spare_(bytes - std::min(bytes, words_.bytes())) {}

  const WordCache::Line* line(uint64_t hash) const { return words_.line(hash); }
  /// Of a word that is not in its line: null if it did not give way either. Brings it back.
  const WordEntry* recall(uint64_t hash, const WordKey& key) {
    // Where there is still room, nothing had to give way: most new words are not looked for twice.
    if (words_.line(hash)->entries[1].free()) return nullptr;
    WordEntry* const kept = spare_.find(hash, key);
    if (kept == nullptr) return nullptr;
    const WordEntry entry = *kept;
    // Of the same line here: lines are the hash's high bits, and here are no more of them than there.
    *kept = words_.insert(hash, entry);
    return words_.line(hash)->entries;
  }
  void insert(uint64_t hash, const WordEntry& entry) {
    const WordEntry oldest = words_.insert(hash, entry);
    if (!oldest.free()) spare_.insert(hash, oldest);
  }
  void clear() {
    words_.clear();
    spare_.clear();
  }
  uint64_t bytes() const { return words_.bytes() + spare_.bytes(); }

 private:
  WordCache words_, spare_;
};

inline constexpr size_t kMaxLongWordBytes = 39;
inline constexpr size_t kMaxLongWordTokens = 20;

/// Zeros are a free place. Two cache lines: a longer word with more tokens, as writing beyond ASCII has them.
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
  LargeMemory memory_;
  LongWord* words_ = nullptr;
  uint64_t mask_ = 0;
};

}  // namespace onpath::text
