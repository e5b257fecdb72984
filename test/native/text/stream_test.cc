// Whatever the cuts, a stream gives the tokens of the whole text.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "support/text_definitions.h"
#include "text/tokenizer.h"

namespace onpath::text {
namespace {

struct Tokens {
  StreamStatus status = StreamStatus::ok;
  std::vector<TokenId> ids;
  std::vector<uint32_t> details;  // begin, end, word of each
  friend bool operator==(const Tokens&, const Tokens&) = default;
};

std::ostream& operator<<(std::ostream& out, const Tokens& tokens) {
  for (const TokenId id : tokens.ids) out << id << ' ';
  out << '|';
  for (const uint32_t value : tokens.details) out << ' ' << value;
  return out;
}

Tokens taken(StreamStatus status, const TokenBuffer& out) {
  Tokens tokens;
  tokens.status = status;
  tokens.ids.assign(out.ids(), out.ids() + out.size());
  for (size_t i = 0; out.detailed() && i < out.size(); ++i) {
    tokens.details.insert(tokens.details.end(), {out.spans()[i].begin, out.spans()[i].end, out.words()[i]});
  }
  return tokens;
}

class Case {
 public:
  Case(const TokenizerDefinition& definition, bool detailed, uint64_t cap = 1u << 16) : detailed_(detailed) {
    Result<TokenizerPtr> built = build(definition);
    EXPECT_TRUE(built.ok()) << built.error().message;
    tokenizer = std::move(built).value();
    StreamOptions options;
    options.detailed = detailed;
    options.cap_bytes = cap;
    stream_ = tokenizer->make_stream(options).value();
    options.whole = true;
    whole_ = tokenizer->make_stream(options).value();
    workspace_ = tokenizer->make_workspace(1u << 16);
  }

  Tokens whole(std::string_view text) {
    TokenBuffer out(detailed_);
    const StreamStatus status = tokenizer->encode(bytes_of(text), *whole_, *workspace_, out);
    return taken(status, out);
  }

  /// Cut before each of `cuts`, in ascending order. Each chunk lies in memory of its own.
  Tokens cut(std::string_view text, const std::vector<size_t>& cuts) {
    TokenBuffer out(detailed_);
    stream_->begin();
    StreamStatus status = StreamStatus::ok;
    size_t from = 0;
    for (size_t i = 0; i <= cuts.size() && status == StreamStatus::ok; ++i) {
      const size_t to = i < cuts.size() ? cuts[i] : text.size();
      const std::vector<uint8_t> chunk(text.begin() + static_cast<ptrdiff_t>(from),
                                       text.begin() + static_cast<ptrdiff_t>(to));
      status = stream_->push(chunk, *workspace_, out);
      from = to;
    }
    if (status == StreamStatus::ok) status = stream_->end(*workspace_, out);
    return taken(status, out);
  }

  TokenizerPtr tokenizer;

 private:
  static std::span<const uint8_t> bytes_of(std::string_view text) {
    return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
  }
  bool detailed_;
  std::unique_ptr<TextStream> stream_;
  std::unique_ptr<TextStream> whole_;
  std::unique_ptr<Workspace> workspace_;
};

const std::vector<std::string>& parts() {
  static const std::vector<std::string> kParts = {"the",
                                                  " the",
                                                  "in",
                                                  " in the ",
                                                  "ing",
                                                  "ing ",
                                                  "th",
                                                  "e",
                                                  "  ",
                                                  " ",
                                                  "\n",
                                                  "\t",
                                                  "a",
                                                  "s",
                                                  "12",
                                                  "1",
                                                  "<s>",
                                                  "<s",
                                                  "<s>>",
                                                  "<",
                                                  "<mask>",
                                                  " <mask>",
                                                  "  <mask>",
                                                  "<end>",
                                                  "<end>  ",
                                                  "<sep>",
                                                  "[CLS]",
                                                  "[SE",
                                                  "\xC3\xA9",
                                                  "e\xCC\x81",
                                                  "\xE4\xB8\xAD",
                                                  "\xF0\x9F\x98\x80",
                                                  "\xE2\x96\x81",
                                                  "\xC2\xA0",
                                                  "\xE3\x80\x80",
                                                  "\xC3",
                                                  "\xE2\x96",
                                                  "\xF0\x9F",
                                                  "\xFF",
                                                  "\x80",
                                                  "\xED\xA0\x80",
                                                  "'ll",
                                                  "'",
                                                  ".",
                                                  ",",
                                                  "x",
                                                  "ll",
                                                  "\xEF\xBF\xBD"};
  return kParts;
}

std::string random_text(std::mt19937& random, size_t most_parts) {
  std::string text;
  for (size_t count = random() % (most_parts + 1); count > 0; --count)
    text += parts()[random() % parts().size()];
  return text;
}

TEST(Stream, EveryTwoCutsOfShortTextsGiveTheWhole) {
  for (const NamedDefinition& named : all_definitions()) {
    for (const bool detailed : {false, true}) {
      SCOPED_TRACE(std::string(named.name) + (detailed ? ", detailed" : ""));
      Case item(named.definition, detailed);
      std::mt19937 random(1);
      for (int round = 0; round < 60; ++round) {
        const std::string text = random_text(random, 9);
        const Tokens whole = item.whole(text);
        for (size_t a = 0; a <= text.size(); ++a) {
          for (size_t b = a; b <= text.size(); ++b) {
            const Tokens cut = item.cut(text, {a, b});
            ASSERT_EQ(cut, whole) << "cut at " << a << " and " << b << " of '" << text << "'";
          }
        }
      }
    }
  }
}

TEST(Stream, SingleBytesAndRandomCutsGiveTheWhole) {
  for (const NamedDefinition& named : all_definitions()) {
    for (const bool detailed : {false, true}) {
      SCOPED_TRACE(std::string(named.name) + (detailed ? ", detailed" : ""));
      Case item(named.definition, detailed);
      std::mt19937 random(2);
      for (int round = 0; round < 150; ++round) {
        const std::string text = random_text(random, 60);
        const Tokens whole = item.whole(text);
        std::vector<size_t> all;
        for (size_t i = 1; i < text.size(); ++i) all.push_back(i);
        ASSERT_EQ(item.cut(text, all), whole) << "single bytes of '" << text << "'";
        std::vector<size_t> some;
        for (const size_t at : all) {
          if (random() % 5 == 0) some.push_back(at);
        }
        ASSERT_EQ(item.cut(text, some), whole) << "random cuts of '" << text << "'";
      }
    }
  }
}

TEST(Stream, LongRunsGiveTheWhole) {
  for (const NamedDefinition& named : all_definitions()) {
    SCOPED_TRACE(named.name);
    Case item(named.definition, true, 1u << 20);
    std::mt19937 random(3);
    for (const std::string& part : {std::string("a"), std::string(" "), std::string("\xFF"), std::string("1"),
                                    std::string("\xE2\x96\x81"), std::string("the ")}) {
      std::string text = "in ";
      for (int i = 0; i < 6000; ++i) text += part;
      text += " <mask> e";
      const Tokens whole = item.whole(text);
      std::vector<size_t> cuts;
      for (size_t at = 0; at < text.size(); at += 1 + random() % 900) cuts.push_back(at);
      const Tokens cut = item.cut(text, cuts);
      ASSERT_EQ(cut, whole) << "a run of '" << part << "'";
    }
  }
}

TEST(Stream, SpansTileWhatTheyComeFrom) {
  // Byte level: the tokens of a text without added tokens are its bytes, one after the other.
  Case item(byte_level_definition(), true);
  const Tokens tokens = item.whole("the \xC3\xA9 in");
  ASSERT_EQ(tokens.status, StreamStatus::ok);
  uint32_t end = 0;
  for (size_t i = 0; i < tokens.details.size(); i += 3) {
    EXPECT_EQ(tokens.details[i], end);
    end = tokens.details[i + 1];
  }
  EXPECT_EQ(end, 9u);
}

TEST(Stream, InvalidBytesHaveTheSpanOfWhatTheyReplace) {
  Case item(byte_level_definition(), true);
  const Tokens tokens = item.cut(
      "a\xF0\x9F"
      "b",
      {2});
  // U+FFFD is three bytes, three tokens; each has the span of the two invalid bytes.
  ASSERT_EQ(tokens.ids.size(), 5u);
  for (size_t i = 1; i < 4; ++i) {
    EXPECT_EQ(tokens.details[3 * i], 1u);
    EXPECT_EQ(tokens.details[3 * i + 1], 3u);
  }
  EXPECT_EQ(tokens.details[12], 3u);
}

TEST(Stream, MoreThanTheCapIsRefusedAndTheStreamWorksAgain) {
  Case item(byte_level_definition(), false, 256);
  const std::string run(4000, 'a');
  std::vector<size_t> cuts;
  for (size_t at = 100; at < run.size(); at += 100) cuts.push_back(at);
  EXPECT_EQ(item.cut(run, cuts).status, StreamStatus::over_cap);
  const std::string text = "the in the";
  EXPECT_EQ(item.cut(text, {2, 5}), item.whole(text));
  EXPECT_EQ(item.whole(run).status, StreamStatus::ok) << "a whole text has no cap";
}

}  // namespace
}  // namespace onpath::text
