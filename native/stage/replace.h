// Replaces words of a dictionary in a stream of text: the leftmost first, and of those that begin at one
// place the longest. Text comes in order, cut anywhere; what leaves does not depend on the cuts. Linear in
// the text for every dictionary: a trie whose every node knows what becomes of its bytes when no longer word
// can follow (Song et al., "Fast WordPiece Tokenization", 2021, section 3.2, for dictionaries in place of
// vocabularies), so that no byte is looked at twice. Must not know what the bytes mean.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace onpath {

struct Replacement {
  std::string word;  // 1 to kMaxWordBytes bytes
  std::string with;  // at most kMaxReplacementBytes bytes
};

class Replacer;
using ReplacerPtr = std::shared_ptr<const Replacer>;

/// Immutable; used by many threads.
class Replacer {
 public:
  static constexpr size_t kMaxWordBytes = 1024;
  static constexpr size_t kMaxReplacementBytes = 4096;
  static constexpr size_t kMaxDictionaryBytes = 4u << 20;  // of all words and what they become
  static constexpr size_t kMaxTableBytes = 64u << 20;      // of what nodes become

  /// Sorts the dictionary. Errors: INVALID_SPEC (no word, an empty word, one twice, one too long),
  /// LIMIT_EXCEEDED.
  static Result<ReplacerPtr> make(std::vector<Replacement> dictionary);

  const std::vector<Replacement>& dictionary() const { return dictionary_; }
  uint64_t bytes() const;
  /// Bytes of text that may have to wait: those of the longest word, less one.
  size_t window_bytes() const { return longest_ - 1; }

  // For ReplaceState.

  using Node = uint32_t;
  static constexpr Node kRoot = 0;
  static constexpr Node kNone = UINT32_MAX;

  Node child(Node node, uint8_t byte) const {
    if (node == kRoot) return first_[byte];
    uint32_t begin = edges_of_[node], end = edges_of_[node + 1];
    while (end - begin > 8) {
      const uint32_t middle = begin + (end - begin) / 2;
      (edges_[middle].byte <= byte ? begin : end) = middle;
    }
    for (; begin < end; ++begin) {
      if (edges_[begin].byte == byte) return edges_[begin].node;
    }
    return kNone;
  }
  /// What a node's bytes become if the next byte leads to none of its children, but for the part of them that
  /// is the path of fallback().
  std::span<const uint8_t> emitted(Node node) const {
    return {emitted_.data() + emitted_of_[node], emitted_of_[node + 1] - emitted_of_[node]};
  }
  Node fallback(Node node) const { return fallback_[node]; }
  bool is_leaf(Node node) const { return node != kRoot && edges_of_[node] == edges_of_[node + 1]; }
  /// Whether no word begins with this byte.
  bool is_plain(uint8_t byte) const { return first_[byte] == kNone; }

 private:
  struct Edge {
    Node node;
    uint8_t byte;
  };

  Replacer() = default;
  Result<void> build();
  bool follow(const std::vector<uint32_t>& parents, const std::vector<uint8_t>& bytes,
              const std::vector<uint32_t>& words);

  std::vector<Replacement> dictionary_;
  size_t longest_ = 1;
  std::array<Node, 256> first_{};
  std::vector<uint32_t> edges_of_;  // of each node in edges_, and one more
  std::vector<Edge> edges_;
  std::vector<Node> fallback_;
  std::vector<uint64_t> emitted_of_;  // of each node in emitted_, and one more
  std::vector<uint8_t> emitted_;
};

/// Takes what a stage of text makes.
class TextTaker {
 public:
  virtual ~TextTaker() = default;
  /// Runs in order; `bytes` is read before the call returns. False: nothing more is wanted.
  virtual bool take_text(std::span<const uint8_t> bytes) = 0;
};

/// One text on its way: a node of the trie.
class ReplaceState {
 public:
  explicit ReplaceState(ReplacerPtr replacer) : replacer_(std::move(replacer)) {}

  void begin() {
    node_ = Replacer::kRoot;
    held_ = 0;
  }
  /// False if the taker wanted no more.
  bool push(std::span<const uint8_t> bytes, TextTaker& taker);
  /// The text ends.
  bool end(TextTaker& taker);
  uint64_t held_bytes() const { return node_ == Replacer::kRoot ? 0 : held_; }

 private:
  const ReplacerPtr replacer_;
  Replacer::Node node_ = Replacer::kRoot;
  uint64_t held_ = 0;  // at most so many bytes of text wait
};

}  // namespace onpath
