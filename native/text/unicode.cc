#include "text/unicode.h"

#include <array>
#include <map>
#include <string>

namespace onpath::text {
namespace tables {
#include "text/unicode_components.inc"
#include "text/unicode_kinds.inc"
}  // namespace tables

namespace {

#include "text/unicode_categories.inc"

constexpr std::array<std::string_view, 30> kCategoryNames = {
    "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe",
    "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Cn"};

/// All code points of the categories whose names begin with `prefix`.
CodePointSet of_category(std::string_view prefix) {
  std::vector<uint32_t> edges;
  bool inside = false;
  for (const uint32_t run : kCategories) {
    const bool now = kCategoryNames[run & 0xFF].starts_with(prefix);
    if (now != inside) edges.push_back(run >> 8);
    inside = now;
  }
  if (inside) edges.push_back(CodePointSet::kLimit);
  return CodePointSet(edges);
}

using Classes = std::map<std::string, CodePointSet, std::less<>>;

/// Those that the engines share.
Classes make_classes() {
  Classes classes;
  for (const std::string_view name : kCategoryNames) {
    classes.emplace(name, of_category(name));
    const std::string_view group = name.substr(0, 1);
    if (!classes.contains(group)) classes.emplace(group, of_category(group));
  }
  const auto add = [&classes](const char* name, std::span<const uint32_t> edges) {
    classes.emplace(name, CodePointSet(edges));
  };
  add("Han", kHan);
  add("Hiragana", kHiragana);
  add("Katakana", kKatakana);
  add("Hangul", kHangul);
  add("Latin", kLatin);
  add("Greek", kGreek);
  add("Cyrillic", kCyrillic);
  add("Arabic", kArabic);
  add("Hebrew", kHebrew);
  add("Thai", kThai);
  add("Devanagari", kDevanagari);
  add("space", kSpace);
  classes.emplace("digit", of_category("Nd"));
  return classes;
}

}  // namespace

const CodePointSet* named_class(std::string_view name, RegexEngine engine) {
  static const Classes classes = make_classes();
  static const CodePointSet oniguruma_word(kWordOniguruma), rust_word(kWordRust);
  if (name == "word") return engine == RegexEngine::oniguruma ? &oniguruma_word : &rust_word;
  const auto found = classes.find(name);
  return found == classes.end() ? nullptr : &found->second;
}

}  // namespace onpath::text
