#include <gtest/gtest.h>

#include <string>

#include "support/file_of.h"
#include "text/load.h"
#include "text/load_json.h"

namespace onpath::text {
namespace {

Result<TokenizerDefinition> load(std::string_view text) { return load_tokenizer_json(file_of(text)); }

constexpr const char* kBpe =
    R"("model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2,"<unk>":5},"merges":["a b"],"unk_token":"<unk>"})";

std::string with(const std::string& parts) { return "{" + parts + (parts.empty() ? "" : ",") + kBpe + "}"; }

Error error_of(const std::string& text) {
  Result<TokenizerDefinition> loaded = load(text);
  return loaded.ok() ? Error{ErrorCode::ABORTED, "it was loaded"} : loaded.error();
}

TEST(LoadJson, ReadsAModelWithItsHoles) {
  Result<TokenizerDefinition> loaded = load(with(""));
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  const TokenizerDefinition& definition = loaded.value();
  ASSERT_EQ(definition.tokens.size(), 4u);
  EXPECT_EQ(definition.tokens[3].id, 5u);
  EXPECT_EQ(definition.tokens[3].text, "<unk>");
  const auto& bpe = std::get<BpeDefinition>(definition.model);
  ASSERT_EQ(bpe.merges.size(), 1u);
  EXPECT_EQ(bpe.merges[0].result, 2u);
  EXPECT_EQ(bpe.unk, 5u);
  EXPECT_FALSE(bpe.byte_level);
}

TEST(LoadJson, RefusesACharacterThatTheEndOfTheFileCuts) {
  for (const char* cut : {"\"\xEE", "\"\xF0\x9F", "\"\xF0", "\"\xC3", "\xEE"}) {
    EXPECT_NE(error_of(cut).message.find("no JSON at byte"), std::string::npos) << error_of(cut).message;
  }
}

TEST(LoadJson, MergesMayBePairsAndMayHaveAPrefix) {
  Result<TokenizerDefinition> loaded = load(
      R"({"model":{"type":"BPE","vocab":{"a":0,"##b":1,"ab":2},"merges":[["a","##b"]],"continuing_subword_prefix":"##"}})");
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  EXPECT_EQ(std::get<BpeDefinition>(loaded.value().model).merges.at(0).result, 2u);
}

TEST(LoadJson, ByteLevelPreTokenizerMakesAByteLevelModel) {
  Result<TokenizerDefinition> loaded =
      load(with(R"("pre_tokenizer":{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true})"));
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  EXPECT_TRUE(std::get<BpeDefinition>(loaded.value().model).byte_level);
  EXPECT_TRUE(std::get<ByteLevelDef>(loaded.value().pre_tokenizers.at(0)).use_regex);
}

TEST(LoadJson, SequencesAreFlattenedAndOldFieldsKnown) {
  Result<TokenizerDefinition> loaded = load(with(
      R"("normalizer":{"type":"Sequence","normalizers":[{"type":"NFKC"},{"type":"Sequence","normalizers":[)"
      R"({"type":"Replace","pattern":{"String":" "},"content":"_"}]}]},)"
      R"("pre_tokenizer":{"type":"Metaspace","replacement":"▁","str_rep":"▁","add_prefix_space":true})"));
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  ASSERT_EQ(loaded.value().normalizers.size(), 2u);
  EXPECT_TRUE(std::get<UnicodeFormDef>(loaded.value().normalizers[0]).compatibility);
  EXPECT_EQ(std::get<ReplaceDef>(loaded.value().normalizers[1]).content, "_");
  EXPECT_EQ(std::get<MetaspaceDef>(loaded.value().pre_tokenizers[0]).prepend, PrependScheme::always);
}

TEST(LoadJson, MetaspaceMustNotContradictItself) {
  const Error error =
      error_of(with(R"("pre_tokenizer":{"type":"Metaspace","replacement":"▁","add_prefix_space":false})"));
  EXPECT_EQ(error.code, ErrorCode::INVALID_VOCABULARY);
}

TEST(LoadJson, AddedTokensGetTheReferencesIds) {
  // Known to the model: its id. New ones: behind the number of tokens, whatever the file says.
  Result<TokenizerDefinition> loaded = load(with(
      R"("added_tokens":[)"
      R"({"id":99,"content":"ab","single_word":true,"lstrip":false,"rstrip":false,"normalized":false,"special":true},)"
      R"({"id":7,"content":"new","single_word":false,"lstrip":true,"rstrip":true,"normalized":true,"special":false}])"));
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  ASSERT_EQ(loaded.value().added.size(), 2u);
  EXPECT_EQ(loaded.value().added[0].id, 2u);
  EXPECT_TRUE(loaded.value().added[0].single_word);
  EXPECT_EQ(loaded.value().added[1].id, 4u);
  EXPECT_TRUE(loaded.value().added[1].normalized);
}

TEST(LoadJson, PostProcessorsBecomeTemplates) {
  Result<TokenizerDefinition> roberta = load(with(
      R"("post_processor":{"type":"RobertaProcessing","sep":["b",1],"cls":["a",0],"trim_offsets":true,"add_prefix_space":false})"));
  ASSERT_TRUE(roberta.ok()) << roberta.error().message;
  EXPECT_EQ(roberta.value().post.single.size(), 3u);
  EXPECT_EQ(roberta.value().post.pair.size(), 6u);
  EXPECT_TRUE(roberta.value().post.trim_offsets);
  EXPECT_FALSE(roberta.value().post.trim_add_prefix_space);

  Result<TokenizerDefinition> sequence = load(with(
      R"("post_processor":{"type":"Sequence","processors":[{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":false},)"
      R"({"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"x","type_id":0}},{"Sequence":{"id":"A","type_id":3}}],)"
      R"("pair":[],"special_tokens":{"x":{"id":"x","ids":[1,2],"tokens":["b","ab"]}}}]})"));
  ASSERT_TRUE(sequence.ok()) << sequence.error().message;
  const PostProcessorDef& post = sequence.value().post;
  ASSERT_EQ(post.single.size(), 2u);
  EXPECT_EQ(post.single[0].ids, (std::vector<TokenId>{1, 2}));
  EXPECT_EQ(post.single[1].type_id, 3u);
  EXPECT_FALSE(post.trim_offsets);
}

TEST(LoadJson, ModelsWithoutTypeAreKnownByTheirFields) {
  Result<TokenizerDefinition> unigram =
      load(R"({"model":{"unk_id":0,"vocab":[["<unk>",0.0],["a",-3.4735240936279297]]}})");
  ASSERT_TRUE(unigram.ok()) << unigram.error().message;
  EXPECT_EQ(std::get<UnigramDefinition>(unigram.value().model).unk, 0u);
  EXPECT_EQ(std::get<UnigramDefinition>(unigram.value().model).scores.size(), 2u);
}

TEST(LoadJson, WhatIsMissingHereIsNamed) {
  const struct {
    const char* file;
    const char* named;
  } cases[] = {
      {R"("pre_tokenizer":{"type":"UnicodeScripts"})", "UnicodeScripts"},
      {R"("pre_tokenizer":{"type":"FixedLength","length":5})", "FixedLength"},
      {R"("decoder":{"type":"CTC","pad_token":"x","word_delimiter_token":"|","cleanup":true})", "CTC"},
      {R"("normalizer":{"type":"Fancy"})", "Fancy"},
  };
  for (const auto& item : cases) {
    const Error error = error_of(with(item.file));
    EXPECT_EQ(error.code, ErrorCode::UNSUPPORTED) << item.file;
    EXPECT_NE(error.message.find(item.named), std::string::npos) << error.message;
  }
  EXPECT_EQ(error_of(R"({"model":{"type":"WordLevel","vocab":{"a":0},"unk_token":"a"}})").code,
            ErrorCode::UNSUPPORTED);
  EXPECT_EQ(error_of(R"({"model":{"type":"BPE","dropout":0.1,"vocab":{},"merges":[]}})").code,
            ErrorCode::UNSUPPORTED);
  EXPECT_TRUE(load(R"({"model":{"type":"BPE","dropout":0.0,"vocab":{},"merges":[]}})").ok());
}

TEST(LoadJson, DamageIsAnErrorThatNamesThePlace) {
  const struct {
    std::string file;
    const char* named;
  } cases[] = {
      {"", "empty"},
      {"[1]", "array"},
      {"{\"model\":", "byte"},
      {R"({"version":"2.0"})", "version"},
      {R"({"model":{"type":"BPE","vocab":{"a":-1},"merges":[]}})", "model.vocab"},
      {R"({"model":{"type":"BPE","vocab":{"a":1,"b":1},"merges":[]}})", "same id"},
      {R"({"model":{"type":"BPE","vocab":{"a":1},"merges":["a a"]}})", "model.merges[0]"},
      {R"({"model":{"type":"BPE","vocab":{"a":1},"merges":["a"]}})", "model.merges[0]"},
      {R"({"model":{"type":"Unigram","vocab":[["a"]]}})", "model.vocab[0]"},
      {R"({"model":{"type":"Unigram","unk_id":3,"vocab":[["a",1]]}})", "unk_id"},
  };
  for (const auto& item : cases) {
    const Error error = error_of(item.file);
    EXPECT_EQ(error.code, ErrorCode::INVALID_VOCABULARY) << item.file;
    EXPECT_NE(error.message.find(item.named), std::string::npos) << error.message;
  }
  EXPECT_EQ(error_of(R"({"model":{"type":"BPE","vocab":{"a":4000000000},"merges":[]}})").code,
            ErrorCode::LIMIT_EXCEEDED);
}

TEST(LoadJson, DeepNestingEndsInAnError) {
  const std::string deep(2'000'000, '[');
  EXPECT_EQ(error_of("{\"model\":" + deep).code, ErrorCode::INVALID_VOCABULARY);
}

TEST(LoadJson, FractionsAreReadAsTheReferenceReadsThem) {
  EXPECT_EQ(serde_double("0.5"), 0.5);
  EXPECT_EQ(serde_double("-2"), -2.0);
  EXPECT_EQ(serde_double("1e3"), 1000.0);
  EXPECT_EQ(serde_double("123456789012345678901234567890"), 1.2345678901234568e29);
  EXPECT_EQ(serde_double("1e400"), std::nullopt);
  EXPECT_EQ(serde_double("1e-400"), 0.0);
  // One rounding of the digits and one of the division: not the nearest double.
  EXPECT_EQ(serde_double("-9.999999999999999999"), -10.0);
  EXPECT_EQ(serde_double("-3.4735240936279297"), -34735240936279297.0 / 1e16);
}

TEST(LoadJson, Base64IsStrict) {
  EXPECT_EQ(decode_base64("aGk="), "hi");
  EXPECT_EQ(decode_base64(""), "");
  for (const char* wrong : {"aGk", "aGl=", "a===", "a*k=", "aG=k"})
    EXPECT_FALSE(decode_base64(wrong)) << wrong;
}

}  // namespace
}  // namespace onpath::text
