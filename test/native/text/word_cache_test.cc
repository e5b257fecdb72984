// The words' cache: keys, the two places of a line, and memory that begins as zeros.
#include "text/word_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "text/large_memory.h"

namespace onpath::text {
namespace {

TEST(WordCache, KeysHoldTheWordAndNothingBehindIt) {
  uint8_t text[16];
  for (size_t i = 0; i < sizeof text; ++i) text[i] = static_cast<uint8_t>(0xF0 + i);
  std::set<std::pair<uint64_t, uint64_t>> different;
  for (size_t size = 0; size <= kMaxWordBytes; ++size) {
    const WordKey key = word_key_of_16(text, size);
    uint8_t bytes[16];
    std::memcpy(bytes, &key, sizeof bytes);
    for (size_t i = 0; i < kMaxWordBytes; ++i) EXPECT_EQ(bytes[i], i < size ? text[i] : 0) << size;
    EXPECT_EQ(key.high >> 56, size);
    const WordKey copied = word_key(text, size);
    EXPECT_TRUE(copied.low == key.low && copied.high == key.high) << size;
    different.emplace(key.low, key.high);
  }
  EXPECT_EQ(different.size(), kMaxWordBytes + 1);
}

TEST(WordCache, FindsBothWordsOfALineAndForgetsTheOldest) {
  WordCache cache(1);  // two lines
  std::array<std::optional<WordKey>, 3> keys;
  const WordCache::Line* line = nullptr;
  size_t found = 0;
  for (uint8_t c = 'a'; found < keys.size(); ++c) {
    const WordKey key = word_key(&c, 1);
    const WordCache::Line* here = cache.line(word_hash(key));
    if (line == nullptr) line = here;
    if (here == line) keys[found++] = key;
  }
  for (const auto& key : keys) EXPECT_EQ(WordCache::find(line, *key), nullptr);
  for (TokenId id = 0; id < keys.size(); ++id) {
    const TokenId tokens[] = {id, id + 10, id + 20, id + 30};
    cache.insert(word_hash(*keys[id]), word_entry(*keys[id], tokens, 1 + id));
  }
  EXPECT_EQ(WordCache::find(line, *keys[0]), nullptr);
  for (TokenId id = 1; id < keys.size(); ++id) {
    const WordEntry* entry = WordCache::find(line, *keys[id]);
    ASSERT_NE(entry, nullptr);
    EXPECT_EQ(entry->count(), 1 + id);
    EXPECT_EQ(entry->tokens[0], id);
    EXPECT_EQ(entry->tokens[id], id + 10 * id);
  }
}

TEST(WordCache, TakesAnEntryAsItIs) {
  WordCache cache(1 << 12);
  const uint8_t text[] = {'w', 'o', 'r', 'd'};
  const WordKey key = word_key(text, sizeof text);
  const TokenId tokens[] = {7, 9};
  const WordEntry seed = word_entry(key, tokens, 2);
  EXPECT_TRUE(cache.insert(word_hash(key), seed).free());
  const WordEntry* entry = WordCache::find(cache.line(word_hash(key)), key);
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(std::memcmp(entry, &seed, sizeof seed), 0);
  cache.clear();
  EXPECT_EQ(WordCache::find(cache.line(word_hash(key)), key), nullptr);
}

// Words of one line: what gives way comes back as it was, and what comes back is in the line again.
TEST(ShortWords, RecallsWhatGaveWay) {
  ShortWords words(6 * sizeof(WordCache::Line));  // four lines, and two of words that gave way
  EXPECT_LE(words.bytes(), 6 * sizeof(WordCache::Line));
  std::vector<WordKey> keys;
  const WordCache::Line* line = nullptr;
  for (uint8_t c = 1; keys.size() < 6; ++c) {
    const WordKey key = word_key(&c, 1);
    if (line == nullptr) line = words.line(word_hash(key));
    if (words.line(word_hash(key)) == line) keys.push_back(key);
  }
  const auto entry_of = [&](TokenId id) {
    const TokenId tokens[] = {id, id + 100, id + 200};
    return word_entry(keys[id], tokens, 3);
  };
  for (TokenId id = 0; id < 4; ++id) {
    EXPECT_EQ(words.recall(word_hash(keys[id]), keys[id]), nullptr);
    words.insert(word_hash(keys[id]), entry_of(id));
  }
  // Two have room in the line, two beside it: all four stay, in whatever order they come.
  for (const TokenId id : {0u, 1u, 2u, 3u, 3u, 0u, 2u, 1u, 0u, 3u}) {
    const WordEntry* found = WordCache::find(line, keys[id]);
    if (found == nullptr) found = words.recall(word_hash(keys[id]), keys[id]);
    ASSERT_NE(found, nullptr) << id;
    const WordEntry expected = entry_of(id);
    EXPECT_EQ(std::memcmp(found, &expected, sizeof expected), 0) << id;
    EXPECT_EQ(WordCache::find(line, keys[id]), found);
  }
  // Two more drive the oldest two out for good.
  for (const TokenId id : {4u, 5u}) words.insert(word_hash(keys[id]), entry_of(id));
  size_t there = 0;
  for (const WordKey& key : keys)
    there += WordCache::find(line, key) != nullptr || words.recall(word_hash(key), key) != nullptr;
  EXPECT_EQ(there, 4u);
  words.clear();
  for (const WordKey& key : keys) {
    EXPECT_EQ(WordCache::find(line, key), nullptr);
    EXPECT_EQ(words.recall(word_hash(key), key), nullptr);
  }
}

TEST(LargeMemory, PopulatingChangesNothing) {
  std::vector<uint8_t> bytes(5u << 20);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i * 7);
  const std::vector<uint8_t> before = bytes;
  populate(bytes.data() + 1, bytes.size() - 2);
  populate(bytes.data(), 10);
  populate(nullptr, 0);
  EXPECT_EQ(bytes, before);
}

TEST(LargeMemory, IsAlignedZerosOfAnySize) {
  for (const size_t bytes :
       {size_t{1}, size_t{4096}, (size_t{2} << 20) - 1, (size_t{2} << 20) + 1, size_t{5} << 20}) {
    // Twice: what one leaves behind is not seen by the next.
    for (int round = 0; round < 2; ++round) {
      LargeMemory memory(bytes);
      ASSERT_NE(memory.data(), nullptr);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(memory.data()) % 64, 0u);
      EXPECT_EQ(static_cast<size_t>(std::count(memory.data(), memory.data() + bytes, 0)), bytes);
      std::memset(memory.data(), 0xAB, bytes);
    }
  }
}

}  // namespace
}  // namespace onpath::text
