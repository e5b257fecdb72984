#include "text/charsmap.h"

#include <algorithm>

#include "text/utf8.h"

namespace onpath::text {

Result<Charsmap> Charsmap::read(std::string_view blob) {
  auto damaged = [&](const std::string& what) {
    return Error{ErrorCode::INVALID_VOCABULARY, "The precompiled charsmap of " + std::to_string(blob.size()) +
                                                    " bytes " + what +
                                                    "; take the file as its publisher has it"};
  };
  auto number = [&](size_t at) {
    const auto* b = reinterpret_cast<const uint8_t*>(blob.data()) + at;
    return static_cast<uint32_t>(b[0]) | static_cast<uint32_t>(b[1]) << 8 |
           static_cast<uint32_t>(b[2]) << 16 | static_cast<uint32_t>(b[3]) << 24;
  };
  if (blob.size() <= 4) return damaged("has no trie");
  const uint32_t trie_bytes = number(0);
  if (trie_bytes >= blob.size() - 3) return damaged("has a trie of " + std::to_string(trie_bytes) + " bytes");
  if (trie_bytes < 4 || trie_bytes % 4 != 0)
    return damaged("has a trie of " + std::to_string(trie_bytes) +
                   " bytes, expected a positive multiple of 4");
  Charsmap map;
  map.units_.resize(trie_bytes / 4);
  for (size_t i = 0; i < map.units_.size(); ++i) map.units_[i] = number(4 + 4 * i);
  map.images_ = blob.substr(4 + trie_bytes);
  if (!is_utf8(map.images_)) return damaged("has images that are not valid UTF-8");
  for (size_t begin = 0; begin < map.images_.size();) {
    const size_t end = std::min(map.images_.find('\0', begin), map.images_.size());
    map.longest_image_ = std::max(map.longest_image_, static_cast<uint32_t>(end - begin));
    begin = end + 1;
  }
  return map;
}

std::optional<std::string_view> Charsmap::image(Node node) const {
  if (!node.alive || node.at >= units_.size()) return {};
  const size_t begin = units_[node.at] & 0x7FFFFFFFu;
  if (begin > images_.size()) return {};
  if (begin < images_.size() && is_continuation(static_cast<uint8_t>(images_[begin]))) return {};
  const size_t end = std::min(images_.find('\0', begin), images_.size());
  return std::string_view(images_).substr(begin, end - begin);
}

Charsmap::Match Charsmap::longest(const uint8_t* text, size_t size) const {
  Match match;
  Node node = root();
  // SentencePiece collects this many keys at most.
  size_t keys = 32;
  for (size_t i = 0; i < size && keys; ++i) {
    bool leaf = false;
    node = step(node, text[i], leaf);
    if (!node.alive) return match;
    if (!leaf) continue;
    --keys;
    if (const auto found = image(node)) {
      match.size = i + 1;
      match.image = *found;
    }
  }
  match.open = keys > 0;
  return match;
}

Charsmap::Match Charsmap::shortest(const uint8_t* text, size_t size) const {
  Node node = root();
  for (size_t i = 0; i < size && text[i]; ++i) {
    bool leaf = false;
    node = step(node, text[i], leaf);
    if (!node.alive) return {};
    if (!leaf) continue;
    const auto found = image(node);
    if (!found) return {};
    return {i + 1, *found, false};
  }
  return {0, {}, true};
}

}  // namespace onpath::text
