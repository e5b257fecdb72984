#include "text/normalize_class.h"

#include "text/normalize_unicode.h"
#include "text/utf8.h"

namespace onpath::text {
namespace {

constexpr std::string_view kSpecial = "\\^$.|?*+()[]{}";

struct Reader {
  std::string_view rest;
  bool take(char c) {
    if (rest.empty() || rest[0] != c) return false;
    rest.remove_prefix(1);
    return true;
  }
  /// A character that stands for itself.
  std::optional<uint32_t> plain(std::string_view excluded) {
    if (rest.empty() || excluded.find(rest[0]) != std::string_view::npos) return {};
    const CodePoint c = decode_utf8(reinterpret_cast<const uint8_t*>(rest.data()));
    if (c.size > rest.size()) return {};
    rest.remove_prefix(c.size);
    return c.code;
  }
  /// Behind a backslash: control characters and punctuation.
  std::optional<uint32_t> escaped() {
    if (take('n')) return '\n';
    if (take('r')) return '\r';
    if (take('t')) return '\t';
    if (rest.empty()) return {};
    const auto c = static_cast<uint8_t>(rest[0]);
    const bool punctuation =
        (c > 0x20 && c < '0') || (c > '9' && c < 'A') || (c > 'Z' && c < 'a') || (c > 'z' && c < 0x7F);
    if (!punctuation || c == '<' || c == '>' || c == '\'' || c == '`') return {};
    rest.remove_prefix(1);
    return c;
  }
};

bool parse_brackets(Reader& in, CharacterClass& out) {
  if (in.take('^')) out.negate();
  bool any = false;
  while (!in.take(']')) {
    if (in.take('\\')) {
      if (in.take('s'))
        out.add_white();
      else if (const auto c = in.escaped())
        out.add(*c, *c);
      else
        return false;
      // A range from here is left to the engine.
      if (!in.rest.empty() && in.rest[0] == '-') return false;
    } else {
      if (in.rest.starts_with("&&")) return false;
      const auto low = in.plain("\\[]-");
      if (!low) return false;
      uint32_t high = *low;
      if (in.take('-')) {
        const auto end = in.plain("\\[]-");
        if (!end || *end < *low) return false;
        high = *end;
      }
      out.add(*low, high);
    }
    any = true;
  }
  return any;
}

bool parse_quantifier(Reader& in, ClassPattern& out) {
  if (in.rest.empty()) return true;
  if (in.take('+')) {
    out.run = true;
    return in.rest.empty();
  }
  if (!in.take('{')) return false;
  uint32_t count = 0;
  if (in.rest.empty() || in.rest[0] < '1' || in.rest[0] > '9') return false;
  while (!in.rest.empty() && in.rest[0] >= '0' && in.rest[0] <= '9') {
    count = count * 10 + static_cast<uint32_t>(in.rest[0] - '0');
    if (count > 1000) return false;
    in.rest.remove_prefix(1);
  }
  out.run = true;
  out.at_least = count;
  return in.rest == ",}";
}

}  // namespace

bool CharacterClass::contains_slowly(uint32_t code) const {
  bool found = white_ && CodePointKind(code).white();
  for (const auto& [low, high] : ranges_) found = found || (code >= low && code <= high);
  return found != negated_;
}

bool CharacterClass::ascii_or_white() const {
  for (const auto& range : ranges_)
    if (range.second >= 0x80) return false;
  return !negated_;
}

void CharacterClass::finish() {
  for (uint32_t c = 0; c < 0x80; ++c) ascii_[c] = contains_slowly(c);
}

std::optional<ClassPattern> parse_class_pattern(std::string_view regex) {
  Reader in{regex};
  ClassPattern result;
  if (in.take('[')) {
    if (!parse_brackets(in, result.characters)) return {};
  } else if (in.take('\\')) {
    if (in.take('s'))
      result.characters.add_white();
    else if (const auto c = in.escaped())
      result.characters.add(*c, *c);
    else
      return {};
  } else if (const auto c = in.plain(kSpecial)) {
    result.characters.add(*c, *c);
  } else {
    return {};
  }
  if (!parse_quantifier(in, result)) return {};
  result.characters.finish();
  return result;
}

}  // namespace onpath::text
