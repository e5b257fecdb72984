#include "text/tokenizer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "support/aligned.h"
#include "support/text_definitions.h"

namespace onpath::text {
namespace {

using Ids = std::vector<TokenId>;

TokenizerPtr made(const TokenizerDefinition& definition) {
  Result<TokenizerPtr> built = build(definition);
  EXPECT_TRUE(built.ok()) << built.error().message;
  return std::move(built).value();
}

struct Encoded {
  StreamStatus status;
  Ids ids;
};
Encoded encode(const Tokenizer& tokenizer, std::string_view text, StreamOptions options = {},
               size_t most_tokens = SIZE_MAX) {
  options.whole = true;
  Result<std::unique_ptr<TextStream>> stream = tokenizer.make_stream(options);
  EXPECT_TRUE(stream.ok()) << stream.error().message;
  const std::unique_ptr<Workspace> workspace = tokenizer.make_workspace(1u << 16);
  TokenBuffer out(options.detailed);
  const StreamStatus status = tokenizer.encode({reinterpret_cast<const uint8_t*>(text.data()), text.size()},
                                               *stream.value(), *workspace, out, most_tokens);
  return {status, Ids(out.ids(), out.ids() + out.size())};
}

std::string texts_of(const Tokenizer& tokenizer, const Ids& ids) {
  std::string texts;
  for (const TokenId id : ids) texts += std::string(tokenizer.vocabulary().text(id).value_or("?")) + "|";
  return texts;
}

TEST(Tokenizer, AddedTokensCutTheTextAndStripAsTheySay) {
  const TokenizerPtr tokenizer = made(byte_level_definition());
  const auto texts = [&tokenizer](std::string_view text) {
    return texts_of(*tokenizer, encode(*tokenizer, text).ids);
  };
  EXPECT_EQ(texts("a<s>a"), "a|<s>|a|");
  EXPECT_EQ(texts("a<s>>a"), "a|<s>>|a|") << "the longest";
  EXPECT_EQ(texts("a  <mask> a"),
            "a|<mask>|\xC4\xA0"
            "a|")
      << "strips on the left only";
  EXPECT_EQ(texts("<end>  a"), "<end>|a|") << "strips on the right";
  EXPECT_EQ(texts("a ing."), "a|\xC4\xA0|ing|.|") << "a word of its own";
  EXPECT_EQ(texts("aing"), "a|in|g|") << "part of a word";
  EXPECT_EQ(texts("ing\xC3\xA9"), "in|g|\xC3\x83\xC2\xA9|") << "letters beyond ASCII are of words";
}

TEST(Tokenizer, PrefixSpacesGoWhereTheSchemeSays) {
  const auto texts = [](const TokenizerDefinition& definition, std::string_view text) {
    const TokenizerPtr tokenizer = made(definition);
    return texts_of(*tokenizer, encode(*tokenizer, text).ids);
  };
  const std::string mark = "\xE2\x96\x81";
  EXPECT_EQ(texts(byte_level_definition(true), "the<s>the"), "\xC4\xA0the|<s>|\xC4\xA0the|");
  EXPECT_EQ(texts(mark_definition(true, PrependScheme::always), "the<s>the"),
            mark + "the|<s>|" + mark + "the|");
  EXPECT_EQ(texts(mark_definition(true, PrependScheme::first), "the<s>the"), mark + "the|<s>|the|");
  EXPECT_EQ(texts(mark_definition(true, PrependScheme::first), "<s>the"), "<s>|the|");
  EXPECT_EQ(texts(mark_definition(true, PrependScheme::never), "the the"), "the|" + mark + "the|");
  EXPECT_EQ(texts(mark_definition(false), "the"), mark + "the|");
}

TEST(Tokenizer, SpecialTokensFollowThePolicy) {
  const TokenizerPtr tokenizer = made(byte_level_definition());
  StreamOptions options;
  options.special = SpecialPolicy::refuse;
  EXPECT_EQ(encode(*tokenizer, "a<s>", options).status, StreamStatus::special_refused);
  EXPECT_EQ(encode(*tokenizer, "a ing", options).status, StreamStatus::ok) << "added, but not special";
  const TokenId special = tokenizer->vocabulary().id("<s>").value();
  options.allowed_special = {special};
  EXPECT_EQ(encode(*tokenizer, "<s>", options).ids, Ids{special});
  options.allowed_special.clear();
  options.special = SpecialPolicy::text;
  EXPECT_EQ(texts_of(*tokenizer, encode(*tokenizer, "<s>", options).ids), "<|s|>|");
}

TEST(Tokenizer, ARefusedTokenIsNamed) {
  const TokenizerPtr tokenizer = made(byte_level_definition());
  StreamOptions options;
  options.special = SpecialPolicy::refuse;
  const auto stream = tokenizer->make_stream(options).value();
  const auto workspace = tokenizer->make_workspace(1u << 16);
  TokenBuffer out;
  const std::string text = "a<end>b";
  EXPECT_EQ(stream->push({reinterpret_cast<const uint8_t*>(text.data()), text.size()}, *workspace, out),
            StreamStatus::special_refused);
  EXPECT_EQ(stream->refused(), tokenizer->vocabulary().id("<end>"));
  EXPECT_EQ(stream->end(*workspace, out), StreamStatus::special_refused) << "the text is over";
  stream->begin();
  EXPECT_EQ(stream->refused(), std::nullopt);
}

TEST(Tokenizer, TemplateTruncationAndPaddingAsTheReference) {
  TokenizerDefinition definition = word_piece_definition();
  definition.truncation = TruncationDef{4, 0, Side::right, TruncationStrategy::longest_first};
  definition.padding = PaddingDef{7, 4, Side::right, 3, 0, "[PAD]"};
  const TokenizerPtr tokenizer = made(definition);
  StreamOptions options;
  EXPECT_EQ(encode(*tokenizer, "the the", options).ids, (Ids{4, 4}));
  options.add_special_tokens = true;
  EXPECT_EQ(encode(*tokenizer, "the the", options).ids, (Ids{1, 4, 4, 2}));
  options.truncate = true;
  EXPECT_EQ(encode(*tokenizer, "the a the a", options).ids, (Ids{1, 4, 8, 2}));
  options.pad = true;
  EXPECT_EQ(encode(*tokenizer, "the", options).ids, (Ids{1, 4, 2, 3, 3, 3, 3, 3}))
      << "7, up to a multiple of 4";
  EXPECT_EQ(encode(*tokenizer, "", options).ids, (Ids{1, 2, 3, 3, 3, 3, 3, 3}));
}

TEST(Tokenizer, TheLeftSideNeedsTheWholeText) {
  TokenizerDefinition definition = word_piece_definition();
  definition.truncation = TruncationDef{4, 0, Side::left, TruncationStrategy::longest_first};
  definition.padding = PaddingDef{6, 0, Side::left, 3, 0, "[PAD]"};
  const TokenizerPtr tokenizer = made(definition);
  StreamOptions options;
  options.add_special_tokens = true;
  options.truncate = true;
  EXPECT_EQ(encode(*tokenizer, "the the a .", options).ids, (Ids{1, 8, 13, 2}));
  EXPECT_EQ(tokenizer->make_stream(options).error().code, ErrorCode::UNSUPPORTED);
  options.pad = true;
  EXPECT_EQ(encode(*tokenizer, "a", options).ids, (Ids{3, 3, 3, 1, 8, 2}));
}

TEST(Tokenizer, StopsOnceThereAreEnoughTokens) {
  const TokenizerPtr tokenizer = made(byte_level_definition());
  std::string text;
  for (int i = 0; i < 1000; ++i) text += " the";
  const Encoded some = encode(*tokenizer, text, {}, 10);
  EXPECT_EQ(some.status, StreamStatus::stopped);
  EXPECT_GE(some.ids.size(), 10u);
  EXPECT_LT(some.ids.size(), 300u);
  EXPECT_EQ(encode(*tokenizer, text, {}, 1001).status, StreamStatus::ok);
}

TEST(Tokenizer, ACompiledFormGivesTheSameTokensAndTheSameForm) {
  for (const NamedDefinition& named : all_definitions()) {
    SCOPED_TRACE(named.name);
    const TokenizerPtr tokenizer = made(named.definition);
    const Aligned form(tokenizer->save());
    Result<TokenizerPtr> read = tokenizer_from_compiled(form.span(), nullptr);
    ASSERT_TRUE(read.ok()) << read.error().message;
    const Tokenizer& again = *read.value();
    EXPECT_EQ(again.hash(), tokenizer->hash());
    EXPECT_EQ(again.explain(), tokenizer->explain());
    const std::vector<uint8_t> saved = again.save();
    EXPECT_TRUE(std::equal(saved.begin(), saved.end(), form.span().begin(), form.span().end()));
    for (const std::string text : {"the in the <s> 12 e\xCC\x81 <mask>", "\xF0\x9F in  the <sep>ing", ""}) {
      EXPECT_EQ(encode(again, text).ids, encode(*tokenizer, text).ids);
    }
  }
}

TEST(Tokenizer, DifferentVocabulariesHaveDifferentVersions) {
  TokenizerDefinition definition = byte_level_definition();
  const auto hash = made(definition)->hash();
  EXPECT_EQ(made(definition)->hash(), hash);
  definition.added[0].lstrip = true;
  EXPECT_NE(made(definition)->hash(), hash);
}

TEST(Tokenizer, DamagedFormsAreRefusedOrHarmless) {
  // With the checksum made right again: whatever is read is checked by itself.
  const TokenizerPtr tokenizer = made(word_piece_definition());
  const std::vector<uint8_t> good = tokenizer->save();
  std::mt19937 random(4);
  size_t refused = 0;
  for (int round = 0; round < 300; ++round) {
    std::vector<uint8_t> bad = good;
    bad[64 + random() % (bad.size() - 64)] ^= static_cast<uint8_t>(1 + random() % 255);
    const Aligned form(bad);
    refused += tokenizer_from_compiled(form.span(), nullptr).ok() ? 0 : 1;
  }
  EXPECT_EQ(refused, 300u);
}

TEST(Tokenizer, FurtherAddedTokensShareTheRest) {
  const TokenizerPtr tokenizer = made(byte_level_definition());
  const TokenId id = tokenizer->vocabulary().id_limit();
  const AddedTokenDef more[] = {added_token(id, "<more>")};
  Result<TokenizerPtr> extended = tokenizer->with_added(more);
  ASSERT_TRUE(extended.ok()) << extended.error().message;
  EXPECT_EQ(encode(*extended.value(), "<more><s>").ids, (Ids{id, tokenizer->vocabulary().id("<s>").value()}));
  EXPECT_NE(extended.value()->hash(), tokenizer->hash());
  EXPECT_GT(encode(*tokenizer, "<more>").ids.size(), 1u) << "the first one is as it was";
  const AddedTokenDef taken[] = {added_token(3, "<other>")};
  EXPECT_EQ(tokenizer->with_added(taken).error().code, ErrorCode::INVALID_ARGUMENT);
  const AddedTokenDef known[] = {added_token(id, "<s>")};
  EXPECT_EQ(tokenizer->with_added(known).error().code, ErrorCode::INVALID_ARGUMENT);
}

TEST(Tokenizer, ComponentsInAnOrderThatIsNotExactAreRefused) {
  TokenizerDefinition behind = byte_level_definition();
  behind.pre_tokenizers.emplace_back(DigitsDef{});
  EXPECT_EQ(build(behind).error().code, ErrorCode::UNSUPPORTED);
  TokenizerDefinition prefixed = byte_level_definition(true);
  prefixed.pre_tokenizers.insert(prefixed.pre_tokenizers.begin(), DigitsDef{});
  EXPECT_EQ(build(prefixed).error().code, ErrorCode::UNSUPPORTED);
  TokenizerDefinition metaspace = mark_definition(true);
  std::get<MetaspaceDef>(metaspace.pre_tokenizers[0]).replacement = '_';
  EXPECT_EQ(build(metaspace).error().code, ErrorCode::UNSUPPORTED);
  TokenizerDefinition twice = word_piece_definition();
  twice.post.single = {text_a(), text_a()};
  EXPECT_EQ(build(twice).error().code, ErrorCode::UNSUPPORTED);
}

TEST(Tokenizer, TellsItsMemory) {
  const TokenizerPtr tokenizer = made(byte_level_definition());
  uint64_t bytes = 0;
  for (const Tokenizer::Part& part : tokenizer->memory()) bytes += part.bytes;
  EXPECT_GT(bytes, tokenizer->vocabulary().bytes());
  StreamOptions options;
  options.cap_bytes = 1u << 16;
  const auto stream = tokenizer->make_stream(options).value();
  EXPECT_GE(stream->state_bytes(), options.cap_bytes);
  EXPECT_LT(stream->state_bytes(), 4 * options.cap_bytes);
}

}  // namespace
}  // namespace onpath::text
