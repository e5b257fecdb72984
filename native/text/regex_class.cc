#include "text/regex_class.h"

#include "text/utf8.h"

namespace onpath::text {
bool is_ascii_letter(uint32_t code) { return (code | 0x20) >= 'a' && (code | 0x20) <= 'z'; }

std::string about_regex(std::string_view pattern) {
  constexpr size_t kMostShown = 200;
  return "Regular expression \"" + std::string(pattern.substr(0, kMostShown)) + "\": ";
}

/// Both engines let K and k match U+212A and S and s match U+017F besides each other, and other ASCII letters
/// each other alone.
CodePointSet without_case(uint32_t code) {
  if (!is_ascii_letter(code)) return CodePointSet::range(code, code);
  CodePointSet set = CodePointSet::range(code | 0x20u, code | 0x20u)
                         .united(CodePointSet::range(code & ~0x20u, code & ~0x20u));
  if ((code | 0x20) == 'k') set = set.united(CodePointSet::range(0x212A, 0x212A));
  if ((code | 0x20) == 's') set = set.united(CodePointSet::range(0x17F, 0x17F));
  return set;
}

bool RegexClassReader::starts(std::string_view what) const {
  return pattern_.substr(at_, what.size()) == what;
}

bool RegexClassReader::oniguruma() const { return engine_ == RegexEngine::oniguruma; }

void RegexClassReader::fail(ErrorCode code, const std::string& why) {
  if (error_) return;
  error_ = Error{code, about_regex(pattern_) + why + " (byte " + std::to_string(at_) + ")."};
  at_ = pattern_.size();
}

void RegexClassReader::invalid(const std::string& why) { fail(ErrorCode::INVALID_VOCABULARY, why); }

void RegexClassReader::unsupported(const std::string& what) {
  fail(ErrorCode::UNSUPPORTED, what + " cannot be carried out exactly as the reference does");
}

uint32_t RegexClassReader::next_code() {
  if (at_ >= pattern_.size()) {
    invalid("it ends in the middle");
    return 0;
  }
  const CodePoint point = decode_utf8(reinterpret_cast<const uint8_t*>(pattern_.data()) + at_);
  at_ += point.size;
  return point.code;
}

bool RegexClassReader::class_escape(CodePointSet& set) {
  const char c = pattern_[at_];
  const char lower = static_cast<char>(c | 0x20);
  if (lower == 'p') {
    ++at_;
    set = property(c == 'P');
    return true;
  }
  if (lower == 'h') {
    set = CodePointSet::range('0', '9')
              .united(CodePointSet::range('A', 'F'))
              .united(CodePointSet::range('a', 'f'));
  } else if (lower == 's' || lower == 'w' || lower == 'd') {
    set = *named_class(lower == 's' ? "space" : lower == 'w' ? "word" : "digit", engine_);
  } else {
    return false;
  }
  ++at_;
  if (c != lower) set = set.complement();
  return true;
}

CodePointSet RegexClassReader::property(bool negated) {
  std::string_view name;
  if (starts("{")) {
    const size_t end = pattern_.find('}', at_);
    if (end == std::string_view::npos) {
      invalid("a property's name is not closed");
      return {};
    }
    name = pattern_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
  } else if (!oniguruma() && at_ < pattern_.size()) {
    name = pattern_.substr(at_++, 1);
  }
  if (name.starts_with('^')) {
    negated = !negated;
    name.remove_prefix(1);
  }
  for (const std::string_view prefix : {"Script=", "sc="}) {
    if (!oniguruma() && name.starts_with(prefix)) name.remove_prefix(prefix.size());
  }
  const bool known = !name.empty() && name[0] >= 'A' && name[0] <= 'Z';
  const CodePointSet* set = known ? named_class(name, engine_) : nullptr;
  if (set == nullptr) {
    unsupported("property \"" + std::string(name) + "\"");
    return {};
  }
  return negated ? set->complement() : *set;
}

uint32_t RegexClassReader::hex(size_t most) {
  uint32_t value = 0;
  size_t digits = 0;
  while (digits < most && at_ < pattern_.size()) {
    const char c = pattern_[at_];
    const uint32_t digit = c >= '0' && c <= '9' ? static_cast<uint32_t>(c - '0')
                           : (c | 0x20) >= 'a' && (c | 0x20) <= 'f'
                               ? static_cast<uint32_t>((c | 0x20) - 'a' + 10)
                               : 16u;
    if (digit == 16) break;
    value = value << 4 | digit;
    ++digits;
    ++at_;
  }
  if (digits == 0) invalid("a hexadecimal escape has no digits");
  return value;
}

uint32_t RegexClassReader::character_escape() {
  const char c = pattern_[at_];
  constexpr std::string_view kNames = "ntrfvae", kCodes = "\n\t\r\f\v\a\x1B";
  if (const size_t i = kNames.find(c); i != std::string_view::npos) {
    ++at_;
    return static_cast<uint32_t>(kCodes[i]);
  }
  if (c == 'x' || c == 'u') {
    ++at_;
    uint32_t code = 0;
    if (starts("{")) {
      if (c == 'u' && oniguruma()) unsupported("\\u{");
      ++at_;
      code = hex(6);
      if (!starts("}")) invalid("a hexadecimal escape is not closed");
      ++at_;
    } else {
      const size_t before = at_;
      code = hex(c == 'x' ? 2 : 4);
      if (at_ - before != (c == 'x' ? 2u : 4u)) unsupported("a hexadecimal escape this short");
      if (c == 'x' && code >= 0x80 && oniguruma()) unsupported("a byte of a code point");
    }
    if (code >= CodePointSet::kLimit || (code >= 0xD800 && code < 0xE000))
      invalid("a code point does not exist");
    return code;
  }
  if ((c >= '0' && c <= '9') || is_ascii_letter(static_cast<uint8_t>(c))) {
    unsupported(std::string("\\") + c);
    return 0;
  }
  return next_code();
}

CodePointSet RegexClassReader::read_class(size_t depth) {
  if (depth > kMaxRegexDepth) {
    unsupported("a class this deep");
    return {};
  }
  const bool negated = starts("^");
  if (negated) ++at_;
  if (starts("]")) unsupported("a class that begins with ]");
  CodePointSet whole, part;
  bool intersects = false;
  while (!error_) {
    if (at_ >= pattern_.size()) {
      invalid("a class is not closed");
      break;
    }
    if (starts("]")) {
      ++at_;
      break;
    }
    if (starts("&&")) {
      at_ += 2;
      whole = intersects ? whole.intersected(part) : part;
      part = {};
      intersects = true;
      continue;
    }
    if (starts("[:") || starts("--") || starts("~~")) {
      unsupported("\"" + std::string(pattern_.substr(at_, 2)) + "\" in a class");
      break;
    }
    part = part.united(class_item(depth));
  }
  if (intersects) part = whole.intersected(part);
  if (ignore_case_ && !error_) part = class_without_case(part, negated);
  return negated ? part.complement() : part;
}

CodePointSet RegexClassReader::class_item(size_t depth) {
  CodePointSet set;
  if (starts("[")) {
    ++at_;
    return read_class(depth + 1);
  }
  const auto one = [this](uint32_t& code) {
    if (!starts("\\")) {
      code = next_code();
      return;
    }
    ++at_;
    if (at_ >= pattern_.size()) return invalid("it ends in a backslash");
    if (pattern_[at_] == 'b') return unsupported("\\b in a class");
    code = character_escape();
  };
  if (starts("\\") && at_ + 1 < pattern_.size()) {
    ++at_;
    if (class_escape(set)) {
      if (starts("-") && !starts("-]")) unsupported("a range that begins with a class");
      return set;
    }
    --at_;
  }
  uint32_t first = 0;
  one(first);
  if (error_ || !starts("-") || starts("-]")) return CodePointSet::range(first, first);
  if (starts("-[") || starts("--") || starts("-&&")) {
    unsupported("a range that ends in a class");
    return {};
  }
  ++at_;
  if (starts("\\") && at_ + 1 < pattern_.size()) {
    ++at_;
    if (class_escape(set)) unsupported("a range that ends in a class");
    --at_;
  }
  uint32_t last = 0;
  one(last);
  if (last < first) invalid("a range's ends are not in order");
  return error_ ? CodePointSet() : CodePointSet::range(first, last);
}

CodePointSet RegexClassReader::class_without_case(const CodePointSet& set, bool negated) {
  if (!set.within(0, 0x7F)) {
    unsupported("a class beyond ASCII without regard to case");
    return {};
  }
  CodePointSet result = set;
  for (uint32_t code = 'A'; code <= 'z'; ++code) {
    if (!is_ascii_letter(code) || !set.contains(code)) continue;
    if (negated) unsupported("a negated class without regard to case");
    result = result.united(without_case(code));
  }
  return result;
}

}  // namespace onpath::text
