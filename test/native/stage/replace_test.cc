// The streaming replacement equals the plain definition: at each place the longest word, else one byte.
#include "stage/replace.h"

#include <gtest/gtest.h>

#include <map>

#include "support/random.h"

namespace onpath {
namespace {

using Dictionary = std::vector<Replacement>;

std::string plain(const Dictionary& dictionary, const std::string& text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const Replacement* best = nullptr;
    for (const Replacement& entry : dictionary) {
      if (text.compare(at, entry.word.size(), entry.word) != 0) continue;
      if (best == nullptr || entry.word.size() > best->word.size()) best = &entry;
    }
    out += best == nullptr ? text.substr(at, 1) : best->with;
    at += best == nullptr ? 1 : best->word.size();
  }
  return out;
}

struct Collected final : TextTaker {
  bool take_text(std::span<const uint8_t> bytes) override {
    text.append(bytes.begin(), bytes.end());
    return text.size() < most;
  }
  std::string text;
  size_t most = SIZE_MAX;
};

std::span<const uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

ReplacerPtr made(const Dictionary& dictionary) {
  auto result = Replacer::make(dictionary);
  EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().message);
  return result.ok() ? result.value() : nullptr;
}

std::string streamed(const ReplacerPtr& replacer, const std::string& text, size_t cut) {
  ReplaceState state(replacer);
  state.begin();
  Collected out;
  for (size_t at = 0; at < text.size(); at += cut)
    EXPECT_TRUE(state.push(bytes_of(text.substr(at, cut)), out));
  EXPECT_TRUE(state.end(out));
  return out.text;
}

TEST(Replace, takes_the_leftmost_and_then_the_longest_word) {
  const auto replacer = made({{"he", "<he>"}, {"hers", "<hers>"}, {"she", "<she>"}, {"his", "<his>"}});
  EXPECT_EQ(streamed(replacer, "ushers", 1), "u<she>rs");
  EXPECT_EQ(streamed(replacer, "hershis", 3), "<hers><his>");
  EXPECT_EQ(streamed(replacer, "her", 2), "<he>r");
  EXPECT_EQ(streamed(replacer, "he", 2), "<he>");
}

TEST(Replace, emits_nothing_that_a_longer_word_could_still_take_and_all_else) {
  const auto replacer = made({{"ab", "1"}, {"abcdef", "2"}});
  ReplaceState state(replacer);
  state.begin();
  Collected out;
  ASSERT_TRUE(state.push(bytes_of("xabcde"), out));
  EXPECT_EQ(out.text, "x");
  EXPECT_EQ(state.held_bytes(), 5u);
  ASSERT_TRUE(state.push(bytes_of("g"), out));
  EXPECT_EQ(out.text, "x1cdeg");
  EXPECT_EQ(state.held_bytes(), 0u);
  ASSERT_TRUE(state.push(bytes_of("abcde"), out));
  ASSERT_TRUE(state.end(out));
  EXPECT_EQ(out.text, "x1cdeg1cde");
}

TEST(Replace, equals_the_definition_for_random_dictionaries_texts_and_cuts) {
  testing::Random random(7);
  for (int round = 0; round < 3000; ++round) {
    const auto letters = static_cast<uint32_t>(1 + random.below(3));
    const auto word = [&](uint32_t most) {
      std::string made_word;
      for (uint32_t n = random.below(most + 1); n > 0; --n)
        made_word += static_cast<char>('a' + random.below(letters));
      return made_word;
    };
    std::map<std::string, std::string> entries;
    for (uint32_t n = 1 + random.below(8); n > 0; --n) entries["a" + word(6)] = word(4);
    entries[word(3) + "b"] = "B";
    Dictionary dictionary;
    for (const auto& [from, to] : entries) dictionary.push_back({from, to});
    const std::string text = word(60) + "c" + word(60);
    const auto replacer = made(dictionary);
    ASSERT_NE(replacer, nullptr);
    ASSERT_EQ(streamed(replacer, text, 1 + random.below(9)), plain(dictionary, text)) << text;
  }
}

TEST(Replace, takes_any_bytes) {
  testing::Random random(9);
  std::string text(100'000, '\0');
  for (char& byte : text) byte = static_cast<char>(random.below(256));
  const Dictionary dictionary = {{"\xff", "?"}, {std::string("\0\1", 2), ""}, {"\xc3\xa9", "e"}};
  EXPECT_EQ(streamed(made(dictionary), text, 1400), plain(dictionary, text));
}

TEST(Replace, looks_at_no_byte_twice_where_every_longer_word_fails_at_its_end) {
  // Each of the 200 words of the text is the beginning of a longer word but for its last byte: a search that
  // began again behind each match would take the square of the longest word.
  Dictionary dictionary = {{"a", "b"}};
  for (size_t length = 2; length <= 1000; length += 2)
    dictionary.push_back({std::string(length, 'a') + "c", "x"});
  const auto replacer = made(dictionary);
  ASSERT_NE(replacer, nullptr);
  EXPECT_EQ(streamed(replacer, std::string(200'000, 'a'), 1400), std::string(200'000, 'b'));
}

TEST(Replace, stops_when_nothing_more_is_wanted) {
  ReplaceState state(made({{"a", "b"}}));
  state.begin();
  Collected out;
  out.most = 1;
  EXPECT_FALSE(state.push(bytes_of("aaaa"), out));
}

TEST(Replace, refuses_dictionaries_by_name) {
  const auto message = [](const Dictionary& dictionary) {
    const auto result = Replacer::make(dictionary);
    return result.ok() ? std::string("ok") : result.error().message;
  };
  EXPECT_EQ(message({}), "The dictionary has no word; expected at least one.");
  EXPECT_EQ(message({{"", "x"}}), "The dictionary has an empty word; expected 1 byte or more.");
  EXPECT_EQ(message({{"a", "x"}, {"a", "y"}}), "The dictionary has \"a\" twice.");
  EXPECT_NE(message({{std::string(1025, 'w'), "x"}}).find("1025 bytes; expected at most 1024"),
            std::string::npos);
  EXPECT_NE(message({{"a", std::string(4097, 'w')}}).find("4097 bytes; expected at most 4096"),
            std::string::npos);
}

TEST(Replace, refuses_a_dictionary_whose_tables_would_be_too_large) {
  // Every beginning of the second word becomes 4096 bytes for each of its letters.
  const Dictionary dictionary = {{"a", std::string(4096, 'x')}, {"c" + std::string(1000, 'a'), "y"}};
  const auto result = Replacer::make(dictionary);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::LIMIT_EXCEEDED);
}

}  // namespace
}  // namespace onpath
