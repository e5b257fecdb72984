// Claims about ids and texts of tokens, and about the GPT-2 byte alphabet.
#include "text/vocabulary.h"

#include <gtest/gtest.h>

#include <string>

namespace onpath::text {
namespace {

TokenizerDefinition three_tokens() {
  TokenizerDefinition definition;
  definition.tokens = {{0, "a"}, {2, "bc"}, {7, ""}};
  return definition;
}

TEST(Vocabulary, FindsTextsByIdAndIdsByText) {
  const Result<Vocabulary> made = Vocabulary::make(three_tokens());
  ASSERT_TRUE(made.ok());
  const Vocabulary& vocabulary = made.value();
  EXPECT_EQ(vocabulary.id_limit(), 8u);
  EXPECT_EQ(vocabulary.size(), 3u);
  EXPECT_EQ(vocabulary.text(2), "bc");
  EXPECT_EQ(vocabulary.text(7), "");
  EXPECT_EQ(vocabulary.text(1), std::nullopt);
  EXPECT_EQ(vocabulary.text(8), std::nullopt);
  EXPECT_EQ(vocabulary.id("bc"), 2u);
  EXPECT_EQ(vocabulary.id(""), 7u);
  EXPECT_EQ(vocabulary.id("b"), std::nullopt);
}

TEST(Vocabulary, AddedTokensExtendAndOverrideTheModels) {
  TokenizerDefinition definition = three_tokens();
  definition.added.push_back({.id = 9, .text = "bc"});
  definition.added.push_back({.id = 0, .text = "a"});
  const Result<Vocabulary> made = Vocabulary::make(definition);
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(made.value().id("bc"), 9u);
  EXPECT_EQ(made.value().text(2), "bc");
  EXPECT_EQ(made.value().size(), 4u);
}

TEST(Vocabulary, RefusesTwoTokensOfOneIdAndIdsWithoutBound) {
  TokenizerDefinition definition = three_tokens();
  definition.added.push_back({.id = 2, .text = "x"});
  const Result<Vocabulary> twice = Vocabulary::make(definition);
  ASSERT_FALSE(twice.ok());
  EXPECT_EQ(twice.error().code, ErrorCode::INVALID_VOCABULARY);
  EXPECT_NE(twice.error().message.find("Id 2"), std::string::npos);

  definition = three_tokens();
  definition.tokens.push_back({0xFFFFFFFF, "x"});
  const Result<Vocabulary> far = Vocabulary::make(definition);
  ASSERT_FALSE(far.ok());
  EXPECT_EQ(far.error().code, ErrorCode::LIMIT_EXCEEDED);
}

TEST(Vocabulary, AnEmptyOneHasNothing) {
  const Result<Vocabulary> made = Vocabulary::make({});
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(made.value().id_limit(), 0u);
  EXPECT_EQ(made.value().id("a"), std::nullopt);
}

TEST(ByteAlphabet, MapsEveryByteThereAndBack) {
  for (int value = 0; value < 256; ++value) {
    const std::string byte(1, static_cast<char>(value));
    const std::string text = byte_level_of_bytes(byte);
    EXPECT_EQ(bytes_of_byte_level(text), byte) << value;
  }
  EXPECT_EQ(byte_level_of_bytes(" the\n"), "\xC4\xA0the\xC4\x8A");
  EXPECT_EQ(byte_level_of_bytes("\xC2\xAD"), "\xC3\x82\xC5\x83");
}

TEST(ByteAlphabet, HasNoOtherCodePoints) {
  EXPECT_EQ(bytes_of_byte_level("a b"), std::nullopt);
  EXPECT_EQ(bytes_of_byte_level("\xC2\xAD"), std::nullopt);      // U+00AD stands for no byte
  EXPECT_EQ(bytes_of_byte_level("\xC5\x84"), std::nullopt);      // one beyond the last
  EXPECT_EQ(bytes_of_byte_level("\xE2\x96\x81"), std::nullopt);  // U+2581
  EXPECT_EQ(bytes_of_byte_level("\xC4"), std::nullopt);          // cut off
  EXPECT_EQ(bytes_of_byte_level("\xC1\xA1"), std::nullopt);      // overlong
}

}  // namespace
}  // namespace onpath::text
