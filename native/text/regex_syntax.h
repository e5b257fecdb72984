// Reading a regular expression of one engine and writing it so that PCRE2 means the same by it.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "text/unicode.h"

namespace onpath::text {

struct ExpandedRegex {
  std::string text;
  bool looks_behind = false;
};

inline constexpr size_t kMaxRegexBytes = size_t{1} << 16;

/// Classes become ranges, ignoring case becomes classes, groups capture nothing. Errors: INVALID_VOCABULARY,
/// UNSUPPORTED, LIMIT_EXCEEDED.
Result<ExpandedRegex> expand_regex(std::string_view pattern, RegexEngine engine);

}  // namespace onpath::text
