// Claims about the BPE model: its tokens are those of merging one pair at a time.
#include <numeric>

#include "text/bpe_tables.h"
#include "text/bpe_test_support.h"

namespace onpath::text {
namespace {

const std::vector<std::string> kLetters = {"a", "b", "c"};

Ids symbols_of(const SmallBpe& small, const std::string& text) {
  Ids symbols;
  for (const std::string& character : characters_of(text)) symbols.push_back(small.ids.at(character));
  return symbols;
}

TEST(Bpe, EqualsMergingOneByOneOnRandomVocabularies) {
  Random random(1);
  size_t improper = 0, unproducible = 0;
  for (int vocabulary = 0; vocabulary < 150; ++vocabulary) {
    const std::vector<std::string> alphabet =
        vocabulary % 3 == 0 ? std::vector<std::string>{"a", "\xC3\xA9", "\xE4\xB8\xAD"} : kLetters;
    const SmallBpe small = random_merges(random, alphabet, 4 + random() % 40, vocabulary % 2 == 0);
    const Result<BpeTables> tables = make_bpe_tables(small.definition, {});
    ASSERT_TRUE(tables.ok());
    improper += tables.value().settings.improper;
    unproducible += tables.value().settings.unproducible;
    const ModelPtr model = must_make(small);
    const auto scratch = model->make_scratch();
    for (int i = 0; i < 100; ++i) {
      // Short pieces, longer ones, and those beyond 64 bytes go different ways.
      const size_t lengths[] = {1 + random() % 14, 15 + random() % 40, 60 + random() % 100};
      const std::string text = random_text(random, alphabet, lengths[i % 3]);
      ASSERT_EQ(encode_with(*model, *scratch, text),
                merge_naively(std::get<BpeDefinition>(small.definition.model), symbols_of(small, text)))
          << text;
      std::vector<ByteSpan> spans;
      const Ids ids = encode_with(*model, *scratch, text, &spans);
      ASSERT_EQ(ids, encode_with(*model, *scratch, text));
      for (size_t k = 0; k < ids.size(); ++k)
        ASSERT_EQ(text.substr(spans[k].begin, spans[k].end - spans[k].begin),
                  small.definition.tokens[ids[k]].text);
    }
  }
  EXPECT_GT(improper, 100u);
  EXPECT_GT(unproducible, 100u);
}

TEST(Bpe, EqualsConcatenatingOneByOneOnRandomRanks) {
  Random random(2);
  for (int vocabulary = 0; vocabulary < 150; ++vocabulary) {
    SmallBpe small = random_merges(random, kLetters, 4 + random() % 40, false);
    small.bpe().merges.clear();
    // Few ranks for many tokens, as with SentencePiece's scores; all different, as in tiktoken's files.
    const uint32_t ranks = vocabulary % 2 == 0 ? 5 : 100000;
    for (size_t i = 0; i < small.definition.tokens.size(); ++i)
      small.bpe().ranks.push_back(random() % 10 == 0 ? BpeDefinition::kNoRank
                                                     : static_cast<uint32_t>(random() % ranks));
    const ModelPtr model = must_make(small, {.format = Format::sentencepiece});
    const auto scratch = model->make_scratch();
    for (int i = 0; i < 60; ++i) {
      const std::string text = random_text(random, kLetters, 1 + random() % (i % 2 == 0 ? 14 : 120));
      ASSERT_EQ(encode_with(*model, *scratch, text), concatenate_naively(small, characters_of(text))) << text;
    }
  }
}

TEST(Bpe, MergesAcrossAnImproperTokenBeforeItIsComplete) {
  SmallBpe small;
  for (const char* symbol : {"a", "b", "c", "d"}) small.add(symbol);
  small.merge("ab", "c");
  small.merge("c", "d");
  small.merge("a", "b");
  EXPECT_EQ(encode(small, "abcd"), (Ids{small.ids["ab"], small.ids["cd"]}));
  EXPECT_EQ(encode(small, "abc"), Ids{small.ids["abc"]});
  std::string longer;
  for (int i = 0; i < 30; ++i) longer += "abcd";
  const Ids ids = encode(small, longer);
  ASSERT_EQ(ids.size(), 60u);
  for (size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(ids[i], small.ids[i % 2 == 0 ? "ab" : "cd"]);
}

TEST(Bpe, ALetterAtTheEndChangesTokensAllTheWayToTheFront) {
  SmallBpe small;
  for (const char c : std::string("tuvwxyz")) small.add(std::string(1, c));
  for (const char* pair : {"yz", "xy", "wx", "vw", "uv", "tu"})
    small.merge(std::string(1, pair[0]), std::string(1, pair[1]));
  EXPECT_EQ(encode(small, "tuvwxy"), (Ids{small.ids["tu"], small.ids["vw"], small.ids["xy"]}));
  EXPECT_EQ(encode(small, "tuvwxyz"),
            (Ids{small.ids["t"], small.ids["uv"], small.ids["wx"], small.ids["yz"]}));
}

TEST(Bpe, AWholePieceIsItsTokenOnlyWhereTheVocabularySaysSo) {
  SmallBpe small;
  for (const char* symbol : {"a", "b", "c"}) small.add(symbol);
  small.merge("a", "b");
  const TokenId never = small.add("abc");
  EXPECT_EQ(encode(small, "abc"), (Ids{small.ids["ab"], small.ids["c"]}));
  small.bpe().whole_piece = true;
  EXPECT_EQ(encode(small, "abc"), Ids{never});
  EXPECT_EQ(encode(small, "abca"), (Ids{small.ids["ab"], small.ids["c"], small.ids["a"]}));
}

TEST(Bpe, OfTwoMergesOfTheSamePairTheLaterCounts) {
  SmallBpe small;
  for (const char* symbol : {"a", "b", "c"}) small.add(symbol);
  small.merge("a", "b");
  small.merge("b", "c");
  small.merge("a", "b");
  EXPECT_EQ(encode(small, "abc"), (Ids{small.ids["a"], small.ids["bc"]}));
}

TEST(Bpe, LongRunsAreAsMergingHasThem) {
  Random random(3);
  SmallBpe small;
  small.add("a");
  for (std::string run = "a"; run.size() <= 16; run += run) small.merge(run, run);
  small.merge("aa", "a");
  small.merge("aaaa", "aaa");
  for (const size_t size : {63u, 64u, 65u, 1000u, 3001u}) {
    const std::string text(size, 'a');
    EXPECT_EQ(encode(small, text),
              merge_naively(std::get<BpeDefinition>(small.definition.model), symbols_of(small, text)));
  }
}

TEST(Bpe, ByteLevelSymbolsAreBytes) {
  SmallBpe small;
  small.bpe().byte_level = true;
  const std::string middle = "\xE4\xB8\xAD";
  for (int value = 0; value < 256; ++value)
    small.add(byte_level_of_bytes(std::string(1, static_cast<char>(value))));
  small.merge(byte_level_of_bytes(middle.substr(0, 1)), byte_level_of_bytes(middle.substr(1, 1)));
  small.merge(byte_level_of_bytes(" "), byte_level_of_bytes("t"));
  EXPECT_EQ(encode(small, " t" + middle),
            (Ids{small.ids[byte_level_of_bytes(" t")], small.ids[byte_level_of_bytes(middle.substr(0, 2))],
                 small.ids[byte_level_of_bytes(middle.substr(2))]}));
}

TEST(Bpe, RefusesMergesThatContradictTheVocabulary) {
  SmallBpe small;
  small.add("a");
  small.add("b");
  small.add("ac");
  small.bpe().merges = {{0, 1, 2}};
  Result<ModelPtr> wrong = make_bpe(small.definition, {});
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().code, ErrorCode::INVALID_VOCABULARY);
  EXPECT_NE(wrong.error().message.find("model.merges[0]"), std::string::npos);

  small.bpe().merges = {{0, 7, 2}};
  wrong = make_bpe(small.definition, {});
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().code, ErrorCode::INVALID_VOCABULARY);

  small.bpe().merges.clear();
  small.bpe().unk = 9;
  wrong = make_bpe(small.definition, {});
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().code, ErrorCode::INVALID_VOCABULARY);
}

TEST(Bpe, AVocabularyWithoutAllBytesIsNoByteVocabulary) {
  SmallBpe small;
  small.add("a");
  small.bpe().ranks = {0};
  small.bpe().byte_level = true;
  const Result<ModelPtr> made = make_bpe(small.definition, {.format = Format::tiktoken});
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().code, ErrorCode::INVALID_VOCABULARY);
}

TEST(Bpe, AnEmptyVocabularyEncodesNothing) {
  EXPECT_EQ(encode(SmallBpe{}, "abc"), Ids{});
  EXPECT_EQ(encode(SmallBpe{}, ""), Ids{});
}

TEST(Bpe, ACompiledFormEncodesAlike) {
  Random random(4);
  const SmallBpe small = random_merges(random, kLetters, 40, true);
  const ModelPtr model = must_make(small);
  FlatWriter writer;
  model->write(writer);
  const std::vector<uint8_t> bytes = writer.finish();
  std::vector<uint64_t> aligned(bytes.size() / 8 + 16);
  uint8_t* at = reinterpret_cast<uint8_t*>((reinterpret_cast<uintptr_t>(aligned.data()) + 63) / 64 * 64);
  std::copy(bytes.begin(), bytes.end(), at);
  const Result<FlatReader> form = FlatReader::open({at, bytes.size()});
  ASSERT_TRUE(form.ok()) << form.error().message;
  const Result<ModelPtr> read = read_bpe(form.value());
  ASSERT_TRUE(read.ok()) << read.error().message;
  for (int i = 0; i < 200; ++i) {
    const std::string text = random_text(random, kLetters, 1 + random() % 90);
    ASSERT_EQ(encode_with(*read.value(), *read.value()->make_scratch(), text),
              encode_with(*model, *model->make_scratch(), text));
  }
}

}  // namespace
}  // namespace onpath::text
