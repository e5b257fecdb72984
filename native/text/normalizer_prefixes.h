// Strings, of which the longest that a text begins with is looked for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace onpath::text {

class PrefixSet {
 public:
  PrefixSet() = default;
  explicit PrefixSet(std::vector<std::string> strings);

  struct Match {
    size_t size = 0;
    bool open = false;  // a longer one may begin like the whole text
  };
  Match longest(const uint8_t* text, size_t size) const {
    if (size == 0 || !first_[text[0]]) return {};
    return search(text, size);
  }
  bool may_begin_with(uint8_t byte) const { return first_[byte]; }
  uint64_t bytes() const;

 private:
  Match search(const uint8_t* text, size_t size) const;
  std::vector<std::string> strings_;  // sorted
  bool first_[256] = {};
};

}  // namespace onpath::text
