// SentencePiece's precompiled map of characters: a double-array trie of UTF-8 keys, and their images. The
// blob may be anything: every step through it is checked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace onpath::text {

class Charsmap {
 public:
  /// u32 little-endian: bytes of the trie; the trie, u32 each; the images, each ends at a NUL.
  /// Errors: INVALID_VOCABULARY.
  static Result<Charsmap> read(std::string_view blob);

  /// A place in the trie.
  struct Node {
    uint32_t at = 0;
    bool alive = false;
  };
  Node root() const { return follow_offset(0); }
  /// The node of a longer key; not alive if no key goes on like this. `leaf`: the key ends here, its image is
  /// image(node).
  Node step(Node node, uint8_t byte, bool& leaf) const {
    const uint64_t at = node.at ^ byte;
    leaf = false;
    if (at >= units_.size()) return {};
    const uint32_t unit = units_[at];
    if ((unit & 0x800000FFu) != byte) return {};
    leaf = (unit >> 8 & 1) != 0;
    return follow_offset(static_cast<uint32_t>(at));
  }
  /// Valid UTF-8.
  std::optional<std::string_view> image(Node node) const;

  struct Match {
    size_t size = 0;  // bytes of the key; 0: there is none
    std::string_view image;
    bool open = false;  // a longer key may begin like the whole text
  };
  Match longest(const uint8_t* text, size_t size) const;
  /// As Hugging Face looks up: the shortest key that the text begins with, up to a NUL.
  Match shortest(const uint8_t* text, size_t size) const;

  uint32_t longest_image() const { return longest_image_; }
  uint64_t bytes() const { return units_.size() * sizeof(uint32_t) + images_.size(); }

 private:
  Node follow_offset(uint32_t at) const {
    if (at >= units_.size()) return {};
    const uint32_t unit = units_[at];
    return {at ^ ((unit >> 10) << ((unit & (1u << 9)) >> 6)), true};
  }
  std::vector<uint32_t> units_;
  std::string images_;
  uint32_t longest_image_ = 0;
};

}  // namespace onpath::text
