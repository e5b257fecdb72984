// Unigram against its definition, written out plainly for both references: each place, each token that fits.
#include <gtest/gtest.h>

#include <cfloat>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "text/model_cases.h"
#include "text/unigram.h"
#include "text/utf8.h"

namespace onpath::text {
namespace {

struct Scored {
  std::string text;
  double score;
};

UnigramDefinition settings_of(bool byte_fallback, bool single_precision) {
  UnigramDefinition settings;
  settings.byte_fallback = byte_fallback;
  settings.single_precision = single_precision;
  return settings;
}

TokenizerDefinition unigram_of(const std::vector<Scored>& tokens, UnigramDefinition settings = {}) {
  TokenizerDefinition definition;
  for (size_t i = 0; i < tokens.size(); ++i) {
    definition.tokens.push_back({static_cast<TokenId>(i), tokens[i].text});
    settings.scores.push_back(tokens[i].score);
  }
  if (!settings.unk.has_value()) settings.unk = 0;
  definition.model = settings;
  return definition;
}

ModelPtr make(const TokenizerDefinition& definition, bool space_alias = false) {
  Result<ModelPtr> made = make_unigram(definition, {definition.format, space_alias});
  EXPECT_TRUE(made.ok()) << made.error().message;
  return std::move(made).value();
}

std::string byte_name(uint8_t byte) {
  const char* digits = "0123456789ABCDEF";
  return std::string("<0x") + digits[byte >> 4] + digits[byte & 15] + ">";
}

struct Cut {
  size_t begin, end;
  bool unknown;
};

/// The best way through `text`; Sum is what sums are kept in, Candidate what they are added and compared in.
template <class Sum, class Score>
std::vector<Cut> best_way(const std::string& text, size_t longest, Sum unk_score, Score&& score_of) {
  struct Place {
    Sum sum = 0;
    size_t start = SIZE_MAX;
    bool unknown = false;
  };
  std::vector<Place> places(text.size() + 1);
  for (size_t start = 0; start < text.size();) {
    const size_t next = start + utf8_size(static_cast<uint8_t>(text[start]));
    bool single = false;
    for (size_t end = start + 1; end <= std::min(text.size(), start + longest); ++end) {
      const auto found = score_of(text.substr(start, end - start));
      if (!found) continue;
      const double sum = found->first + places[start].sum;
      if (places[end].start == SIZE_MAX || sum > places[end].sum) {
        places[end] = {static_cast<Sum>(sum), start, found->second};
      }
      single = single || end == next;
    }
    if (!single) {
      const Sum sum = unk_score + places[start].sum;
      if (places[next].start == SIZE_MAX || sum > places[next].sum) places[next] = {sum, start, true};
    }
    start = next;
  }
  std::vector<Cut> cuts;
  for (size_t end = text.size(); end > 0; end = cuts.back().begin) {
    cuts.push_back({places[end].start, end, places[end].unknown});
  }
  return {cuts.rbegin(), cuts.rend()};
}

std::vector<Token> hugging_face(const TokenizerDefinition& definition, const std::string& text) {
  const auto& settings = std::get<UnigramDefinition>(definition.model);
  std::map<std::string, TokenId> ids;
  double lowest = DBL_MAX;
  size_t longest = 0;
  for (size_t i = 0; i < definition.tokens.size(); ++i) {
    ids[definition.tokens[i].text] = definition.tokens[i].id;
    lowest = std::min(lowest, settings.scores[i]);
    longest = std::max(longest, definition.tokens[i].text.size());
  }
  const auto score_of = [&](const std::string& part) -> std::optional<std::pair<double, bool>> {
    const auto found = ids.find(part);
    if (found == ids.end()) return std::nullopt;
    return std::pair(settings.scores[found->second], found->second == *settings.unk);
  };
  std::vector<Token> tokens;
  std::vector<Cut> joined;
  for (const Cut& cut : best_way<double>(text, longest, lowest - 10.0, score_of)) {
    if (cut.unknown && !joined.empty() && joined.back().unknown) {
      joined.back().end = cut.end;
    } else {
      joined.push_back(cut);
    }
  }
  for (const Cut& cut : joined) {
    const auto begin = static_cast<uint32_t>(cut.begin), end = static_cast<uint32_t>(cut.end);
    const std::string part = text.substr(cut.begin, cut.end - cut.begin);
    if (ids.count(part) != 0) {
      tokens.push_back({ids[part], begin, end});
      continue;
    }
    std::vector<Token> bytes;
    for (const char c : part) {
      const auto found = ids.find(byte_name(static_cast<uint8_t>(c)));
      if (found != ids.end()) bytes.push_back({found->second, begin, end});
    }
    if (settings.byte_fallback && bytes.size() == part.size()) {
      tokens.insert(tokens.end(), bytes.begin(), bytes.end());
    } else {
      tokens.push_back({*settings.unk, begin, end});
    }
  }
  return tokens;
}

std::vector<Token> sentencepiece(const TokenizerDefinition& definition, const std::string& text) {
  const auto& settings = std::get<UnigramDefinition>(definition.model);
  const auto has = [](const std::vector<TokenId>& ids, TokenId id) {
    return std::find(ids.begin(), ids.end(), id) != ids.end();
  };
  std::map<std::string, TokenId> ids, bytes;
  float lowest = FLT_MAX, highest = FLT_MIN;
  size_t longest = 0;
  for (size_t i = 0; i < definition.tokens.size(); ++i) {
    const TokenEntry& entry = definition.tokens[i];
    if (entry.text.starts_with("<0x")) bytes[entry.text] = entry.id;
    if (has(settings.unused, entry.id) || entry.id == *settings.unk) continue;
    ids[entry.text] = entry.id;
    longest = std::max(longest, entry.text.size());
    if (has(settings.user_defined, entry.id)) continue;
    lowest = std::min(lowest, static_cast<float>(settings.scores[i]));
    highest = std::max(highest, static_cast<float>(settings.scores[i]));
  }
  const auto score_of = [&](const std::string& part) -> std::optional<std::pair<double, bool>> {
    const auto found = ids.find(part);
    if (found == ids.end()) return std::nullopt;
    if (!has(settings.user_defined, found->second)) {
      return std::pair(static_cast<double>(static_cast<float>(settings.scores[found->second])), false);
    }
    return std::pair(static_cast<float>(part.size()) * highest - 0.1, false);
  };
  std::vector<Token> tokens;
  bool after_unknown = false;
  for (const Cut& cut : best_way<float>(text, longest, lowest - 10.0f, score_of)) {
    const auto begin = static_cast<uint32_t>(cut.begin), end = static_cast<uint32_t>(cut.end);
    if (!cut.unknown) {
      tokens.push_back({ids[text.substr(begin, end - begin)], begin, end});
    } else if (settings.byte_fallback) {
      for (uint32_t i = begin; i < end; ++i) {
        tokens.push_back(
            {bytes[byte_name(static_cast<uint8_t>(text[i]))], begin, i + 1 == end ? end : begin});
      }
    } else if (after_unknown) {
      tokens.back().end = end;
    } else {
      tokens.push_back({*settings.unk, begin, end});
    }
    after_unknown = cut.unknown;
  }
  return tokens;
}

/// The tokens of all pieces between cuts, one after the other; the text comes in two parts.
std::vector<Token> encode_by_cuts(const Model& model, const std::string& text, size_t first_part) {
  const auto scratch = model.make_scratch();
  scratch->set_run(0);
  std::vector<Token> tokens;
  std::vector<uint32_t> ends(3);
  size_t done = 0;
  for (const size_t size : {first_part, text.size()}) {
    const bool last = size == text.size();
    for (bool exhausted = false; !exhausted;) {
      const SplitResult result = model.cuts()->split(bytes_of(text) + done, size - done, last, ends);
      exhausted = result.exhausted;
      size_t begin = 0;
      for (size_t i = 0; i < result.pieces; ++i) {
        for (Token token :
             encode(model, std::string_view(text).substr(done + begin, ends[i] - begin), *scratch)) {
          token.begin += static_cast<uint32_t>(done + begin);
          token.end += static_cast<uint32_t>(done + begin);
          tokens.push_back(token);
        }
        begin = ends[i];
      }
      done += begin;
    }
    if (last) break;
  }
  EXPECT_EQ(done, text.size());
  return tokens;
}

const std::vector<std::string> kAlphabet{"a", "b", "c", "é", "▁", "▁", "漢"};

/// Random tokens; scores of few values, so that many sums are equal or differ by rounding only.
std::vector<Scored> random_tokens(std::mt19937& random) {
  std::vector<Scored> tokens{{random() % 4 != 0 ? "<unk>" : "ab", 0}};
  const auto score = [&random] { return static_cast<double>(random() % 7) * -0.7 - 0.1; };
  const size_t count = random() % 40;
  for (size_t i = 0; i < count; ++i) tokens.push_back({random_text(random, 4, kAlphabet), score()});
  for (const std::string& letter : kAlphabet) {
    if (random() % 4 != 0) tokens.push_back({letter, score()});
  }
  if (random() % 2 != 0) {
    for (int byte = 0; byte < 256; ++byte) {
      if (random() % 400 != 0) tokens.push_back({byte_name(static_cast<uint8_t>(byte)), 0});
    }
  }
  return tokens;
}

std::string random_line(std::mt19937& random, size_t most) {
  std::vector<std::string> alphabet = kAlphabet;
  alphabet.push_back("<unk>");
  alphabet.push_back("x");
  return random_text(random, most, alphabet);
}

TEST(Unigram, equals_hugging_face_on_random_vocabularies) {
  std::mt19937 random(2);
  for (int round = 0; round < 300; ++round) {
    const auto definition = unigram_of(random_tokens(random), settings_of(random() % 2 != 0, false));
    const ModelPtr model = make(definition);
    for (int i = 0; i < 20; ++i) {
      const std::string text = random_line(random, round % 30 == 0 && i == 0 ? 20000 : 30);
      const auto expected = hugging_face(definition, text);
      const auto scratch = model->make_scratch();
      ASSERT_EQ(encode(*model, text, *scratch), expected) << "round " << round << ": " << text;
      ASSERT_EQ(encode_by_cuts(*model, text, random() % (text.size() + 1)), expected)
          << "round " << round << ": " << text << ", " << model->cuts()->name();
    }
  }
}

TEST(Unigram, equals_sentencepiece_on_random_vocabularies) {
  std::mt19937 random(3);
  for (int round = 0; round < 300; ++round) {
    // SentencePiece refuses models with a piece twice, and wants all bytes where it falls back to them.
    std::map<std::string, double> unique;
    for (const Scored& token : random_tokens(random)) {
      if (!token.text.starts_with("<")) unique[token.text] = token.score;
    }
    UnigramDefinition settings = settings_of(random() % 2 != 0, true);
    std::vector<Scored> tokens{{"<unk>", 0}, {"z", -3}};
    for (const auto& [text, score] : unique) {
      const auto id = static_cast<TokenId>(tokens.size());
      if (random() % 10 == 0) settings.user_defined.push_back(id);
      if (random() % 10 == 1) settings.unused.push_back(id);
      tokens.push_back({text, score});
    }
    if (settings.byte_fallback) {
      for (int byte = 0; byte < 256; ++byte) {
        settings.unused.push_back(static_cast<TokenId>(tokens.size()));
        tokens.push_back({byte_name(static_cast<uint8_t>(byte)), 0});
      }
    }
    TokenizerDefinition definition = unigram_of(tokens, settings);
    definition.format = Format::sentencepiece;
    const ModelPtr model = make(definition);
    for (int i = 0; i < 20; ++i) {
      const std::string text = random_line(random, round % 30 == 0 && i == 0 ? 20000 : 30);
      const auto expected = sentencepiece(definition, text);
      const auto scratch = model->make_scratch();
      ASSERT_EQ(encode(*model, text, *scratch), expected) << "round " << round << ": " << text;
      ASSERT_EQ(encode_by_cuts(*model, text, random() % (text.size() + 1)), expected)
          << "round " << round << ": " << text << ", " << model->cuts()->name();
    }
  }
}

TEST(Unigram, a_space_for_the_symbol_gives_the_same_ids) {
  std::mt19937 random(4);
  for (int round = 0; round < 200; ++round) {
    const auto definition = unigram_of(random_tokens(random), settings_of(random() % 2 != 0, false));
    const ModelPtr model = make(definition), alias = make(definition, true);
    for (int i = 0; i < 20; ++i) {
      const std::string text = random_line(random, 30);
      std::string spaces = text;
      for (size_t at; (at = spaces.find("▁")) != std::string::npos;) spaces.replace(at, 3, " ");
      std::vector<TokenId> expected, found;
      for (const Token& token : encode(*model, text)) expected.push_back(token.id);
      for (const Token& token : encode(*alias, spaces)) found.push_back(token.id);
      ASSERT_EQ(found, expected) << "round " << round << ": " << text;
      found.clear();
      for (const Token& token : encode_by_cuts(*alias, spaces, spaces.size() / 2)) found.push_back(token.id);
      ASSERT_EQ(found, expected) << "round " << round << ": " << text;
    }
  }
}

TEST(Unigram, sums_of_a_long_text_are_rounded_along_all_of_it) {
  // A float near 100,000 is a multiple of 1/128: a b costs 2 * -0.1001, ab -0.2003, and which is more
  // changes.
  const std::vector<Scored> tokens{{"<unk>", 0}, {"a", -0.1001}, {"b", -0.1001}, {"ab", -0.2003}, {"▁", -90}};
  TokenizerDefinition definition = unigram_of(tokens, settings_of(false, true));
  const ModelPtr model = make(definition);
  std::string text = "ab";
  for (int i = 0; i < 3000; ++i) text += "▁ab";
  const std::vector<Token> expected = sentencepiece(definition, text);
  EXPECT_EQ(expected[0].id, 1u) << "a b at the front";
  EXPECT_EQ(expected.back().id, 3u) << "ab at the end";
  EXPECT_EQ(encode_by_cuts(*model, text, 777), expected);
  EXPECT_FALSE(model->cacheable());
}

TEST(Unigram, with_a_pre_tokenizer_that_cuts_each_piece_is_a_text) {
  TokenizerDefinition definition = unigram_of({{"<unk>", 0}, {"a", -1}, {"▁", -1}});
  EXPECT_FALSE(make(definition)->cacheable());
  definition.pre_tokenizers = {MetaspaceDef{0x2581, PrependScheme::always, false}};
  EXPECT_FALSE(make(definition)->cacheable()) << "it does not cut";
  definition.pre_tokenizers = {MetaspaceDef{}};
  EXPECT_TRUE(make(definition)->cacheable());
  EXPECT_EQ(make(definition)->cuts(), nullptr);
}

TEST(Unigram, reads_back_what_it_wrote_and_refuses_what_would_leave_its_tables) {
  const auto definition = unigram_of({{"<unk>", 0}, {"a", -1}, {"ab", -1.5}, {"b", -1}, {"▁", -2}});
  CompiledModel form(*make(definition));
  const Result<FlatReader> reader = FlatReader::open(form.bytes());
  ASSERT_TRUE(reader.ok()) << reader.error().message;
  const Result<ModelPtr> model = read_unigram(reader.value());
  ASSERT_TRUE(model.ok()) << model.error().message;
  EXPECT_EQ(encode(*model.value(), "aabxb▁"), hugging_face(definition, "aabxb▁"));

  const auto check = [](auto&& change) {
    std::vector<UnigramNode> nodes(300, {0, 0xFFFFFFFF, -1});
    std::vector<TokenId> ids(300, 1);
    UnigramSettings settings;
    settings.longest_token = 4;
    change(nodes, ids, settings);
    return check_unigram({std::move(nodes), std::move(ids), std::vector<TokenId>(256), settings}).ok();
  };
  EXPECT_TRUE(check([](auto&, auto&, auto&) {}));
  EXPECT_FALSE(check([](auto& nodes, auto&, auto&) { nodes[7].base = 45; }));
  EXPECT_FALSE(check([](auto& nodes, auto&, auto&) { nodes[7].score = 1e300; }));
  EXPECT_FALSE(check([](auto&, auto& ids, auto&) { ids.pop_back(); }));
  EXPECT_FALSE(check([](auto&, auto&, auto& settings) { settings.longest_token = 0; }));
  EXPECT_FALSE(check([](auto&, auto&, auto& settings) { settings.longest_token = 1u << 30; }));
  EXPECT_FALSE(check([](auto&, auto&, auto& settings) { settings.unk_score = DBL_MAX; }));
  EXPECT_FALSE(
      check([](auto&, auto&, auto& settings) { settings.cut_rule = static_cast<UnigramCutRule>(9); }));
}

TEST(Unigram, vocabularies_that_cannot_be_encoded_exactly_are_refused) {
  const auto code = [](const TokenizerDefinition& definition) {
    return make_unigram(definition, {}).error().code;
  };
  TokenizerDefinition without_unknown = unigram_of({{"a", -1}});
  std::get<UnigramDefinition>(without_unknown.model).unk.reset();
  EXPECT_EQ(code(without_unknown), ErrorCode::UNSUPPORTED);
  EXPECT_EQ(code(unigram_of({{"<unk>", 0}, {"a", -1e300}})), ErrorCode::UNSUPPORTED);
  EXPECT_EQ(code(unigram_of({{"<unk>", 0}, {"a", NAN}})), ErrorCode::INVALID_VOCABULARY);
  EXPECT_EQ(code(unigram_of({{"<unk>", 0}, {"a", -1}}, settings_of(true, true))),
            ErrorCode::INVALID_VOCABULARY);
}

}  // namespace
}  // namespace onpath::text
