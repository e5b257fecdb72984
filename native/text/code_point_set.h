// Sets of code points as sorted ranges; for reading regular expressions, not for hot loops.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace onpath::text {

class CodePointSet {
 public:
  static constexpr uint32_t kLimit = 0x110000;

  CodePointSet() = default;
  /// Code points at which the set begins and ends, in turn, beginning with a begin.
  explicit CodePointSet(std::span<const uint32_t> edges) : edges_(edges.begin(), edges.end()) {}
  static CodePointSet range(uint32_t first, uint32_t last) {
    const uint32_t edges[] = {first, last + 1};
    return CodePointSet(edges);
  }

  const std::vector<uint32_t>& edges() const { return edges_; }
  bool empty() const { return edges_.empty(); }
  bool contains(uint32_t code) const {
    return (std::upper_bound(edges_.begin(), edges_.end(), code) - edges_.begin()) % 2 != 0;
  }
  bool within(uint32_t first, uint32_t last) const {
    return empty() || (edges_.front() >= first && edges_.back() <= last + 1);
  }
  CodePointSet complement() const {
    CodePointSet result;
    result.edges_ = edges_;
    toggle(result.edges_, 0, result.edges_.begin());
    toggle(result.edges_, kLimit, result.edges_.end());
    return result;
  }
  CodePointSet united(const CodePointSet& other) const { return merged(other, 1); }
  CodePointSet intersected(const CodePointSet& other) const { return merged(other, 2); }

 private:
  static void toggle(std::vector<uint32_t>& edges, uint32_t edge, std::vector<uint32_t>::iterator where) {
    if (where != edges.end() && *where == edge) {
      edges.erase(where);
    } else if (where != edges.begin() && *(where - 1) == edge) {
      edges.erase(where - 1);
    } else {
      edges.insert(where, edge);
    }
  }
  /// Where at least `wanted` of the two sets are.
  CodePointSet merged(const CodePointSet& other, size_t wanted) const {
    CodePointSet result;
    size_t i = 0, j = 0;
    bool inside = false;
    while (i < edges_.size() || j < other.edges_.size()) {
      const uint32_t a = i < edges_.size() ? edges_[i] : kLimit + 1;
      const uint32_t b = j < other.edges_.size() ? other.edges_[j] : kLimit + 1;
      const uint32_t at = a < b ? a : b;
      if (a == at) ++i;
      if (b == at) ++j;
      const bool now = i % 2 + j % 2 >= wanted;
      if (now != inside) result.edges_.push_back(at);
      inside = now;
    }
    return result;
  }

  std::vector<uint32_t> edges_;
};

}  // namespace onpath::text
