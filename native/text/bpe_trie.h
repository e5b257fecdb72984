// A set of byte strings, each with a token: which is the longest that a text begins with?
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "text/flat.h"
#include "text/large_memory.h"
#include "text/tokens.h"

namespace onpath::text {

/// A double array: the child of a node for a byte lies at `base ^ byte`, and says which byte it is for. No
/// two nodes share a base, so that is proof enough.
class BpeTrie {
 public:
  struct Node {
    uint32_t base = 0;            // 0: a leaf; no inner node has base 0
    uint32_t label = kUnlabeled;  // bits 0..7 byte, bit 8 in use, bits 9.. token
  };
  static constexpr uint32_t kInUse = 0x100;
  static constexpr unsigned kTokenShift = 9;
  static constexpr uint32_t kNoTokenHere = 0x7FFFFF;
  static constexpr uint32_t kUnlabeled = kNoTokenHere << kTokenShift;

  struct Entry {
    std::string_view text;  // not empty, no two the same
    TokenId token = 0;
  };
  /// `prefixes`, if given, receives for each token the longest shorter one that it begins with, or kNoToken.
  static BpeTrie make(std::vector<Entry> entries, std::vector<TokenId>* prefixes = nullptr);

  bool empty() const { return root_base_ == 0; }

  /// The token of the longest string that [text, end) begins with, and its size; or kNoToken.
  TokenId longest(const uint8_t* text, const uint8_t* end, size_t& size) const {
    TokenId best = kNoToken;
    Node node{root_base_, kUnlabeled};
    for (const uint8_t* at = text; at != end && node.base != 0; ++at) {
      node = data_[node.base ^ *at];
      if ((node.label & 0x1FF) != (kInUse | *at)) break;
      if ((node.label >> kTokenShift) == kNoTokenHere) continue;
      best = node.label >> kTokenShift;
      size = static_cast<size_t>(at + 1 - text);
    }
    return best;
  }
  /// The token whose string is exactly this one, or kNoToken.
  TokenId exact(std::string_view text) const;

  size_t gathered_bytes() const { return text::gathered_bytes(nodes_); }
  void gather(uint8_t*& free) {
    gather_into(nodes_, free);
    point();
  }
  void write(FlatWriter& form, std::string_view name) const;
  /// Tokens are less than `limit`.
  static Result<BpeTrie> read(const FlatReader& form, std::string_view name, size_t limit);
  /// Whether each token is one of these, given as a bit by id; the last bit, which is no token's, is set.
  bool has_only(const std::vector<uint64_t>& tokens, uint32_t limit) const {
    uint64_t good = 1;
    for (const Node& node : nodes_) {
      // No branch: every other node has a token, which could not be predicted.
      const uint32_t token = std::min(node.label >> kTokenShift, limit);
      good &= tokens[token >> 6] >> (token & 63);
    }
    return good != 0;
  }
  uint64_t bytes() const { return nodes_.bytes(); }

 private:
  void point() {
    data_ = nodes_.data();
    root_base_ = nodes_.empty() ? 0 : nodes_[0].base;
  }
  Flat<Node> nodes_;  // node 0 is the root; a multiple of 256 of them
  const Node* data_ = nullptr;
  uint32_t root_base_ = 0;
};

}  // namespace onpath::text
