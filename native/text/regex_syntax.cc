#include "text/regex_syntax.h"

#include <cstdio>
#include <optional>
#include <vector>

#include "text/utf8.h"

namespace onpath::text {
namespace {

constexpr size_t kMaxDepth = 100;

bool is_letter(uint32_t code) { return (code | 0x20) >= 'a' && (code | 0x20) <= 'z'; }

/// Both engines let K and k match U+212A and S and s match U+017F besides each other, and other ASCII letters
/// each other alone.
CodePointSet without_case(uint32_t code) {
  if (!is_letter(code)) return CodePointSet::range(code, code);
  CodePointSet set = CodePointSet::range(code | 0x20u, code | 0x20u)
                         .united(CodePointSet::range(code & ~0x20u, code & ~0x20u));
  if ((code | 0x20) == 'k') set = set.united(CodePointSet::range(0x212A, 0x212A));
  if ((code | 0x20) == 's') set = set.united(CodePointSet::range(0x17F, 0x17F));
  return set;
}

class Reader {
 public:
  Reader(std::string_view pattern, RegexEngine engine) : pattern_(pattern), engine_(engine) {}

  Result<ExpandedRegex> read() {
    if (pattern_.size() > kMaxRegexBytes) {
      return Error{ErrorCode::LIMIT_EXCEEDED, "The regular expression has " +
                                                  std::to_string(pattern_.size()) + " bytes; at most " +
                                                  std::to_string(kMaxRegexBytes) + " are read."};
    }
    const auto* bytes = reinterpret_cast<const uint8_t*>(pattern_.data());
    if (check_utf8(bytes, pattern_.size()).valid != pattern_.size()) {
      return Error{ErrorCode::INVALID_VOCABULARY, "A regular expression is not valid UTF-8."};
    }
    if (starts("(?i)")) {
      at_ = 4;
      ignore_case_ = true;
    }
    while (at_ < pattern_.size() && !error_) item();
    if (!error_ && !open_.empty()) invalid("a group is not closed");
    if (error_) return *error_;
    return std::move(out_);
  }

 private:
  bool starts(std::string_view what) const { return pattern_.substr(at_, what.size()) == what; }
  bool oniguruma() const { return engine_ == RegexEngine::oniguruma; }

  void fail(ErrorCode code, const std::string& why) {
    if (error_) return;
    constexpr size_t kMostShown = 200;
    error_ = Error{code, "Regular expression \"" + std::string(pattern_.substr(0, kMostShown)) +
                             "\": " + why + " (byte " + std::to_string(at_) + ")."};
    at_ = pattern_.size();
  }
  void invalid(const std::string& why) { fail(ErrorCode::INVALID_VOCABULARY, why); }
  void unsupported(const std::string& what) {
    fail(ErrorCode::UNSUPPORTED, what + " cannot be carried out exactly as the reference does");
  }

  uint32_t next_code() {
    if (at_ >= pattern_.size()) {
      invalid("it ends in the middle");
      return 0;
    }
    const CodePoint point = decode_utf8(reinterpret_cast<const uint8_t*>(pattern_.data()) + at_);
    at_ += point.size;
    return point.code;
  }

  void item() {
    const char c = pattern_[at_];
    switch (c) {
      case '(':
        return open_group();
      case ')':
        if (open_.empty()) return invalid("a group is closed that is not open");
        ignore_case_ = open_.back();
        open_.pop_back();
        ++at_;
        out_.text += ')';
        return quantifier();
      case '|':
        ++at_;
        previous_ = 0;
        out_.text += '|';
        return;
      case '[':
        ++at_;
        emit(read_class(0));
        return quantifier();
      case '.':
        ++at_;
        emit(CodePointSet::range('\n', '\n').complement());
        return quantifier();
      case '^':
        ++at_;
        out_.looks_behind = true;
        out_.text += oniguruma() ? "(?:\\A|(?<=\\n)(?!\\z))" : "\\A";
        return;
      case '$':
        ++at_;
        out_.text += oniguruma() ? "(?=\\n|\\z)" : "\\z";
        return;
      case '\\':
        ++at_;
        escape();
        return;
      case '*':
      case '+':
      case '?':
        return invalid("a quantifier has nothing to repeat");
      default:
        literal(next_code());
        return quantifier();
    }
  }

  void open_group() {
    if (open_.size() >= kMaxDepth) return unsupported("a group this deep");
    const bool outer = ignore_case_;
    struct Opening {
      std::string_view text, written;
      bool behind;
    };
    static constexpr Opening kOpenings[] = {{"(?:", "(?:", false},  {"(?=", "(?=", false},
                                            {"(?!", "(?!", false},  {"(?>", "(?>", false},
                                            {"(?<=", "(?<=", true}, {"(?<!", "(?<!", true}};
    const auto enter = [&](size_t size, std::string_view written) {
      open_.push_back(outer);
      at_ += size;
      previous_ = 0;
      out_.text += written;
    };
    if (starts("(?i:") || starts("(?-i:")) {
      const bool on = pattern_[at_ + 2] == 'i';
      enter(on ? 4 : 5, "(?:");
      ignore_case_ = on;
      return;
    }
    for (const Opening& opening : kOpenings) {
      if (!starts(opening.text)) continue;
      if (opening.behind) out_.looks_behind = true;
      return enter(opening.text.size(), opening.written);
    }
    if (starts("(?") || starts("(*")) return unsupported("this kind of group");
    enter(1, "(?:");
  }

  /// What stands behind an item and says how often.
  void quantifier() {
    if (at_ >= pattern_.size() || error_) return;
    char c = pattern_[at_];
    if (c == '{') {
      size_t i = at_ + 1;
      std::string least, most;
      while (i < pattern_.size() && pattern_[i] >= '0' && pattern_[i] <= '9') least += pattern_[i++];
      bool comma = false;
      if (i < pattern_.size() && pattern_[i] == ',') {
        comma = true;
        ++i;
        while (i < pattern_.size() && pattern_[i] >= '0' && pattern_[i] <= '9') most += pattern_[i++];
      }
      // Braces that do not say a number stand for themselves in one engine and are an error in the other.
      if (i >= pattern_.size() || pattern_[i] != '}' || (least.empty() && most.empty())) {
        return unsupported("a brace without an escape");
      }
      if (least.empty() && !oniguruma()) return unsupported("a repetition without a lower bound");
      if (least.size() > 5 || most.size() > 5) return unsupported("a repetition this long");
      if (!most.empty() && !least.empty() && std::stoul(least) > std::stoul(most)) {
        return unsupported("a repetition whose bounds are not in order");
      }
      at_ = i + 1;
      out_.text += '{' + (least.empty() ? std::string("0") : least) + (comma ? "," + most : "") + '}';
      previous_ = 0;
      if (at_ < pattern_.size() && (pattern_[at_] == '+' || (pattern_[at_] == '?' && !comma))) {
        return unsupported("a mark behind a counted repetition");
      }
      if (at_ < pattern_.size() && pattern_[at_] == '?') {
        out_.text += '?';
        ++at_;
      }
    } else if (c == '*' || c == '+' || c == '?') {
      out_.text += c;
      ++at_;
      previous_ = 0;
      if (at_ < pattern_.size() && (pattern_[at_] == '?' || pattern_[at_] == '+')) {
        out_.text += pattern_[at_++];
      }
    } else {
      return;
    }
    if (at_ >= pattern_.size()) return;
    c = pattern_[at_];
    if (c == '*' || c == '+' || c == '?' || c == '{') unsupported("a repetition of a repetition");
  }

  void literal(uint32_t code) {
    if (!ignore_case_) {
      previous_ = 0;
      char text[16];
      std::snprintf(text, sizeof text, "\\x{%X}", code);
      out_.text += text;
      return;
    }
    if (code >= 0x80) return unsupported("a letter beyond ASCII without regard to case");
    // Oniguruma lets one code point match these pairs.
    const uint32_t a = previous_ | 0x20, b = code | 0x20;
    if (oniguruma() &&
        ((a == 's' && (b == 's' || b == 't')) || (a == 'f' && (b == 'f' || b == 'i' || b == 'l')))) {
      return unsupported("a pair of letters that is one letter without regard to case");
    }
    previous_ = code;
    emit(without_case(code));
  }

  void emit(const CodePointSet& set) {
    if (error_) return;
    if (set.empty()) {
      out_.text += "(?!)";
      return;
    }
    out_.text += '[';
    const std::vector<uint32_t>& edges = set.edges();
    for (size_t i = 0; i < edges.size(); i += 2) {
      // Surrogates are in no text, and PCRE2 refuses them.
      uint32_t first = edges[i], last = edges[i + 1] - 1;
      if (first >= 0xD800 && first < 0xE000) first = 0xE000;
      if (last >= 0xD800 && last < 0xE000) last = 0xD7FF;
      if (first > last) continue;
      char text[32];
      if (first == last) {
        std::snprintf(text, sizeof text, "\\x{%X}", first);
      } else {
        std::snprintf(text, sizeof text, "\\x{%X}-\\x{%X}", first, last);
      }
      out_.text += text;
    }
    if (out_.text.back() == '[') {
      out_.text.pop_back();
      out_.text += "(?!)";
    } else {
      out_.text += ']';
    }
  }

  /// Behind a backslash, outside a class.
  void escape() {
    if (at_ >= pattern_.size()) return invalid("it ends in a backslash");
    const char c = pattern_[at_];
    if (c == 'b' || c == 'B') {
      ++at_;
      boundary(c == 'b');
      return;
    }
    if (c == 'A' || c == 'z') {
      ++at_;
      if (c == 'A') out_.looks_behind = true;
      out_.text += c == 'A' ? "\\A" : "\\z";
      return;
    }
    CodePointSet set;
    if (class_escape(set)) {
      if (ignore_case_) return unsupported("a class without regard to case");
      emit(set);
    } else {
      const uint32_t code = character_escape();
      if (!error_) literal(code);
    }
    quantifier();
  }

  void boundary(bool at_boundary) {
    const CodePointSet& word = *named_class("word", engine_);
    out_.looks_behind = true;
    const auto look = [&](const char* open) {
      out_.text += open;
      emit(word);
      out_.text += ')';
    };
    out_.text += "(?:";
    look(at_boundary ? "(?<=" : "(?<=");
    look(at_boundary ? "(?!" : "(?=");
    out_.text += '|';
    look("(?<!");
    look(at_boundary ? "(?=" : "(?!");
    out_.text += ')';
  }

  /// \s, \p{..} and the like; false if it is none of them.
  bool class_escape(CodePointSet& set) {
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

  CodePointSet property(bool negated) {
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

  uint32_t hex(size_t most) {
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

  uint32_t character_escape() {
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
    if ((c >= '0' && c <= '9') || is_letter(static_cast<uint8_t>(c))) {
      unsupported(std::string("\\") + c);
      return 0;
    }
    return next_code();
  }

  /// Behind "[".
  CodePointSet read_class(size_t depth) {
    if (depth > kMaxDepth) {
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

  CodePointSet class_item(size_t depth) {
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

  CodePointSet class_without_case(const CodePointSet& set, bool negated) {
    if (!set.within(0, 0x7F)) {
      unsupported("a class beyond ASCII without regard to case");
      return {};
    }
    CodePointSet result = set;
    for (uint32_t code = 'A'; code <= 'z'; ++code) {
      if (!is_letter(code) || !set.contains(code)) continue;
      if (negated) unsupported("a negated class without regard to case");
      result = result.united(without_case(code));
    }
    return result;
  }

  std::string_view pattern_;
  RegexEngine engine_;
  size_t at_ = 0;
  bool ignore_case_ = false;
  uint32_t previous_ = 0;   // the letter just before, without regard to case
  std::vector<bool> open_;  // what ignore_case_ was outside each open group
  ExpandedRegex out_;
  std::optional<Error> error_;
};

}  // namespace

Result<ExpandedRegex> expand_regex(std::string_view pattern, RegexEngine engine) {
  return Reader(pattern, engine).read();
}

}  // namespace onpath::text
