// WordPiece against the definition: at each place the longest token, or the whole word is unknown.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "text/model_cases.h"
#include "text/word_piece.h"

namespace onpath::text {
namespace {

TokenizerDefinition word_piece_of(const std::vector<std::string>& tokens, const std::string& prefix = "##",
                                  uint32_t max_input_chars = 100) {
  TokenizerDefinition definition;
  for (size_t i = 0; i < tokens.size(); ++i) {
    definition.tokens.push_back({static_cast<TokenId>(i), tokens[i]});
  }
  definition.model = WordPieceDefinition{0, prefix, max_input_chars};
  return definition;
}

std::vector<Token> reference(const TokenizerDefinition& definition, const std::string& word) {
  const auto& settings = std::get<WordPieceDefinition>(definition.model);
  std::map<std::string, TokenId> vocabulary;
  for (const TokenEntry& entry : definition.tokens) vocabulary[entry.text] = entry.id;
  const Token unknown{settings.unk, 0, static_cast<uint32_t>(word.size())};
  size_t chars = 0;
  for (const char c : word) chars += (c & 0xC0) != 0x80;
  if (chars > settings.max_input_chars) return {unknown};
  std::vector<Token> tokens;
  for (size_t begin = 0; begin < word.size();) {
    size_t end = word.size();
    for (; end > begin; --end) {
      const auto found =
          vocabulary.find((begin > 0 ? settings.continuing_prefix : "") + word.substr(begin, end - begin));
      if (found == vocabulary.end()) continue;
      tokens.push_back({found->second, static_cast<uint32_t>(begin), static_cast<uint32_t>(end)});
      break;
    }
    if (end == begin) return {unknown};
    begin = end;
  }
  return tokens;
}

ModelPtr make(const TokenizerDefinition& definition) {
  Result<ModelPtr> made = make_word_piece(definition, {});
  EXPECT_TRUE(made.ok()) << made.error().message;
  return std::move(made).value();
}

TEST(WordPiece, takes_the_longest_token_at_each_place) {
  const auto definition = word_piece_of({"[UNK]", "un", "##aff", "##able", "##ab", "unaffab", "##l"});
  const ModelPtr model = make(definition);
  EXPECT_EQ(encode(*model, "unable"), (std::vector<Token>{{1, 0, 2}, {3, 2, 6}}));
  EXPECT_EQ(encode(*model, "unaffable"), (std::vector<Token>{{0, 0, 9}})) << "unaffab|l|e: e is no token";
  EXPECT_EQ(encode(*model, "unaffabl"), (std::vector<Token>{{5, 0, 7}, {6, 7, 8}}));
}

TEST(WordPiece, words_with_an_unknown_part_or_too_many_characters_are_unknown) {
  const auto definition = word_piece_of({"[UNK]", "a", "##a", "##é"}, "##", 4);
  const ModelPtr model = make(definition);
  EXPECT_EQ(encode(*model, "aab"), (std::vector<Token>{{0, 0, 3}}));
  EXPECT_EQ(encode(*model, "aééé").size(), 4u) << "4 characters in 7 bytes";
  EXPECT_EQ(encode(*model, "aaaaa"), (std::vector<Token>{{0, 0, 5}}));
  EXPECT_TRUE(encode(*model, "").empty());
}

TEST(WordPiece, of_entries_with_the_same_text_the_last_counts) {
  const ModelPtr model = make(word_piece_of({"[UNK]", "a", "##b", "a", "##b"}));
  EXPECT_EQ(encode(*model, "ab"), (std::vector<Token>{{3, 0, 1}, {4, 1, 2}}));
}

TEST(WordPiece, equals_the_definition_on_random_vocabularies) {
  std::mt19937 random(1);
  const std::vector<std::string> alphabet{"a", "b", "c", "#", "é"};
  size_t known = 0;
  for (int round = 0; round < 400; ++round) {
    const std::string prefix = std::vector<std::string>{"##", "", "#", "é"}[random() % 4];
    std::vector<std::string> tokens{"[UNK]"};
    const size_t count = 1 + random() % 40;
    for (size_t i = 0; i < count; ++i) {
      tokens.push_back((random() % 3 != 0 ? prefix : "") + random_text(random, 1 + random() % 6, alphabet));
    }
    if (random() % 2 != 0) {
      for (const std::string& letter : alphabet) tokens.insert(tokens.end(), {letter, prefix + letter});
    }
    const auto definition = word_piece_of(tokens, prefix, static_cast<uint32_t>(5 + random() % 30));
    const ModelPtr model = make(definition);
    for (int i = 0; i < 50; ++i) {
      const std::string text = random_text(random, 20, alphabet);
      const std::vector<Token> expected = reference(definition, text);
      known += expected.size() > 1;
      ASSERT_EQ(encode(*model, text), expected) << "round " << round << ": " << text << ", prefix " << prefix;
    }
  }
  EXPECT_GT(known, 3000u);
}

TEST(WordPiece, a_vocabulary_of_long_runs_takes_memory_in_proportion) {
  // Each prefix of the long token fails to as many single letters as it has: these lists must be shared.
  const ModelPtr model = make(word_piece_of({"[UNK]", "a", "##a", std::string(60000, 'a')}, "##", 1000000));
  EXPECT_LT(model->bytes(), 8u << 20);
  EXPECT_EQ(encode(*model, std::string(59999, 'a')).size(), 59999u);
  EXPECT_EQ(encode(*model, std::string(60001, 'a')).size(), 2u);
}

TEST(WordPiece, reads_back_what_it_wrote) {
  const auto definition = word_piece_of({"[UNK]", "un", "##aff", "##able", "##ab", "unaffab", "##l"});
  CompiledModel form(*make(definition));
  const Result<FlatReader> reader = FlatReader::open(form.bytes());
  ASSERT_TRUE(reader.ok()) << reader.error().message;
  const Result<ModelPtr> model = read_word_piece(reader.value());
  ASSERT_TRUE(model.ok()) << model.error().message;
  for (const char* word : {"unable", "unaffabl", "unaffable"}) {
    EXPECT_EQ(encode(*model.value(), word), reference(definition, word));
  }
}

TEST(WordPiece, tables_that_would_loop_or_leave_their_arrays_are_refused) {
  const std::vector<WordPieceNode> nodes(300, {0, 0xFFFFFFFF, WordPieceTables::kNoNode, 0});
  const auto tables = [&](auto&& change) {
    std::vector<WordPieceNode> changed = nodes;
    std::vector<WordPiecePop> pops{{1, WordPieceTables::kNoPop, 1, 1}};
    std::vector<uint32_t> depths(300, 0);
    depths[1] = depths[2] = 1;
    depths[10] = 2;
    change(changed, pops, depths);
    return check_word_piece({std::move(changed), std::move(pops), std::move(depths), 1, 2, 0, 100}).ok();
  };
  EXPECT_TRUE(tables([](auto&, auto&, auto&) {}));
  EXPECT_TRUE(tables([](auto& node, auto&, auto&) { node[10].fail = 2; }));
  EXPECT_FALSE(tables([](auto& node, auto&, auto&) { node[10].fail = 10; })) << "fails to itself";
  EXPECT_FALSE(tables([](auto& node, auto&, auto&) { node[10].fail = 300; }));
  EXPECT_FALSE(tables([](auto& node, auto&, auto&) { node[10].fail = 2, node[10].pops = 1; }));
  EXPECT_FALSE(tables([](auto& node, auto&, auto&) { node[5].base = 45; })) << "children up to 300";
  EXPECT_FALSE(tables([](auto&, auto& pops, auto&) { pops[0].previous = 0; }));
  EXPECT_FALSE(tables([](auto&, auto& pops, auto&) { pops[0].length = 0; })) << "a token without bytes";
  EXPECT_FALSE(tables([](auto& node, auto&, auto& depth) { node[10].check = 1, depth[10] = 3; }));
}

}  // namespace
}  // namespace onpath::text
