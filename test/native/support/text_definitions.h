// Small tokenizers that together use every stage of a stream.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "text/definition.h"
#include "text/vocabulary.h"

namespace onpath::text {

inline TemplateItem text_a() { return {uint8_t{0}, {}, 0}; }

inline AddedTokenDef added_token(TokenId id, std::string text, bool special = true) {
  AddedTokenDef token;
  token.id = id;
  token.text = std::move(text);
  token.special = special;
  return token;
}

/// Adds merges of texts; what a merge makes becomes a token.
class VocabularyMaker {
 public:
  TokenId token(const std::string& text) {
    for (const TokenEntry& entry : tokens) {
      if (entry.text == text) return entry.id;
    }
    const auto id = static_cast<TokenId>(tokens.size());
    tokens.push_back({id, text});
    return id;
  }
  void merge(const std::string& left, const std::string& right) {
    const TokenId a = token(left);
    const TokenId b = token(right);
    merges.push_back({a, b, token(left + right)});
  }
  std::vector<TokenEntry> tokens;
  std::vector<MergeRule> merges;
};

/// ByteLevel with GPT-2's regex, some merges of English, added tokens of all kinds.
inline TokenizerDefinition byte_level_definition(bool add_prefix_space = false) {
  VocabularyMaker maker;
  for (int byte = 0; byte < 256; ++byte) {
    maker.token(byte_level_of_bytes(std::string(1, static_cast<char>(byte))));
  }
  const std::string space = byte_level_of_bytes(" ");
  maker.merge("t", "h");
  maker.merge("th", "e");
  maker.merge(space, "the");
  maker.merge("i", "n");
  maker.merge(space, "a");
  maker.merge("l", "l");
  maker.merge("1", "2");
  maker.merge(space, space);
  maker.merge(byte_level_of_bytes("\xC3"), byte_level_of_bytes("\xA9"));
  TokenizerDefinition definition;
  BpeDefinition bpe;
  bpe.byte_level = true;
  bpe.merges = maker.merges;
  definition.model = std::move(bpe);
  definition.tokens = maker.tokens;
  definition.pre_tokenizers.emplace_back(ByteLevelDef{add_prefix_space, true});
  definition.decoders.emplace_back(ByteLevelDecoderDef{});
  auto next = static_cast<TokenId>(maker.tokens.size());
  definition.added.push_back(added_token(next++, "<s>"));
  definition.added.push_back(added_token(next++, "<s>>"));
  AddedTokenDef mask = added_token(next++, "<mask>");
  mask.lstrip = true;
  definition.added.push_back(mask);
  AddedTokenDef end = added_token(next++, "<end>");
  end.rstrip = true;
  definition.added.push_back(end);
  AddedTokenDef word = added_token(next++, "ing", false);
  word.single_word = true;
  definition.added.push_back(word);
  definition.post.single = {text_a()};
  definition.post.pair = {text_a(), {uint8_t{1}, {}, 1}};
  return definition;
}

/// Llama 2's shape: a mark in front, spaces become marks, bytes where a character is unknown, no
/// pre-tokenizer.
inline TokenizerDefinition mark_definition(bool metaspace, PrependScheme scheme = PrependScheme::always,
                                           bool split = false) {
  const std::string mark = "\xE2\x96\x81";
  VocabularyMaker maker;
  const TokenId unk = maker.token("<unk>");
  static constexpr char kHex[] = "0123456789ABCDEF";
  for (size_t byte = 0; byte < 256; ++byte) {
    maker.token(std::string("<0x") + kHex[byte / 16] + kHex[byte % 16] + ">");
  }
  for (const char letter : std::string("abcdehilnorst<>/.,")) maker.token(std::string(1, letter));
  maker.token(mark);
  maker.merge("t", "h");
  maker.merge("th", "e");
  maker.merge(mark, "the");
  maker.merge(mark, "a");
  maker.merge("i", "n");
  maker.merge(mark, mark);
  TokenizerDefinition definition;
  BpeDefinition bpe;
  bpe.byte_fallback = true;
  bpe.fuse_unk = true;
  bpe.unk = unk;
  bpe.merges = maker.merges;
  definition.model = std::move(bpe);
  definition.tokens = maker.tokens;
  if (metaspace) {
    definition.pre_tokenizers.emplace_back(MetaspaceDef{0x2581, scheme, split});
  } else {
    definition.normalizers.emplace_back(PrependDef{mark});
    definition.normalizers.emplace_back(ReplaceDef{{" ", false}, mark});
  }
  auto next = static_cast<TokenId>(maker.tokens.size());
  definition.added.push_back(added_token(next++, "<s>"));
  AddedTokenDef normalized = added_token(next++, "in the", false);
  normalized.normalized = true;
  definition.added.push_back(normalized);
  definition.post.single = {text_a()};
  definition.post.pair = {text_a(), {uint8_t{1}, {}, 1}};
  return definition;
}

/// BERT's shape.
inline TokenizerDefinition word_piece_definition() {
  TokenizerDefinition definition;
  TokenId id = 0;
  for (const char* token :
       {"[UNK]", "[CLS]", "[SEP]", "[PAD]", "the",          "th", "##e", "##s", "a", "in", "##in", "e", "s",
        ".",     ",",     "1",     "##2",   "\xE4\xB8\xAD", "t",  "##h", "##t", "i", "n",  "##n"}) {
    definition.tokens.push_back({id++, token});
  }
  WordPieceDefinition model;
  model.unk = 0;
  definition.model = model;
  definition.normalizers.emplace_back(BertNormalizerDef{});
  definition.pre_tokenizers.emplace_back(BertPreTokenizerDef{});
  definition.added = {added_token(0, "[UNK]"), added_token(1, "[CLS]"), added_token(2, "[SEP]")};
  definition.post.single = {{std::nullopt, {1}, 0}, text_a(), {std::nullopt, {2}, 0}};
  definition.post.pair = {text_a(), {uint8_t{1}, {}, 1}};
  definition.decoders.emplace_back(WordPieceDecoderDef{});
  return definition;
}

/// XLNet's shape: whitespace gone, a mark before each word, the best sum of scores.
inline TokenizerDefinition unigram_definition() {
  const std::string mark = "\xE2\x96\x81";
  TokenizerDefinition definition;
  UnigramDefinition model;
  model.unk = 0;
  TokenId id = 0;
  const auto add = [&](const std::string& text, double score) {
    definition.tokens.push_back({id++, text});
    model.scores.push_back(score);
  };
  add("<unk>", 0);
  double score = -3;
  for (const std::string text : {"the", "th", "e", "t", "h", "in", "i", "n", "a", "s", "x", "l", ".", ","}) {
    add(text, score);
    add(mark + text, score + 0.75);
    score -= 0.37;
  }
  add(mark, -2.5);
  definition.model = std::move(model);
  definition.normalizers.emplace_back(UnicodeFormDef{false, true});
  definition.normalizers.emplace_back(StripAccentsDef{});
  definition.pre_tokenizers.emplace_back(WhitespaceSplitDef{});
  definition.pre_tokenizers.emplace_back(MetaspaceDef{});
  definition.added.push_back(added_token(id++, "<sep>"));
  definition.post.single = {text_a(), {std::nullopt, {id - 1}, 0}};
  definition.post.pair = {text_a(), {uint8_t{1}, {}, 1}};
  return definition;
}

struct NamedDefinition {
  const char* name;
  TokenizerDefinition definition;
};
inline std::vector<NamedDefinition> all_definitions() {
  std::vector<NamedDefinition> all;
  all.push_back({"byte level", byte_level_definition()});
  all.push_back({"byte level with a prefix space", byte_level_definition(true)});
  all.push_back({"marks by normalizers", mark_definition(false)});
  all.push_back({"metaspace always", mark_definition(true, PrependScheme::always)});
  all.push_back({"metaspace first", mark_definition(true, PrependScheme::first)});
  all.push_back({"metaspace split", mark_definition(true, PrependScheme::first, true)});
  all.push_back({"word pieces", word_piece_definition()});
  all.push_back({"unigram", unigram_definition()});
  TokenizerDefinition trimmed = byte_level_definition(true);
  trimmed.post.trim_offsets = true;
  all.push_back({"byte level, trimmed", std::move(trimmed)});
  return all;
}

}  // namespace onpath::text
