// The parts of a regular expression that stand for characters: escapes and classes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "text/unicode.h"

namespace onpath::text {

/// Groups, or classes, within each other.
inline constexpr size_t kMaxRegexDepth = 100;

bool is_ascii_letter(uint32_t code);

/// The beginning of a message about a pattern, of which a long one is shown in part.
std::string about_regex(std::string_view pattern);

/// What an ASCII character matches without regard to case.
CodePointSet without_case(uint32_t code);

/// Reads a pattern from the front. The first error stays, and ends the reading.
class RegexClassReader {
 protected:
  RegexClassReader(std::string_view pattern, RegexEngine engine) : pattern_(pattern), engine_(engine) {}

  bool starts(std::string_view what) const;
  bool oniguruma() const;
  void fail(ErrorCode code, const std::string& why);
  void invalid(const std::string& why);
  void unsupported(const std::string& what);
  uint32_t next_code();
  /// \s, \p{..} and the like; false if it is none of them.
  bool class_escape(CodePointSet& set);
  CodePointSet property(bool negated);
  uint32_t hex(size_t most);
  uint32_t character_escape();
  /// Behind "[".
  CodePointSet read_class(size_t depth);
  CodePointSet class_item(size_t depth);
  CodePointSet class_without_case(const CodePointSet& set, bool negated);

  std::string_view pattern_;
  RegexEngine engine_;
  size_t at_ = 0;
  bool ignore_case_ = false;
  std::optional<Error> error_;
};

}  // namespace onpath::text
