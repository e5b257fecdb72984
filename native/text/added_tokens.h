// Finding added tokens in text: leftmost, and the longest of those.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "text/definition.h"

namespace onpath::text {

/// The texts of added tokens as a trie. Immutable; used by many threads.
class AddedMatcher {
 public:
  struct Entry {
    std::string text;  // as it is looked for: normalized where the token asks for that
    AddedTokenDef token;
  };
  struct Match {
    size_t begin = 0;
    size_t end = 0;
    uint32_t entry = 0;
  };
  enum class Found : uint8_t {
    none,      // no match begins before `at`, now the end of the text
    match,     // `match` is the next
    undecided  // more text may make a match, or a longer one, of what begins at `at`
  };

  /// Errors: INVALID_VOCABULARY (two tokens with one text, an empty text).
  static Result<AddedMatcher> make(std::vector<Entry> entries);

  const std::vector<Entry>& entries() const { return entries_; }
  bool any_lstrip() const { return any_lstrip_; }
  uint64_t bytes() const;

  /// The first match that begins at `at` or behind. `last`: no text follows text[0, size).
  Found find(const uint8_t* text, size_t size, bool last, size_t& at, Match& match) const;

 private:
  struct Node {
    uint32_t first_edge = 0;
    uint32_t edges = 0;
    uint32_t entry = kNone;
  };
  struct Edge {
    uint8_t byte = 0;
    uint32_t node = 0;
  };
  static constexpr uint32_t kNone = 0xFFFFFFFF;

  size_t next_candidate(const uint8_t* text, size_t size, size_t at) const;
  uint32_t step(uint32_t node, uint8_t byte) const;

  std::vector<Entry> entries_;
  std::vector<Node> nodes_;
  std::vector<Edge> edges_;              // of each node, by byte
  std::array<uint32_t, 256> root_{};     // node or kNone
  std::array<uint8_t, 256> is_first_{};  // bytes that begin a token
  std::vector<uint8_t> firsts_;          // the same as a list
  bool any_lstrip_ = false;
};

}  // namespace onpath::text
