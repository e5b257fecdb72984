// Decoding: as the references do, and in streams the same text for every way the ids come.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "text/decoder.h"
#include "text/load.h"
#include "text/utf8.h"

namespace onpath::text {
namespace {

struct Decoding {
  explicit Decoding(const TokenizerDefinition& made)
      : definition(made),
        vocabulary(Vocabulary::make(definition).value()),
        decoder(make_decoder(definition, vocabulary).value()) {}
  TokenizerDefinition definition;
  Vocabulary vocabulary;
  std::unique_ptr<const Decoder> decoder;
};

/// All at once, one by one, and in random portions; each portion ends with a whole character.
void expect_text(const Decoder& decoder, const std::vector<TokenId>& ids, bool skip,
                 const std::string& expected, const std::string& what) {
  const auto text = decoder.decode(ids, skip);
  ASSERT_TRUE(text.ok()) << text.error().message;
  ASSERT_EQ(text.value(), expected) << what;
  std::mt19937 random(1);
  for (const size_t most : {1u, 2u, 5u}) {
    const auto stream = make_decode_stream(decoder, skip);
    std::string all;
    for (size_t at = 0; at < ids.size();) {
      const size_t count = std::min(ids.size() - at, 1 + random() % most);
      const auto part = stream->push(std::span(ids).subspan(at, count));
      ASSERT_TRUE(part.ok()) << part.error().message;
      const auto* bytes = reinterpret_cast<const uint8_t*>(part.value().data());
      ASSERT_EQ(check_utf8(bytes, part.value().size()).valid, part.value().size()) << what << ": not whole";
      all += part.value();
      at += count;
    }
    ASSERT_EQ(all + stream->end(), expected) << what << " in portions of up to " << most;
  }
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

TEST(Decoder, equals_tokenizers_on_golden_ids) {
  size_t cases = 0;
  for (const auto& entry : std::filesystem::directory_iterator(ONPATH_TEST_DATA "/decode")) {
    if (entry.path().extension() != ".tsv") continue;
    const std::string json = read_file(std::filesystem::path(entry.path()).replace_extension(".json"));
    const auto definition = load_tokenizer_json({reinterpret_cast<const uint8_t*>(json.data()), json.size()});
    ASSERT_TRUE(definition.ok()) << entry.path() << definition.error().message;
    const Decoding decoding(definition.value());
    std::istringstream lines(read_file(entry.path()));
    for (std::string line; std::getline(lines, line); ++cases) {
      const size_t tab = line.find('\t', 2);
      std::vector<TokenId> ids;
      std::istringstream numbers(line.substr(2, tab - 2));
      for (std::string number; std::getline(numbers, number, ',');) {
        ids.push_back(static_cast<TokenId>(std::stoul(number)));
      }
      expect_text(*decoding.decoder, ids, line[0] == '1', from_hex(line.substr(tab + 1)),
                  entry.path().stem().string() + ": " + line);
    }
  }
  EXPECT_EQ(cases, 12u * 120u);
}

TokenizerDefinition definition_of(Format format, const std::vector<std::string>& tokens, DecoderDef decoder) {
  TokenizerDefinition definition;
  definition.format = format;
  for (size_t i = 0; i < tokens.size(); ++i) {
    definition.tokens.push_back({static_cast<TokenId>(i), tokens[i]});
  }
  definition.model = BpeDefinition{};
  definition.decoders = {decoder};
  return definition;
}

AddedTokenDef special(TokenId id, const std::string& text) {
  AddedTokenDef added;
  added.id = id;
  added.text = text;
  added.special = true;
  return added;
}

TEST(Decoder, bytes_of_tiktoken_become_text_as_soon_as_characters_are_whole) {
  auto definition = definition_of(Format::tiktoken, {"a", "\xE2\x96", "\x81", "\xFF"}, BytesDecoderDef{});
  definition.added = {special(4, "<|end|>")};
  const Decoding decoding(definition);
  expect_text(*decoding.decoder, {0, 1, 2, 4}, false, "a▁<|end|>", "a character in two tokens");
  expect_text(*decoding.decoder, {0, 1, 4, 2, 3}, true, "a▁\uFFFD", "special tokens left out");
  expect_text(*decoding.decoder, {1, 0, 1}, false, "\uFFFDa\uFFFD", "characters that never end");
  EXPECT_EQ(decoding.decoder->decode(std::vector<TokenId>{9}, false).error().code,
            ErrorCode::INVALID_ARGUMENT);
  const auto stream = make_decode_stream(*decoding.decoder, false);
  EXPECT_EQ(stream->push(std::vector<TokenId>{0, 1}).value(), "a");
  EXPECT_EQ(stream->push(std::vector<TokenId>{2}).value(), "▁");
}

TEST(Decoder, tekken_decodes_between_special_tokens) {
  auto definition = definition_of(Format::tekken, {"a", "\xE2\x96", "\x81"}, BytesDecoderDef{});
  definition.added = {special(3, "<s>")};
  const Decoding decoding(definition);
  expect_text(*decoding.decoder, {1, 3, 2}, true, "\uFFFD\uFFFD", "a special token in a character");
  expect_text(*decoding.decoder, {1, 2}, true, "▁", "a character in two tokens");
}

// What SentencePiece 0.1.97 gives for these was taken from spm_decode and from its sources.
TEST(Decoder, sentencepiece_drops_the_first_space_and_reads_byte_pieces) {
  auto definition =
      definition_of(Format::sentencepiece,
                    {"<unk>", "<s>", "▁", "▁a", "b▁c", "<0xE2>", "<0x96>", "<0x81>", "<0x41>", "▁▁d"},
                    SentencePieceDecoderDef{});
  BpeDefinition model;
  model.unk = 0;
  model.byte_fallback = true;
  definition.model = model;
  definition.added = {special(1, "<s>")};
  const Decoding decoding(definition);
  const auto expect = [](const Decoding& with, const std::vector<TokenId>& ids, const std::string& text) {
    expect_text(*with.decoder, ids, false, text, text);
  };
  expect(decoding, {3, 4, 3}, "ab c a");
  expect(decoding, {1, 3}, "a");
  expect(decoding, {2, 3}, " a");
  expect(decoding, {9, 2}, " d ");
  expect(decoding, {3, 0, 4}, "a \xE2\x81\x87 b c");
  expect(decoding, {5, 6, 7, 8, 3}, "▁A a");
  expect(decoding, {5, 6, 8, 3, 5}, "\uFFFD\uFFFDA a\uFFFD");
  EXPECT_EQ(decoding.decoder->decode(std::vector<TokenId>{10}, false).error().code,
            ErrorCode::INVALID_ARGUMENT);

  PrecompiledDef normalizer;
  normalizer.sentencepiece = true;
  normalizer.remove_extra_whitespaces = true;
  definition.normalizers = {normalizer};
  expect(Decoding(definition), {2, 3, 3}, "a a");
  definition.decoders = {SentencePieceDecoderDef{false, "?"}};
  definition.normalizers.clear();
  expect(Decoding(definition), {3, 0}, " a?");
}

TEST(Decoder, text_leaves_a_stream_as_soon_as_nothing_can_change_it) {
  auto definition = definition_of(Format::tokenizer_json, {"▁a", "<0xC3>", "<0xA9>", "<0xFF>", "b</w>"},
                                  ByteFallbackDecoderDef{});
  const Decoding fallback(definition);
  const auto stream = make_decode_stream(*fallback.decoder, false);
  EXPECT_EQ(stream->push(std::vector<TokenId>{0}).value(), "▁a");
  EXPECT_EQ(stream->push(std::vector<TokenId>{1, 2}).value(), "") << "a flaw would change it";
  EXPECT_EQ(stream->push(std::vector<TokenId>{3}).value(), "\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(stream->push(std::vector<TokenId>{1}).value(), "\uFFFD") << "the run has its flaw";
  EXPECT_EQ(stream->end(), "");
  definition.decoders = {BpeDecoderDef{}};
  const Decoding bpe(definition);
  const auto words = make_decode_stream(*bpe.decoder, false);
  EXPECT_EQ(words->push(std::vector<TokenId>{4}).value(), "b");
  EXPECT_EQ(words->push(std::vector<TokenId>{0}).value(), " ▁a");
}

TEST(Decoder, a_stream_refuses_to_hold_without_bound) {
  const Decoding decoding(definition_of(Format::tokenizer_json, {"<0x41>"}, ByteFallbackDecoderDef{}));
  const std::vector<TokenId> ids((1u << 20) + 1, 0);
  EXPECT_EQ(decoding.decoder->decode(ids, false).value().size(), ids.size());
  const auto stream = make_decode_stream(*decoding.decoder, false);
  EXPECT_EQ(stream->push(ids).error().code, ErrorCode::RUN_TOO_LONG);
}

TEST(Decoder, steps_that_the_reference_fails_at_are_errors) {
  const Decoding decoding(
      definition_of(Format::tokenizer_json, {"a", "  ", " a ", ""}, StripDecoderDef{' ', 1, 2}));
  expect_text(*decoding.decoder, {0, 2}, false, "aa", "a space at each end");
  EXPECT_EQ(decoding.decoder->decode(std::vector<TokenId>{1}, false).error().code,
            ErrorCode::INVALID_ARGUMENT);
  EXPECT_EQ(make_decoder(definition_of(Format::tokenizer_json, {"a"}, BpeDecoderDef{""}), decoding.vocabulary)
                .error()
                .code,
            ErrorCode::UNSUPPORTED);
}

}  // namespace
}  // namespace onpath::text
