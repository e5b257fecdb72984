// A regular expression as the reference's engine reads it, carried out by PCRE2: classes are written out as
// ranges of the reference's own tables, and what the engines read differently is refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "text/unicode.h"

namespace onpath::text {

struct RegexMatch {
  enum class Outcome : uint8_t {
    none,
    match,
    partial,  // more text may make, change or lengthen a match that begins at `begin`
    failed    // the search needs more steps or memory than its limit
  };
  Outcome outcome = Outcome::none;
  size_t begin = 0;
  size_t end = 0;
};

/// Immutable; used by many threads.
class Regex {
 public:
  /// Errors: INVALID_VOCABULARY (no regular expression), UNSUPPORTED (a construct that cannot be carried out
  /// exactly), LIMIT_EXCEEDED.
  static Result<Regex> compile(std::string_view pattern, RegexEngine engine = RegexEngine::oniguruma);
  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;
  ~Regex();

  /// The leftmost match at or behind `from`. Text is valid UTF-8, `from` at a code point. With `partial`,
  /// text is the front of a longer one: a match is told only if no continuation can change it, and `none`
  /// only if none can begin before `size`. No allocation in the usual case.
  RegexMatch find(const uint8_t* text, size_t size, size_t from, bool partial = false) const;

  /// A match may be empty.
  bool matches_empty() const;
  /// What a match depends on can lie before it (look-behind, \b, ^, \A).
  bool looks_behind() const;
  /// One class, once or more: a match goes on to the same end from any place inside.
  bool is_class_run() const;
  /// The expression as PCRE2 got it.
  const std::string& expanded() const;
  uint64_t bytes() const;

 private:
  struct Compiled;
  explicit Regex(std::unique_ptr<const Compiled> compiled);
  std::unique_ptr<const Compiled> compiled_;
};

}  // namespace onpath::text
