// Claims about the loop over pieces: the word cache changes nothing but the time.
#include "text/piece_encoder.h"

#include "text/bpe_test_support.h"
#include "text/word_cache.h"

namespace onpath::text {
namespace {

/// A piece is a word with the space before it; a run of '#' is dropped.
class Words final : public PreTokenizer {
 public:
  SplitResult split(const uint8_t* text, size_t size, bool last, std::span<uint32_t> ends) const override {
    SplitResult result;
    size_t begin = 0;
    while (begin < size) {
      const bool dropped = text[begin] == '#';
      size_t end = begin + 1;
      while (end < size && text[end] != ' ' && (text[end] == '#') == dropped) ++end;
      if (end == size && !last) break;
      if (result.pieces == ends.size()) return result;
      ends[result.pieces++] = static_cast<uint32_t>(end) | (dropped ? kDropped : 0);
      begin = end;
    }
    result.exhausted = true;
    return result;
  }
  std::string_view name() const override { return "words"; }
};

struct Rig {
  explicit Rig(SmallBpe made, bool pieces = true)
      : small(std::move(made)),
        model(must_make(small)),
        vocabulary(Vocabulary::make(small.definition).value()),
        encoder(make_piece_encoder(*model, pieces ? &words : nullptr, vocabulary, {})) {}

  /// All of it in pushes of `step` bytes, or at once.
  Ids encode(const std::string& text, EncoderMemory& memory, size_t step = SIZE_MAX) {
    TokenBuffer out;
    uint32_t word = 0;
    size_t from = 0;
    for (size_t size = std::min(step, text.size());; size = std::min(size + step, text.size())) {
      const bool last = size == text.size();
      from += encoder
                  ->encode(reinterpret_cast<const uint8_t*>(text.data()) + from, size - from, last, word,
                           SIZE_MAX, memory, out)
                  .consumed;
      if (last) break;
    }
    EXPECT_EQ(from, text.size());
    return Ids(out.ids(), out.ids() + out.size());
  }
  /// Piece by piece, without the cache.
  Ids plainly(const std::string& text) {
    std::vector<uint32_t> ends(text.size());
    const SplitResult split =
        words.split(reinterpret_cast<const uint8_t*>(text.data()), text.size(), true, ends);
    const auto scratch = model->make_scratch();
    Ids ids;
    uint32_t begin = 0;
    for (size_t i = 0; i < split.pieces; ++i) {
      const uint32_t end = ends[i] & ~kDropped;
      if ((ends[i] & kDropped) == 0)
        for (const TokenId id : encode_with(*model, *scratch, text.substr(begin, end - begin)))
          ids.push_back(id);
      begin = end;
    }
    return ids;
  }

  Words words;
  SmallBpe small;
  ModelPtr model;
  Vocabulary vocabulary;
  PieceEncoderPtr encoder;
};

const std::vector<std::string> kAlphabet = {"a", "b", "c", " ", "d", "e"};

std::string random_words(Random& random, size_t words) {
  std::string text;
  for (size_t i = 0; i < words; ++i) {
    if (random() % 8 == 0) text += "##";
    text += " " + random_text(random, {"a", "b", "c", "d", "e"}, 1 + random() % (i % 5 == 0 ? 50 : 12));
  }
  return text;
}

TEST(PieceEncoder, TheCacheGivesTheModelsTokens) {
  Random random(7);
  Rig rig(random_merges(random, kAlphabet, 60, true));
  // One line: words push one another out all the time. Many: they stay.
  for (const uint64_t cache_bytes : {uint64_t{0}, uint64_t{4096}, uint64_t{1} << 20}) {
    const auto memory = rig.encoder->make_memory(cache_bytes);
    EXPECT_LE(memory->bytes(), cache_bytes + 65536);
    for (int round = 0; round < 30; ++round) {
      const std::string text = random_words(random, 200);
      const Ids expected = rig.plainly(text);
      ASSERT_EQ(rig.encode(text, *memory), expected);
      ASSERT_EQ(rig.encode(text, *memory), expected);
      ASSERT_EQ(rig.encode(text, *memory, 1 + random() % 40), expected);
      if (round % 10 == 9) memory->reset();
    }
  }
}

TEST(PieceEncoder, SpansCountFromTheTextAndWordsFromTheFirst) {
  Random random(8);
  Rig rig(random_merges(random, kAlphabet, 20, false));
  const auto memory = rig.encoder->make_memory(4096);
  const std::string text = "abc##de a";
  TokenBuffer out(true);
  uint32_t word = 5;
  const EncodedRun run = rig.encoder->encode(reinterpret_cast<const uint8_t*>(text.data()), text.size(), true,
                                             word, SIZE_MAX, *memory, out);
  EXPECT_EQ(run.consumed, text.size());
  EXPECT_EQ(word, 8u);
  std::string covered;
  for (size_t i = 0; i < out.size(); ++i) {
    const ByteSpan span = out.spans()[i];
    const std::string part = text.substr(span.begin, span.end - span.begin);
    EXPECT_EQ(part, rig.small.definition.tokens[out.ids()[i]].text);
    EXPECT_EQ(out.words()[i], span.begin < 3 ? 5u : span.begin < 7 ? 6u : 7u);
    covered += part;
  }
  EXPECT_EQ(covered, "abcde a");
}

TEST(PieceEncoder, StopsBehindThePieceThatFillsTheOrder) {
  Random random(9);
  Rig rig(random_merges(random, kAlphabet, 0, false));
  const auto memory = rig.encoder->make_memory(4096);
  const std::string text = "abc de abcde";
  for (const bool detailed : {false, true}) {
    TokenBuffer out(detailed);
    uint32_t word = 0;
    const EncodedRun run = rig.encoder->encode(reinterpret_cast<const uint8_t*>(text.data()), text.size(),
                                               true, word, 4, *memory, out);
    EXPECT_TRUE(run.stopped);
    EXPECT_EQ(run.consumed, 6u);
    EXPECT_EQ(out.size(), 6u);
    EXPECT_EQ(word, 2u);
  }
}

TEST(PieceEncoder, WithoutPreTokenizerTheTextIsOneWord) {
  Random random(10);
  Rig rig(random_merges(random, kAlphabet, 6, false), /*pieces=*/false);
  const auto memory = rig.encoder->make_memory(1 << 16);
  const std::string text = random_text(random, kAlphabet, 500);
  const auto scratch = rig.model->make_scratch();
  EXPECT_EQ(rig.encode(text, *memory), encode_with(*rig.model, *scratch, text));
  EXPECT_EQ(rig.encode(text, *memory, 7), encode_with(*rig.model, *scratch, text));
  TokenBuffer out(true);
  uint32_t word = 3;
  rig.encoder->encode(reinterpret_cast<const uint8_t*>(text.data()), text.size(), true, word, SIZE_MAX,
                      *memory, out);
  EXPECT_EQ(word, 4u);
  EXPECT_EQ(out.words()[0], 3u);
  EXPECT_EQ(out.words()[out.size() - 1], 3u);
}

TEST(PieceEncoder, HasRoomForUnigramsSpacesThatBecomeThreeBytes) {
  TokenizerDefinition definition;
  UnigramDefinition unigram;
  unigram.unk = 0;
  unigram.byte_fallback = true;
  definition.tokens = {{0, "<unk>"}, {1, "a"}, {2, "<0xE2>"}, {3, "<0x96>"}, {4, "<0x81>"}};
  unigram.scores.assign(definition.tokens.size(), -1);
  definition.model = unigram;
  definition.pre_tokenizers.push_back(MetaspaceDef{});
  const ModelContext context{Format::tokenizer_json, /*space_alias=*/true};
  const ModelPtr model = make_unigram(definition, context).value();
  EXPECT_EQ(model->tokens_per_byte(), 3u);
  const Vocabulary vocabulary = Vocabulary::make(definition).value();
  const Words words;
  const PieceEncoderPtr encoder = make_piece_encoder(*model, &words, vocabulary, context);
  const auto memory = encoder->make_memory(1 << 16);
  std::string text;
  Ids expected;
  for (int i = 0; i < 1000; ++i) {
    text += " a";
    expected.insert(expected.end(), {2, 3, 4, 1});
  }
  for (const bool detailed : {true, false}) {
    TokenBuffer out(detailed);
    uint32_t word = 0;
    encoder->encode(reinterpret_cast<const uint8_t*>(text.data()), text.size(), true, word, SIZE_MAX, *memory,
                    out);
    ASSERT_LE(out.size(), out.capacity());
    EXPECT_EQ(Ids(out.ids(), out.ids() + out.size()), expected);
  }
}

TEST(WordKey, TellsWordsOfEverySizeApart) {
  const std::string text("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
  std::vector<WordKey> keys;
  for (size_t size = 1; size <= kMaxWordBytes; ++size) {
    const uint8_t* bytes = reinterpret_cast<const uint8_t*>(text.data());
    keys.push_back(word_key_of_16(bytes, size));
    EXPECT_EQ(keys.back().high, word_key(bytes, size).high);
  }
  for (size_t i = 0; i < keys.size(); ++i)
    for (size_t k = 0; k < i; ++k) EXPECT_NE(keys[i].high, keys[k].high);
}

}  // namespace
}  // namespace onpath::text
