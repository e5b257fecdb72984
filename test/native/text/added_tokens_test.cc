#include "text/added_tokens.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "support/text_definitions.h"

namespace onpath::text {
namespace {

using Found = AddedMatcher::Found;

AddedMatcher matcher(const std::vector<std::string>& texts) {
  std::vector<AddedMatcher::Entry> entries;
  for (size_t i = 0; i < texts.size(); ++i) {
    entries.push_back({texts[i], added_token(static_cast<TokenId>(i), texts[i])});
  }
  Result<AddedMatcher> made = AddedMatcher::make(std::move(entries));
  EXPECT_TRUE(made.ok());
  return std::move(made).value();
}

Found find(const AddedMatcher& matcher, std::string_view text, bool last, size_t& at,
           AddedMatcher::Match& match) {
  return matcher.find(reinterpret_cast<const uint8_t*>(text.data()), text.size(), last, at, match);
}

using Hits = std::vector<std::tuple<size_t, size_t, TokenId>>;

Hits all(const AddedMatcher& matcher, std::string_view text) {
  Hits hits;
  size_t at = 0;
  AddedMatcher::Match match;
  while (find(matcher, text, true, at, match) == Found::match) {
    hits.emplace_back(match.begin, match.end, matcher.entries()[match.entry].token.id);
    at = match.end;
  }
  return hits;
}

Hits all_by_definition(const std::vector<std::string>& texts, std::string_view text) {
  Hits hits;
  for (size_t at = 0; at < text.size();) {
    size_t longest = 0;
    TokenId id = 0;
    for (size_t i = 0; i < texts.size(); ++i) {
      if (text.substr(at).starts_with(texts[i]) && texts[i].size() > longest) {
        longest = texts[i].size();
        id = static_cast<TokenId>(i);
      }
    }
    if (longest > 0) hits.emplace_back(at, at + longest, id);
    at += longest > 0 ? longest : 1;
  }
  return hits;
}

TEST(AddedMatcher, FindsTheLeftmostAndOfThoseTheLongest) {
  const AddedMatcher tokens = matcher({"<a>", "<a>b", "b", "a>bb"});
  EXPECT_EQ(all(tokens, "x<a>bb"), (Hits{{1, 5, 1}, {5, 6, 2}}));
  EXPECT_EQ(all(tokens, "<a"), Hits{});
}

TEST(AddedMatcher, EqualsItsDefinitionOnRandomTexts) {
  std::mt19937 random(5);
  for (int round = 0; round < 300; ++round) {
    std::vector<std::string> texts;
    const size_t letters = 1 + random() % 3;
    for (size_t count = 1 + random() % 6; texts.size() < count;) {
      std::string text;
      for (size_t size = 1 + random() % 5; size > 0; --size)
        text += static_cast<char>('a' + random() % letters);
      if (std::find(texts.begin(), texts.end(), text) != texts.end()) {
        if (random() % 4 == 0) break;
        continue;
      }
      texts.push_back(text);
    }
    if (texts.empty()) continue;
    const AddedMatcher tokens = matcher(texts);
    std::string text;
    for (size_t size = random() % 60; size > 0; --size) text += static_cast<char>('a' + random() % 4);
    ASSERT_EQ(all(tokens, text), all_by_definition(texts, text)) << text;
  }
}

TEST(AddedMatcher, SaysWhatMoreTextMayChange) {
  const AddedMatcher tokens = matcher({"<a>", "<a>b"});
  AddedMatcher::Match match;
  size_t at = 0;
  EXPECT_EQ(find(tokens, "xy<a", false, at, match), Found::undecided);
  EXPECT_EQ(at, 2u);
  EXPECT_EQ(find(tokens, "xy<a>", false, at, match), Found::undecided) << "it may become longer";
  EXPECT_EQ(find(tokens, "xy<a>c", false, at, match), Found::match);
  EXPECT_EQ(match.end, 5u);
  at = 0;
  EXPECT_EQ(find(tokens, "xyz", false, at, match), Found::none);
  EXPECT_EQ(at, 3u);
}

TEST(AddedMatcher, RefusesEqualAndEmptyTexts) {
  EXPECT_FALSE(AddedMatcher::make({{"a", added_token(1, "a")}, {"a", added_token(2, "A")}}).ok());
  EXPECT_FALSE(AddedMatcher::make({{"", added_token(1, "x")}}).ok());
}

}  // namespace
}  // namespace onpath::text
