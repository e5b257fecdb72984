#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "support/file_of.h"
#include "text/load.h"

namespace onpath::text {
namespace {

std::string base64(std::string_view bytes) {
  static constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t bits = 0;
    for (size_t k = 0; k < 3; ++k)
      bits = bits << 8 | (i + k < bytes.size() ? static_cast<uint8_t>(bytes[i + k]) : 0u);
    for (size_t k = 0; k < 4; ++k) {
      text.push_back(i + k > bytes.size() ? '=' : kAlphabet[bits >> (18 - 6 * k) & 63]);
    }
  }
  return text;
}

std::string tiktoken_file() {
  std::string file;
  for (int byte = 0; byte < 256; ++byte) {
    file += base64(std::string(1, static_cast<char>(byte))) + " " + std::to_string(byte) + "\n";
  }
  return file + base64("the") + " 256\n";
}

TEST(LoadTiktoken, RanksAreIds) {
  Result<TokenizerDefinition> loaded =
      load_tiktoken(file_of(tiktoken_file()), {"mine", "a+", {{"<|end|>", 300}}});
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  ASSERT_EQ(loaded.value().tokens.size(), 257u);
  EXPECT_EQ(loaded.value().tokens[256].text, "the");
  const auto& bpe = std::get<BpeDefinition>(loaded.value().model);
  EXPECT_TRUE(bpe.byte_level);
  EXPECT_TRUE(bpe.whole_piece);
  EXPECT_EQ(bpe.ranks[256], 256u);
  ASSERT_EQ(loaded.value().added.size(), 1u);
  EXPECT_TRUE(loaded.value().added[0].special);
  EXPECT_EQ(loaded.value().added[0].id, 300u);
}

TEST(LoadTiktoken, DamagedLinesAreNamed) {
  const TiktokenEncoding encoding{"mine", "a+", {}};
  const std::string good = tiktoken_file();
  for (const std::string line : {"x", "dGhl", "dGhl x", "dGhl -1", " 300", "dGhl 256", "**** 300"}) {
    Result<TokenizerDefinition> loaded = load_tiktoken(file_of(good + line + "\n"), encoding);
    ASSERT_FALSE(loaded.ok()) << line;
    EXPECT_EQ(loaded.error().code, ErrorCode::INVALID_VOCABULARY) << line;
  }
  EXPECT_EQ(load_tiktoken(file_of(good + "dGhl 99999999"), encoding).error().code, ErrorCode::LIMIT_EXCEEDED);
  EXPECT_FALSE(load_tiktoken(file_of(good.substr(good.find('\n') + 1)), encoding).ok())
      << "a byte is missing";
}

TEST(LoadTiktoken, EncodingsAreKnownByName) {
  EXPECT_EQ(named_encoding("cl100k_base").value().special_tokens.at("<|endofprompt|>"), 100276u);
  EXPECT_EQ(named_encoding("o200k_harmony").value().special_tokens.at("<|call|>"), 200012u);
  EXPECT_EQ(named_encoding("p50k_edit").value().special_tokens.size(), 4u);
  EXPECT_EQ(named_encoding("nonsense").error().code, ErrorCode::NOT_FOUND);
}

// --- SentencePiece
// ------------------------------------------------------------------------------------------

std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes.push_back(static_cast<char>(value | 0x80));
  bytes.push_back(static_cast<char>(value));
  return bytes;
}
std::string number(uint32_t field, uint64_t value) { return varint(uint64_t{field} << 3) + varint(value); }
std::string message(uint32_t field, std::string_view bytes) {
  return varint(uint64_t{field} << 3 | 2) + varint(bytes.size()) + std::string(bytes);
}
std::string piece(std::string_view text, float score, uint64_t type) {
  std::string bits(4, '\0');
  std::memcpy(bits.data(), &score, 4);
  return message(1, message(1, text) + varint(2 << 3 | 5) + bits + number(3, type));
}
std::string model_of(uint64_t type, const std::string& pieces, const std::string& normalizer = "") {
  return piece("<unk>", 0, 2) + piece("<s>", 0, 3) + pieces + message(2, number(3, type)) +
         message(3, normalizer);
}

TEST(LoadSentencePiece, ReadsPiecesScoresAndFlags) {
  Result<TokenizerDefinition> loaded = load_sentencepiece(
      file_of(model_of(1, piece("a", -1.5F, 1) + piece("<user>", 0, 4), number(3, 0) + number(5, 1))));
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  const auto& unigram = std::get<UnigramDefinition>(loaded.value().model);
  EXPECT_EQ(unigram.scores, (std::vector<double>{0, 0, -1.5, 0}));
  EXPECT_EQ(unigram.user_defined, (std::vector<TokenId>{3}));
  EXPECT_TRUE(unigram.single_precision);
  const auto& normalizer = std::get<PrecompiledDef>(loaded.value().normalizers.at(0));
  EXPECT_FALSE(normalizer.add_dummy_prefix);
  EXPECT_TRUE(normalizer.remove_extra_whitespaces) << "the default";
  EXPECT_EQ(normalizer.user_defined, std::vector<std::string>{"<user>"}) << "not normalized";
  ASSERT_EQ(loaded.value().added.size(), 1u);
  EXPECT_EQ(loaded.value().added[0].text, "<s>");
}

TEST(LoadSentencePiece, BpeRanksFollowScoresAndEqualScoresAreEqual) {
  Result<TokenizerDefinition> loaded = load_sentencepiece(
      file_of(model_of(2, piece("a", -3, 1) + piece("b", -1, 1) + piece("c", -1, 1) + piece("d", -2, 1))));
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  const auto& bpe = std::get<BpeDefinition>(loaded.value().model);
  const uint32_t none = BpeDefinition::kNoRank;
  EXPECT_EQ(bpe.ranks, (std::vector<uint32_t>{none, none, 3, 0, 0, 2}));
}

TEST(LoadSentencePiece, WordAndCharModelsAreRefusedByName) {
  for (const uint64_t type : {3u, 4u}) {
    Result<TokenizerDefinition> loaded = load_sentencepiece(file_of(model_of(type, "")));
    ASSERT_FALSE(loaded.ok());
    EXPECT_EQ(loaded.error().code, ErrorCode::UNSUPPORTED);
  }
}

TEST(LoadSentencePiece, DamageIsAnError) {
  const std::string good = model_of(1, piece("a", -1, 1));
  size_t refused = 0;
  for (size_t size = 0; size < good.size(); ++size) {
    refused += load_sentencepiece(file_of(good.substr(0, size))).ok() ? 0 : 1;
  }
  EXPECT_GT(refused, good.size() / 2);
  EXPECT_FALSE(load_sentencepiece(file_of(model_of(1, piece("a", -1, 1) + piece("a", -2, 1)))).ok())
      << "twice";
  EXPECT_FALSE(load_sentencepiece(file_of(model_of(1, piece("x", 0, 2)))).ok()) << "two unknown pieces";
  EXPECT_FALSE(load_sentencepiece(file_of(model_of(1, piece("<0x00>", 0, 6)))).ok()) << "a byte, no fallback";
  EXPECT_FALSE(load_sentencepiece(file_of(model_of(1, piece("", 0, 1)))).ok()) << "empty";
}

// --- tekken.json and vocab.txt
// ------------------------------------------------------------------------------

std::string tekken_file(uint32_t special, const std::string& more = "") {
  std::string vocabulary;
  for (int byte = 0; byte < 256; ++byte) {
    vocabulary += (byte > 0 ? "," : "") + std::string("{\"rank\":") + std::to_string(byte) +
                  ",\"token_bytes\":\"" + base64(std::string(1, static_cast<char>(byte))) +
                  "\",\"token_str\":null}";
  }
  return R"({"config":{"pattern":"a+","num_vocab_tokens":256,"default_vocab_size":)" +
         std::to_string(256 + special) + R"(,"default_num_special_tokens":)" + std::to_string(special) +
         R"(,"version":"v3"},"vocab":[)" + vocabulary + "]" + more + "}";
}

TEST(LoadTekken, IdsFollowTheSpecialTokens) {
  Result<TokenizerDefinition> loaded = load_tekken(file_of(tekken_file(20)));
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  EXPECT_EQ(loaded.value().tokens[65].id, 85u);
  EXPECT_EQ(loaded.value().tokens[65].text, "A");
  EXPECT_EQ(std::get<BpeDefinition>(loaded.value().model).ranks[65], 65u);
  ASSERT_EQ(loaded.value().added.size(), 20u);
  EXPECT_EQ(loaded.value().added[1].text, "<s>");
  EXPECT_EQ(loaded.value().added[19].text, "<SPECIAL_19>");
}

TEST(LoadTekken, SpecialTokensOfTheFileCount) {
  Result<TokenizerDefinition> loaded = load_tekken(
      file_of(tekken_file(3, R"(,"special_tokens":[{"rank":2,"token_str":"[X]","is_control":true}])")));
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  EXPECT_EQ(loaded.value().added[2].text, "[X]");
  EXPECT_FALSE(
      load_tekken(file_of(tekken_file(3, R"(,"special_tokens":[{"rank":3,"token_str":"[X]"}])"))).ok());
}

TEST(LoadVocabTxt, LineNumbersAreIdsAndTheLastOfTwoCounts) {
  Result<TokenizerDefinition> loaded = load_vocab_txt(file_of("[UNK]\r\n[CLS]\n\nword\n[SEP]\nword\n"), {});
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  ASSERT_EQ(loaded.value().tokens.size(), 4u);
  EXPECT_EQ(loaded.value().tokens[3].id, 5u);
  EXPECT_EQ(loaded.value().tokens[3].text, "word");
  EXPECT_EQ(std::get<WordPieceDefinition>(loaded.value().model).unk, 0u);
  EXPECT_EQ(loaded.value().added.size(), 3u);
  EXPECT_EQ(load_vocab_txt(file_of("a\nb\n"), {}).error().code, ErrorCode::INVALID_VOCABULARY);
}

}  // namespace
}  // namespace onpath::text
