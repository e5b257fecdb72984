// A regex that is a class of characters, once or in runs: most of those that normalizers have. These are
// carried out without a regex engine, and runs are taken as they come.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace onpath::text {

class CharacterClass {
 public:
  bool contains(uint32_t code) const {
    if (code < 0x80) return ascii_[code];
    return contains_slowly(code);
  }
  /// Beyond ASCII it has whitespace at most.
  bool ascii_or_white() const;
  void add(uint32_t low, uint32_t high) { ranges_.emplace_back(low, high); }
  void add_white() { white_ = true; }
  void negate() { negated_ = true; }
  /// After the last change.
  void finish();

 private:
  bool contains_slowly(uint32_t code) const;
  std::vector<std::pair<uint32_t, uint32_t>> ranges_;
  bool white_ = false;
  bool negated_ = false;
  bool ascii_[0x80] = {};
};

struct ClassPattern {
  CharacterClass characters;
  bool run = false;       // as many as there are
  uint32_t at_least = 1;  // of them
};

/// Empty if the regex (Oniguruma's syntax) is more than that, or may be.
std::optional<ClassPattern> parse_class_pattern(std::string_view regex);

}  // namespace onpath::text
