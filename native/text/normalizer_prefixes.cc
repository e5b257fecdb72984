#include "text/normalizer_prefixes.h"

#include <algorithm>
#include <utility>

namespace onpath::text {

PrefixSet::PrefixSet(std::vector<std::string> strings) : strings_(std::move(strings)) {
  std::erase(strings_, std::string());
  std::sort(strings_.begin(), strings_.end());
  strings_.erase(std::unique(strings_.begin(), strings_.end()), strings_.end());
  for (const std::string& string : strings_) first_[static_cast<uint8_t>(string[0])] = true;
}

uint64_t PrefixSet::bytes() const {
  uint64_t all = strings_.capacity() * sizeof(std::string);
  for (const std::string& string : strings_) all += string.size();
  return all;
}

PrefixSet::Match PrefixSet::search(const uint8_t* text, size_t size) const {
  Match match;
  // Strings in [low, high) begin with text[0, i); those as long as i come first.
  auto low = strings_.begin();
  auto high = strings_.end();
  for (size_t i = 0; i < size; ++i) {
    auto byte_of = [i](const std::string& s) {
      return s.size() > i ? static_cast<int>(static_cast<uint8_t>(s[i])) : -1;
    };
    const int byte = text[i];
    low = std::partition_point(low, high, [&](const std::string& s) { return byte_of(s) < byte; });
    high = std::partition_point(low, high, [&](const std::string& s) { return byte_of(s) <= byte; });
    if (low == high) return match;
    if (low->size() == i + 1) match.size = i + 1;
  }
  match.open = std::any_of(low, high, [size](const std::string& s) { return s.size() > size; });
  return match;
}

}  // namespace onpath::text
