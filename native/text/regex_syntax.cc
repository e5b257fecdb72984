#include "text/regex_syntax.h"

#include <cstdio>
#include <vector>

#include "text/regex_class.h"
#include "text/utf8.h"

namespace onpath::text {
namespace {

class RegexReader : private RegexClassReader {
 public:
  RegexReader(std::string_view pattern, RegexEngine engine) : RegexClassReader(pattern, engine) {}

  Result<ExpandedRegex> read() {
    if (pattern_.size() > kMaxRegexBytes) {
      return Error{ErrorCode::LIMIT_EXCEEDED, "The regular expression has " +
                                                  std::to_string(pattern_.size()) + " bytes; at most " +
                                                  std::to_string(kMaxRegexBytes) + " are read."};
    }
    if (!is_utf8(pattern_)) {
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
    if (open_.size() >= kMaxRegexDepth) return unsupported("a group this deep");
    const bool outer = ignore_case_;
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
    for (const std::string_view opening : {"(?:", "(?=", "(?!", "(?>", "(?<=", "(?<!"}) {
      if (!starts(opening)) continue;
      if (opening.starts_with("(?<")) out_.looks_behind = true;
      return enter(opening.size(), opening);
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
      const auto digits = [&] {
        std::string read;
        while (i < pattern_.size() && pattern_[i] >= '0' && pattern_[i] <= '9') read += pattern_[i++];
        return read;
      };
      const std::string least = digits();
      const bool comma = i < pattern_.size() && pattern_[i] == ',';
      if (comma) ++i;
      const std::string most = comma ? digits() : std::string();
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
    look("(?<=");
    look(at_boundary ? "(?!" : "(?=");
    out_.text += '|';
    look("(?<!");
    look(at_boundary ? "(?=" : "(?!");
    out_.text += ')';
  }

  uint32_t previous_ = 0;   // the letter just before, without regard to case
  std::vector<bool> open_;  // what ignore_case_ was outside each open group
  ExpandedRegex out_;
};

}  // namespace

Result<ExpandedRegex> expand_regex(std::string_view pattern, RegexEngine engine) {
  return RegexReader(pattern, engine).read();
}

}  // namespace onpath::text
