// Claims about what stands before any merge: unknown characters, bytes, ends of words, user defined symbols;
// and about cutting a text without changing its tokens.
#include "text/bpe_test_support.h"
#include "text/pre_tokenizer.h"

namespace onpath::text {
namespace {

const std::string kMiddle = "\xE4\xB8\xAD";  // 3 bytes
const std::string kLowerBlock = "\xE2\x96\x81";

SmallBpe letters() {
  SmallBpe small;
  small.add("<unk>");
  for (const char* symbol : {"a", "b", "c"}) small.add(symbol);
  small.merge("a", "b");
  return small;
}

TEST(BpeSymbols, UnknownCharactersVanishFuseOrStayApart) {
  SmallBpe small = letters();
  const Ids ab_c = {small.ids["ab"], small.ids["c"]};
  EXPECT_EQ(encode(small, "abxyc"), ab_c);
  small.bpe().unk = 0;
  EXPECT_EQ(encode(small, "abxyc"), (Ids{small.ids["ab"], 0, 0, small.ids["c"]}));
  EXPECT_EQ(encode(small, "x"), Ids{0});
  small.bpe().fuse_unk = true;
  EXPECT_EQ(encode(small, "xyabxyc" + kMiddle + "z"), (Ids{0, small.ids["ab"], 0, small.ids["c"], 0}));
}

TEST(BpeSymbols, SpansFollowOneAnotherAsInTheReference) {
  SmallBpe small = letters();
  std::vector<ByteSpan> spans;
  // Nothing stands for x, so what follows moves up.
  encode(small, "abxc", {}, &spans);
  ASSERT_EQ(spans.size(), 2u);
  EXPECT_EQ(spans[1].begin, 2u);
  EXPECT_EQ(spans[1].end, 3u);
  small.bpe().unk = 0;
  small.bpe().fuse_unk = true;
  encode(small, "ab" + kMiddle + "xc", {}, &spans);
  ASSERT_EQ(spans.size(), 3u);
  EXPECT_EQ(spans[1].begin, 2u);
  EXPECT_EQ(spans[1].end, 6u);
  EXPECT_EQ(spans[2].end, 7u);
}

SmallBpe with_bytes(bool all) {
  SmallBpe small = letters();
  small.bpe().byte_fallback = true;
  small.bpe().unk = 0;
  for (int value = 0; value < 256; ++value) {
    char name[8];
    std::snprintf(name, sizeof name, "<0x%02X>", value);
    if (all || value >= 0x80) small.add(name);
  }
  return small;
}

TEST(BpeSymbols, CharactersFallBackToTheirBytes) {
  SmallBpe small = with_bytes(true);
  std::vector<ByteSpan> spans;
  EXPECT_EQ(encode(small, "ab" + kMiddle + "x", {}, &spans),
            (Ids{small.ids["ab"], small.ids["<0xE4>"], small.ids["<0xB8>"], small.ids["<0xAD>"],
                 small.ids["<0x78>"]}));
  EXPECT_EQ(spans[2].begin, 3u);
  EXPECT_EQ(spans[2].end, 4u);
  encode(small, kMiddle + "a", {.format = Format::sentencepiece}, &spans);
  EXPECT_EQ(spans[0].end, 0u);
  EXPECT_EQ(spans[2].begin, 0u);
  EXPECT_EQ(spans[2].end, 3u);
  EXPECT_EQ(spans[3].begin, 3u);
}

TEST(BpeSymbols, AnUnknownCharacterWaitsBehindThoseThatFallBack) {
  // Only some bytes have tokens: the reference lets x wait for the next known character.
  SmallBpe small = with_bytes(false);
  EXPECT_EQ(encode(small, "x" + kMiddle + "a"),
            (Ids{small.ids["<0xE4>"], small.ids["<0xB8>"], small.ids["<0xAD>"], 0, small.ids["a"]}));
}

TEST(BpeSymbols, BytesMergeWhereMergesSaySo) {
  SmallBpe small = with_bytes(true);
  small.merge("<0xE4>", "<0xB8>");
  EXPECT_EQ(encode(small, kMiddle), (Ids{small.ids["<0xE4><0xB8>"], small.ids["<0xAD>"]}));
}

TEST(BpeSymbols, ASpaceStandsForTheLowerBlock) {
  SmallBpe small = with_bytes(true);
  const ModelContext context{.space_alias = true};
  EXPECT_EQ(encode(small, " a", context),
            (Ids{small.ids["<0xE2>"], small.ids["<0x96>"], small.ids["<0x81>"], small.ids["a"]}));
  small.merge(kLowerBlock, "a");
  small.add("b c");
  EXPECT_EQ(encode(small, " ac c", context),
            (Ids{small.ids[kLowerBlock + "a"], small.ids["c"], small.ids[kLowerBlock], small.ids["c"]}));
}

TEST(BpeSymbols, TheLastSymbolOfAWordIsAnother) {
  SmallBpe small;
  small.bpe().end_of_word_suffix = "</w>";
  for (const char* symbol : {"a", "b", "a</w>", "b</w>", kMiddle.c_str()}) small.add(symbol);
  small.merge("a", "b</w>");
  small.merge("a", "b");
  small.merge("ab", "ab</w>");
  EXPECT_EQ(encode(small, "ab"), Ids{small.ids["ab</w>"]});
  EXPECT_EQ(encode(small, "abab"), Ids{small.ids["abab</w>"]});
  EXPECT_EQ(encode(small, "aba"), (Ids{small.ids["ab"], small.ids["a</w>"]}));
  // No token for this one at the end of a word.
  EXPECT_EQ(encode(small, "ab" + kMiddle), Ids{small.ids["ab"]});
  EXPECT_EQ(encode(small, kMiddle + "b"), (Ids{small.ids[kMiddle], small.ids["b</w>"]}));
}

TEST(BpeSymbols, LaterSymbolsMayHaveAPrefix) {
  SmallBpe small;
  small.bpe().continuing_prefix = "##";
  for (const char* symbol : {"a", "b", "##a", "##b"}) small.add(symbol);
  small.merge("a", "##b");
  small.merge("##a", "##b");
  EXPECT_EQ(encode(small, "abab"), (Ids{small.ids["ab"], small.ids["##ab"]}));
  EXPECT_EQ(encode(small, "ba"), (Ids{small.ids["b"], small.ids["##a"]}));
}

TEST(BpeSymbols, UserDefinedSymbolsAreFoundFirstAndNeverMerge) {
  SmallBpe small = letters();
  small.merge("ab", "c");
  const TokenId one = small.add("ca");
  const TokenId two = small.add("cab");
  for (size_t i = 0; i < small.definition.tokens.size(); ++i)
    small.bpe().ranks.push_back(i == 0 ? BpeDefinition::kNoRank : static_cast<uint32_t>(i));
  small.bpe().merges.clear();
  small.bpe().user_defined = {one, two};
  small.bpe().unk = 0;
  const ModelContext context{.format = Format::sentencepiece};
  EXPECT_EQ(encode(small, "abcab", context), (Ids{small.ids["ab"], two}));
  EXPECT_EQ(encode(small, "abcac", context), (Ids{small.ids["ab"], one, small.ids["c"]}));
  EXPECT_EQ(encode(small, "xcaxabc", context), (Ids{0, one, 0, small.ids["abc"]}));
}

/// Encodes what lies between cuts piece by piece, also with the text given bit by bit.
Ids encode_cut(const Model& model, ModelScratch& scratch, const std::string& text, size_t step,
               size_t& cuts) {
  Ids ids;
  size_t from = 0;
  for (size_t size = std::min(step, text.size());; size = std::min(size + step, text.size())) {
    const bool last = size == text.size();
    for (bool more = true; more;) {
      uint32_t ends[3];
      const SplitResult split =
          model.cuts()->split(reinterpret_cast<const uint8_t*>(text.data()) + from, size - from, last, ends);
      size_t begin = 0;
      for (size_t i = 0; i < split.pieces; ++i) {
        const Ids piece = encode_with(model, scratch, text.substr(from + begin, ends[i] - begin));
        ids.insert(ids.end(), piece.begin(), piece.end());
        begin = ends[i];
        ++cuts;
      }
      from += begin;
      more = !split.exhausted;
    }
    if (last) break;
  }
  EXPECT_EQ(from, text.size());
  return ids;
}

TEST(BpeCuts, PiecesBetweenCutsHaveTheTokensOfTheWhole) {
  Random random(5);
  const std::vector<std::string> alphabet = {"a", "b", " ", "c", kMiddle, "\xC3\xA9"};
  std::vector<std::string> letters = alphabet;
  for (const char* unknown : {"x", "y", "\xC3\xB8", "\xF0\x9F\x98\x80"}) letters.push_back(unknown);
  size_t cuts = 0, texts = 0;
  for (int vocabulary = 0; vocabulary < 200; ++vocabulary) {
    SmallBpe small = random_merges(random, alphabet, 3 + random() % 10, vocabulary % 2 == 0);
    if (vocabulary % 3 == 0) small.bpe().unk = small.add("<unk>");
    small.bpe().fuse_unk = vocabulary % 2 == 0;
    if (vocabulary % 4 == 1) {
      small.bpe().merges.clear();
      small.bpe().user_defined = {small.add("aa"), small.add(kMiddle + "b")};
      for (size_t i = 0; i < small.definition.tokens.size(); ++i)
        small.bpe().ranks.push_back(small.bpe().unk == i ? BpeDefinition::kNoRank
                                                         : static_cast<uint32_t>(random() % 100));
    }
    const ModelPtr model = must_make(small);
    ASSERT_NE(model->cuts(), nullptr);
    const auto scratch = model->make_scratch();
    for (int i = 0; i < 50; ++i) {
      const std::string text = random_text(random, letters, 1 + random() % 60);
      const size_t steps[] = {1, 2, 7, text.size()};
      ASSERT_EQ(encode_cut(*model, *scratch, text, steps[i % 4], cuts), encode_with(*model, *scratch, text));
      ++texts;
    }
  }
  EXPECT_GT(cuts, 3 * texts);
}

TEST(BpeCuts, ThereAreNoneWhereAPieceIsMoreThanItsSymbols) {
  SmallBpe small = letters();
  EXPECT_NE(must_make(small)->cuts(), nullptr);
  small.bpe().whole_piece = true;
  EXPECT_EQ(must_make(small)->cuts(), nullptr);
  small.bpe().whole_piece = false;
  small.bpe().end_of_word_suffix = "</w>";
  EXPECT_EQ(must_make(small)->cuts(), nullptr);
}

}  // namespace
}  // namespace onpath::text
