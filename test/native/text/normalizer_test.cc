// Normalizers against the references' own results, and whole texts against the same texts in pieces.
#include "text/normalizer.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "text/utf8.h"

namespace onpath::text {
namespace {

struct Golden {
  const char *chain, *text, *image, *origins;
};
struct GoldenBlocks {
  const char* chain;
  uint64_t hashes[17];
};
struct GoldenSentencePiece {
  bool collapse;
  const char *text, *image;
};
#include "text/normalizer_golden.inc"

std::string unhex(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return bytes;
}

std::string hex(const std::vector<uint8_t>& bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string result;
  for (const uint8_t byte : bytes) {
    result += kDigits[byte >> 4];
    result += kDigits[byte & 15];
  }
  return result;
}

const uint8_t* bytes_of(const std::string& text) { return reinterpret_cast<const uint8_t*>(text.data()); }

NormalizerDef parse_part(const std::string& spec) {
  std::stringstream fields(spec);
  std::string name, first, second;
  std::getline(fields, name, ':');
  std::getline(fields, first, ':');
  std::getline(fields, second, ':');
  if (name == "nfc" || name == "nfd") return UnicodeFormDef{name == "nfc", false};
  if (name == "nfkc" || name == "nfkd") return UnicodeFormDef{name == "nfkc", true};
  if (name == "lower") return LowercaseDef{};
  if (name == "nmt") return NmtDef{};
  if (name == "accents") return StripAccentsDef{};
  if (name == "bytelevel") return ByteLevelNormalizerDef{};
  if (name == "strip") return StripDef{first[0] == '1', first[1] == '1'};
  if (name == "prepend") return PrependDef{unhex(first)};
  if (name == "lit" || name == "re") return ReplaceDef{{unhex(first), name == "re"}, unhex(second)};
  if (name == "bert") {
    BertNormalizerDef bert{first[0] == '1', first[1] == '1', {}, first[3] == '1'};
    if (first[2] != '-') bert.strip_accents = first[2] == '1';
    return bert;
  }
  PrecompiledDef precompiled;
  precompiled.charsmap = unhex(kCharsmapHex);
  return precompiled;
}

NormalizerPtr make(const std::string& chain, bool space_alias = false) {
  std::vector<NormalizerDef> definitions;
  std::stringstream parts(chain);
  for (std::string part; std::getline(parts, part, '|');) definitions.push_back(parse_part(part));
  Result<NormalizerPtr> made = make_normalizer(definitions, space_alias);
  EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error().message);
  return made.ok() ? std::move(made).value() : nullptr;
}

/// Making one takes a while: the table of all characters.
const Normalizer* kept(const std::string& chain) {
  static std::map<std::string, NormalizerPtr> known;
  NormalizerPtr& normalizer = known[chain];
  if (!normalizer) normalizer = make(chain);
  return normalizer.get();
}

NormalizedText whole(const Normalizer& normalizer, const std::string& text, bool detailed) {
  NormalizedText out;
  out.detailed = detailed;
  EXPECT_EQ(normalizer.normalize(bytes_of(text), text.size(), {true, true}, out), text.size());
  return out;
}

/// The text in pieces that end at `cuts`, partly by unchanged(), with what was not taken given again.
NormalizedText in_pieces(const Normalizer& normalizer, const std::string& text,
                         const std::vector<size_t>& cuts, bool detailed) {
  NormalizedText out;
  out.detailed = detailed;
  size_t taken = 0;
  for (size_t i = 0; i <= cuts.size(); ++i) {
    const size_t end = i < cuts.size() ? cuts[i] : text.size();
    const bool last = i == cuts.size();
    const Normalizer::Place place{taken == 0, last};
    const size_t same = normalizer.unchanged(bytes_of(text) + taken, end - taken, place);
    EXPECT_LE(same, end - taken);
    for (size_t at = taken; at < taken + same;) {
      const ByteSpan span{static_cast<uint32_t>(at),
                          static_cast<uint32_t>(at + utf8_size(bytes_of(text)[at]))};
      for (; at < span.end; ++at) {
        out.bytes.push_back(bytes_of(text)[at]);
        if (detailed) out.origin.push_back(span);
      }
    }
    taken += same;
    const size_t before = out.origin.size();
    const size_t more = normalizer.normalize(bytes_of(text) + taken, end - taken, {taken == 0, last}, out);
    EXPECT_LE(more, end - taken);
    for (size_t at = before; at < out.origin.size(); ++at) {
      out.origin[at].begin += static_cast<uint32_t>(taken);
      out.origin[at].end += static_cast<uint32_t>(taken);
    }
    taken += more;
  }
  EXPECT_EQ(taken, text.size());
  return out;
}

bool same_origins(const NormalizedText& a, const NormalizedText& b) {
  if (a.origin.size() != b.origin.size()) return false;
  for (size_t i = 0; i < a.origin.size(); ++i)
    if (a.origin[i].begin != b.origin[i].begin || a.origin[i].end != b.origin[i].end) return false;
  return true;
}

void expect_same_in_pieces(const Normalizer& normalizer, const std::string& text, const char* chain) {
  std::mt19937 random(static_cast<uint32_t>(text.size()));
  for (const bool detailed : {false, true}) {
    const NormalizedText expected = whole(normalizer, text, detailed);
    auto check = [&](const std::vector<size_t>& cuts) {
      const NormalizedText found = in_pieces(normalizer, text, cuts, detailed);
      EXPECT_TRUE(found.bytes == expected.bytes && same_origins(found, expected))
          << chain << " cut " << testing::PrintToString(cuts) << ": " << hex(found.bytes) << ", whole "
          << hex(expected.bytes);
    };
    if (text.size() <= 20)
      for (size_t a = 0; a <= text.size(); ++a)
        for (size_t b = a; b <= text.size(); ++b) check({a, b});
    std::vector<size_t> cuts;
    for (size_t i = 1; i < text.size(); ++i) cuts.push_back(i);
    check(cuts);
    for (int round = 0; round < 4; ++round) {
      cuts.clear();
      for (size_t at = 1 + random() % 9; at < text.size(); at += 1 + random() % 9) cuts.push_back(at);
      check(cuts);
    }
  }
}

/// Origins of each code point, in code points of the text.
std::string origins_of(const std::string& text, const NormalizedText& normalized) {
  std::vector<size_t> code_points(text.size() + 1);
  size_t count = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if ((bytes_of(text)[i] & 0xC0) != 0x80) ++count;
    code_points[i] = count - 1;
  }
  code_points[text.size()] = count;
  std::string result;
  for (size_t i = 0; i < normalized.bytes.size(); i += utf8_size(normalized.bytes[i]))
    result += std::to_string(code_points[normalized.origin[i].begin]) + "-" +
              std::to_string(code_points[normalized.origin[i].end]) + ",";
  return result;
}

TEST(Normalizer, EqualsTheReferenceWithItsOrigins) {
  for (const Golden& golden : kGolden) {
    const Normalizer* normalizer = kept(golden.chain);
    ASSERT_NE(normalizer, nullptr) << golden.chain;
    const std::string text = unhex(golden.text);
    const NormalizedText out = whole(*normalizer, text, true);
    EXPECT_EQ(hex(out.bytes), golden.image) << golden.chain << " of " << golden.text;
    EXPECT_EQ(origins_of(text, out), golden.origins) << golden.chain << " of " << golden.text;
    EXPECT_EQ(whole(*normalizer, text, false).bytes, out.bytes);
  }
}

TEST(Normalizer, IsTheSameForEveryCut) {
  for (const Golden& golden : kGolden) {
    const Normalizer* normalizer = kept(golden.chain);
    ASSERT_NE(normalizer, nullptr);
    expect_same_in_pieces(*normalizer, unhex(golden.text), golden.chain);
  }
}

TEST(Normalizer, EqualsTheReferenceOnEveryCodePoint) {
  for (const GoldenBlocks& golden : kGoldenBlocks) {
    const Normalizer* normalizer = kept(golden.chain);
    ASSERT_NE(normalizer, nullptr);
    for (uint32_t block = 0; block < 17; ++block) {
      uint64_t hash = 0xcbf29ce484222325u;
      auto add = [&hash](uint8_t byte) { hash = (hash ^ byte) * 0x100000001b3u; };
      for (uint32_t c = block << 16; c < (block + 1) << 16; c += block < 2 ? 1 : 61) {
        if (c >= 0xD800 && c < 0xE000) continue;
        uint8_t utf8[4];
        const std::string x(reinterpret_cast<const char*>(utf8), encode_utf8(c, utf8));
        const NormalizedText out = whole(*normalizer, x + "a" + x + "\xCC\x81" + "e" + x + " " + x, false);
        for (const uint8_t byte : out.bytes) add(byte);
        add('\n');
      }
      EXPECT_EQ(hash, golden.hashes[block]) << golden.chain << " in plane " << block;
    }
  }
}

PrecompiledDef sentencepiece(bool collapse) {
  PrecompiledDef definition;
  definition.charsmap = unhex(kCharsmapHex);
  definition.sentencepiece = true;
  definition.remove_extra_whitespaces = collapse;
  return definition;
}

std::string normalized(const NormalizerDef& definition, const std::string& text, bool alias = false) {
  Result<NormalizerPtr> made = make_normalizer(std::vector<NormalizerDef>{definition}, alias);
  EXPECT_TRUE(made.ok());
  const NormalizedText out = whole(*made.value(), text, true);
  EXPECT_EQ(out.origin.size(), out.bytes.size());
  expect_same_in_pieces(*made.value(), text, "sentencepiece");
  return std::string(out.bytes.begin(), out.bytes.end());
}

TEST(SentencePieceNormalizer, EqualsSpmNormalizeForEveryCut) {
  for (const GoldenSentencePiece& golden : kGoldenSentencePiece)
    EXPECT_EQ(normalized(sentencepiece(golden.collapse), unhex(golden.text)), unhex(golden.image))
        << golden.text;
}

TEST(SentencePieceNormalizer, PutsSpacesWhereItsFlagsSay) {
  PrecompiledDef definition = sentencepiece(true);
  definition.add_dummy_prefix = definition.escape_whitespaces = true;
  EXPECT_EQ(normalized(definition, "  ab  c "), "▁ab▁c");
  EXPECT_EQ(normalized(definition, "  ab  c ", true), " ab c");
  EXPECT_EQ(normalized(definition, "ab▁"), "▁ab");
  EXPECT_EQ(normalized(definition, "   "), "");
  definition.treat_whitespace_as_suffix = true;
  EXPECT_EQ(normalized(definition, "  ab  c "), "ab▁c▁");
  definition.user_defined = {"\xEF\xAC\x81", "b  c"};
  EXPECT_EQ(normalized(definition, "\xEF\xAC\x81 ab  c"), "\xEF\xAC\x81▁ab▁▁c▁");
}

TEST(Normalizer, KeepsSpacesForLowLinesWhereAsked) {
  const std::string llama = "prepend:e29681|lit:20:e29681";
  const NormalizerPtr alias = make(llama, true);
  const NormalizerPtr plain = make(llama);
  for (const std::string text : {"a b", "▁a ▁", " ", "Ж▂▁x", "\xE2\x96\x80▁"}) {
    NormalizedText expected = whole(*plain, text, true);
    NormalizedText found = whole(*alias, text, true);
    std::string spaces(expected.bytes.begin(), expected.bytes.end());
    for (size_t at; (at = spaces.find("▁")) != std::string::npos;) spaces.replace(at, 3, " ");
    EXPECT_EQ(std::string(found.bytes.begin(), found.bytes.end()), spaces);
    EXPECT_EQ(origins_of(text, found), origins_of(text, expected));
    expect_same_in_pieces(*alias, text, "alias");
  }
}

TEST(Normalizer, TakesLongRunsOfBlanksAsTheyCome) {
  const std::string blanks(100000, ' ');
  for (const char* chain : {"re:5c732b:20", "re:207b322c7d:e29681", "nfc|re:5c732b:20|lower"}) {
    const NormalizerPtr normalizer = make(chain);
    NormalizedText out;
    const std::string text = "a" + blanks;
    EXPECT_GE(normalizer->normalize(bytes_of(text), text.size(), {true, false}, out), text.size() - 4)
        << chain;
    EXPECT_EQ(out.bytes.size(), 1u) << chain;
  }
}

TEST(Normalizer, RefusesWhatItCannotCarryOut) {
  for (const NormalizerDef& definition :
       {NormalizerDef(ReplaceDef{{"", false}, "x"}), NormalizerDef(ReplaceDef{{"x*", true}, "y"})}) {
    const Result<NormalizerPtr> made = make_normalizer(std::vector<NormalizerDef>{definition}, false);
    ASSERT_FALSE(made.ok());
    EXPECT_EQ(made.error().code, ErrorCode::UNSUPPORTED);
  }
  for (const std::string& blob : {std::string(), std::string("\x04\0\0\0", 4), std::string(9, '\xFF')}) {
    PrecompiledDef precompiled;
    precompiled.charsmap = blob;
    const Result<NormalizerPtr> made = make_normalizer(std::vector<NormalizerDef>{precompiled}, false);
    ASSERT_FALSE(made.ok());
    EXPECT_EQ(made.error().code, ErrorCode::INVALID_VOCABULARY);
  }
}

}  // namespace
}  // namespace onpath::text
