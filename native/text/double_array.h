// A trie over bytes as a double array: one addition and one comparison per byte.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace onpath::text {

/// The child of node n by byte c is t = base[n] + c, if check[t] == n. Every base leaves room for all 256
/// bytes, so a lookup needs no bound.
struct DoubleArray {
  static constexpr uint32_t kRoot = 0;
  static constexpr uint32_t kNone = 0xFFFFFFFF;

  std::vector<uint32_t> base;
  std::vector<uint32_t> check;
  std::vector<uint32_t> value;  // index of the key that ends at a node, or kNone

  uint32_t child(uint32_t node, uint8_t byte) const {
    const uint32_t target = base[node] + byte;
    return check[target] == node ? target : kNone;
  }
  /// The node of `key`, or kNone.
  uint32_t find(std::string_view key) const;
};

/// `keys` are sorted by bytes and unique. Nodes near the root come first: they are the ones used most.
/// Errors: LIMIT_EXCEEDED.
Result<DoubleArray> build_double_array(std::span<const std::string_view> keys);

}  // namespace onpath::text
