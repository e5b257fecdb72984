// Pre-tokenizers: as the reference cuts, whatever the kernels and the chunks.
#include "text/pre_tokenizer.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "kernel/kernels.h"
#include "support/golden.h"
#include "support/random.h"
#include "text/pre_tokenizer_patterns.h"
#include "text/utf8.h"

namespace onpath::text {
namespace {

using testing::Random;

constexpr Family kFamilies[] = {Family::gpt2,  Family::cl100k,    Family::o200k,  Family::llama3,
                                Family::qwen2, Family::deepseek3, Family::tekken, Family::clip};

/// Ends with kDropped. Takes the text as `cut` says: how many more bytes each push brings (0: all at once).
std::vector<uint32_t> ends_of(const PreTokenizer& pre_tokenizer, const std::string& text, size_t room = 4096,
                              Random* cuts = nullptr) {
  std::vector<uint32_t> ends(room), all;
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  size_t done = 0, have = 0;
  while (true) {
    have = cuts == nullptr ? text.size() : std::min<size_t>(text.size(), have + 1 + cuts->below(90));
    SplitResult split;
    do {
      split = pre_tokenizer.split(bytes + done, have - done, have == text.size(), ends);
      EXPECT_FALSE(split.failed);
      const size_t base = done;
      for (size_t i = 0; i < split.pieces; ++i) {
        const uint32_t end = ends[i] & ~kDropped;
        EXPECT_GT(base + end, done);
        done = base + end;
        all.push_back(static_cast<uint32_t>(done) | (ends[i] & kDropped));
      }
    } while (!split.exhausted && (split.pieces > 0));
    if (have == text.size()) break;
  }
  EXPECT_EQ(done, text.size()) << pre_tokenizer.name();
  return all;
}

/// Begin and end of kept pieces.
std::vector<double> kept(const std::vector<uint32_t>& ends) {
  std::vector<double> spans;
  uint32_t begin = 0;
  for (const uint32_t end : ends) {
    if ((end & kDropped) == 0) {
      spans.push_back(begin);
      spans.push_back(end);
    }
    begin = end & ~kDropped;
  }
  return spans;
}

SplitDef regex(std::string_view pattern, SplitBehavior behavior = SplitBehavior::isolated,
               bool invert = false) {
  return {Pattern{std::string(pattern), true}, behavior, invert};
}

std::vector<PreTokenizerDef> definition(const std::string& name) {
  static const std::map<std::string, std::vector<PreTokenizerDef>> kDefinitions = {
      {"gpt2", {ByteLevelDef{false, true}}},
      {"cl100k", {regex(patterns::kCl100k), ByteLevelDef{false, false}}},
      {"qwen2", {regex(patterns::kQwen2), ByteLevelDef{false, false}}},
      {"o200k", {regex(patterns::kO200k, SplitBehavior::removed, true), ByteLevelDef{false, false}}},
      {"tekken", {regex(patterns::kTekken)}},
      {"deepseek3",
       {regex(patterns::kDeepseek3[0]), regex(patterns::kDeepseek3[1]), regex(patterns::kDeepseek3[2]),
        ByteLevelDef{false, false}}},
      {"clip", {regex(patterns::kClip, SplitBehavior::removed, true), ByteLevelDef{false, true}}},
      {"bert", {BertPreTokenizerDef{}}},
      {"whitespace", {WhitespaceDef{}}},
      {"whitespace_split", {WhitespaceSplitDef{}}},
      {"digits", {DigitsDef{false}}},
      {"punctuation_next", {PunctuationDef{SplitBehavior::merged_with_next}}},
      {"punctuation_previous", {PunctuationDef{SplitBehavior::merged_with_previous}}},
      {"punctuation_contiguous", {PunctuationDef{SplitBehavior::contiguous}}},
      {"punctuation_then_digits", {PunctuationDef{}, DigitsDef{true}}},
      {"bloom", {regex("[^(\\s|[.,!?…。，、।۔،])]+")}},
  };
  const auto found = kDefinitions.find(name);
  EXPECT_NE(found, kDefinitions.end()) << name;
  return found == kDefinitions.end() ? std::vector<PreTokenizerDef>() : found->second;
}

PreTokenizerPtr make(const std::vector<PreTokenizerDef>& definitions) {
  Result<PreTokenizerPtr> made = make_pre_tokenizer(definitions, false);
  EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error().message);
  return made.ok() ? std::move(made).value() : nullptr;
}

/// Letters, blanks and marks of what the rules distinguish, mostly ASCII.
std::string some_text(Random& random) {
  static const std::vector<std::string> kItems = {"a",      "b",
                                                  "S",      "T",
                                                  "the",    "Word",
                                                  "é",      "ß",
                                                  "ſ",      "日",
                                                  "あ",     "・",
                                                  "\u0301", "ǅ",
                                                  " ",      "  ",
                                                  "\n",     "\r",
                                                  "\t",     "\u00a0",
                                                  "\u3000", "\v",
                                                  "   \n",  "'",
                                                  "'s",     "'LL",
                                                  "'rE",    "'v",
                                                  "1",      "123",
                                                  "٣",      "½",
                                                  ".",      "/",
                                                  "//",     "(",
                                                  "<|",     "_",
                                                  "$",      "\u200b",
                                                  "\x7f",   "😀",
                                                  "x'",     "!\n",
                                                  "/\n",    "<|endoftext|>",
                                                  "don't",  "0"};
  std::string text;
  const uint32_t favourites = random.between(2, 46), shift = random.below(46);
  for (uint32_t i = random.below(90); i > 0; --i) {
    const std::string& item = kItems[(shift + random.below(favourites)) % kItems.size()];
    for (uint32_t times = random.one_in(20) ? random.below(80) : 1; times > 0; --times) text += item;
  }
  return text;
}

TEST(PreTokenizers, cut_as_the_reference_does) {
  size_t cases = 0;
  Random random(testing::test_seed());
  std::map<std::string, PreTokenizerPtr> made;
  for (const testing::GoldenCase& golden : testing::golden_cases("pre_tokenizers.json")) {
    const std::string name = golden.text("name");
    const std::vector<uint8_t> bytes = golden.bytes("text");
    const std::string text(bytes.begin(), bytes.end());
    if (!made[name]) made[name] = make(definition(name));
    ASSERT_TRUE(made[name]);
    const std::vector<double> expected = golden.numbers("spans");
    EXPECT_EQ(kept(ends_of(*made[name], text)), expected) << golden.line();
    EXPECT_EQ(kept(ends_of(*made[name], text, 4096, &random)), expected) << "in chunks: " << golden.line();
    ++cases;
  }
  EXPECT_GE(cases, 900u);
}

TEST(PreTokenizers, masks_cut_as_the_automaton_with_all_kernels) {
  Random random(testing::test_seed());
  for (const Family family : kFamilies) {
    const PreTokenizerPtr automaton = make_family_automaton(family);
    for (const KernelSet* kernels : available_kernels()) {
      const PreTokenizerPtr masks = make_family_pre_tokenizer(family, kernels->name);
      ASSERT_TRUE(masks);
      for (int i = 0; i < 500; ++i) {
        const std::string text = some_text(random);
        ASSERT_EQ(ends_of(*masks, text), ends_of(*automaton, text)) << masks->name() << ": " << text;
      }
    }
  }
}

TEST(PreTokenizers, berts_masks_cut_as_its_components_do) {
  Random random(testing::test_seed());
  // An empty split by a character that no text has keeps BERT's components from being known as BERT.
  const PreTokenizerPtr components = make({BertPreTokenizerDef{}, CharDelimiterSplitDef{0x10FFFF}});
  for (const KernelSet* kernels : available_kernels()) {
    const PreTokenizerPtr masks = make_bert_pre_tokenizer(kernels->name);
    for (int i = 0; i < 500; ++i) {
      std::string text = some_text(random);
      for (size_t at = text.find("x'"); at != std::string::npos; at = text.find("x'"))
        text.replace(at, 2, "“–");
      ASSERT_EQ(kept(ends_of(*masks, text)), kept(ends_of(*components, text))) << kernels->name << text;
    }
  }
}

TEST(PreTokenizers, chunks_and_little_room_change_nothing) {
  Random random(testing::test_seed() + 1);
  for (const Family family : kFamilies) {
    for (const PreTokenizerPtr& pre_tokenizer :
         {make_family_automaton(family), make_family_pre_tokenizer(family)}) {
      for (int i = 0; i < 400; ++i) {
        const std::string text = some_text(random);
        const std::vector<uint32_t> whole = ends_of(*pre_tokenizer, text);
        ASSERT_EQ(ends_of(*pre_tokenizer, text, 64, &random), whole) << pre_tokenizer->name() << ": " << text;
      }
    }
  }
}

TEST(PreTokenizers, foreign_regexes_cut_as_the_automata_of_the_same_regex) {
  Random random(testing::test_seed() + 2);
  const std::pair<Family, std::string_view> known[] = {{Family::gpt2, patterns::kGpt2},
                                                       {Family::cl100k, patterns::kCl100k},
                                                       {Family::o200k, patterns::kO200k},
                                                       {Family::tekken, patterns::kTekken}};
  for (const auto& [family, pattern] : known) {
    // A group around it hides it from those who know it.
    const PreTokenizerPtr foreign = make({regex("(?:" + std::string(pattern) + ")")});
    ASSERT_TRUE(foreign);
    ASSERT_EQ(foreign->name(), "sequence(regex)");
    const PreTokenizerPtr automaton = make_family_automaton(family);
    for (int i = 0; i < 150; ++i) {
      const std::string text = some_text(random);
      ASSERT_EQ(ends_of(*foreign, text), ends_of(*automaton, text)) << text;
      ASSERT_EQ(ends_of(*foreign, text, 64, &random), ends_of(*automaton, text)) << text;
    }
  }
}

TEST(PreTokenizers, are_recognized_by_their_definitions) {
  EXPECT_EQ(make(definition("gpt2"))->name(), "gpt2 masks");
  EXPECT_EQ(make(definition("o200k"))->name(), "o200k masks");
  EXPECT_EQ(make(definition("deepseek3"))->name(), "deepseek3 masks");
  EXPECT_EQ(make(definition("clip"))->name(), "clip masks");
  EXPECT_EQ(make(definition("bert"))->name(), "bert");
  EXPECT_EQ(make_pre_tokenizer({}, false).value(), nullptr);
  const PreTokenizerDef words[] = {WhitespaceSplitDef{}, MetaspaceDef{}};
  EXPECT_EQ(make_pre_tokenizer(words, true).value()->name(), "spaces");
}

TEST(PreTokenizers, refuse_what_they_cannot_do_exactly) {
  const auto code = [](std::vector<PreTokenizerDef> definitions) {
    const Result<PreTokenizerPtr> made = make_pre_tokenizer(definitions, false);
    EXPECT_FALSE(made.ok());
    return made.ok() ? ErrorCode::BUSY : made.error().code;
  };
  EXPECT_EQ(code({regex("(?<=a)b")}), ErrorCode::UNSUPPORTED);
  EXPECT_EQ(code({regex("\\bword")}), ErrorCode::UNSUPPORTED);
  EXPECT_EQ(code({regex("x*")}), ErrorCode::UNSUPPORTED);
  EXPECT_EQ(code({regex("(a)\\1")}), ErrorCode::UNSUPPORTED);
  EXPECT_EQ(code({regex("(?i:ss)")}), ErrorCode::UNSUPPORTED);
  EXPECT_EQ(code({regex("[a-z")}), ErrorCode::INVALID_VOCABULARY);
  EXPECT_EQ(code({regex("(a")}), ErrorCode::INVALID_VOCABULARY);
  EXPECT_EQ(code({SplitDef{Pattern{"", false}}}), ErrorCode::UNSUPPORTED);
  EXPECT_EQ(code({ByteLevelDef{false, true}, DigitsDef{}}), ErrorCode::UNSUPPORTED);
  EXPECT_EQ(code({DigitsDef{}, ByteLevelDef{true, true}}), ErrorCode::UNSUPPORTED);
}

TEST(PreTokenizers, tell_a_regex_that_runs_into_its_limit) {
  const PreTokenizerPtr made = make({regex("(?:a|aa)+[bc]")});
  const std::string text(200, 'a');
  std::vector<uint32_t> ends(64);
  const SplitResult split =
      made->split(reinterpret_cast<const uint8_t*>(text.data()), text.size(), true, ends);
  EXPECT_TRUE(split.failed);
  EXPECT_EQ(split.pieces, 0u);
}

}  // namespace
}  // namespace onpath::text
