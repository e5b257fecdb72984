// A trie over bytes as a double array: one addition and one comparison per byte.
#pragma once

#include <algorithm>
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
};

/// `keys` are sorted by bytes and unique. Nodes near the root come first: they are the ones used most.
/// Errors: LIMIT_EXCEEDED.
Result<DoubleArray> build_double_array(std::span<const std::string_view> keys);

/// The same of keys that have their text in `bytes`: sorts them first, and of those with the same text keeps
/// the last one only.
template <class Key>
Result<DoubleArray> build_double_array(std::vector<Key>& keys) {
  std::stable_sort(keys.begin(), keys.end(), [](const Key& a, const Key& b) { return a.bytes < b.bytes; });
  const auto same = [](const Key& a, const Key& b) { return a.bytes == b.bytes; };
  keys.erase(keys.begin(), std::unique(keys.rbegin(), keys.rend(), same).base());
  std::vector<std::string_view> views;
  views.reserve(keys.size());
  for (const Key& key : keys) views.emplace_back(key.bytes);
  return build_double_array(std::span<const std::string_view>(views));
}

}  // namespace onpath::text
