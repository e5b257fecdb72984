#include "text/double_array.h"

#include <algorithm>
#include <string>

namespace onpath::text {
namespace {

constexpr uint32_t kFree = 0xFFFFFFFF;
constexpr uint32_t kRootCheck = 0xFFFFFFFE;
constexpr size_t kMaxNodes = size_t{1} << 30;
/// Free slots tried for a node with several children before the array grows: bounds the time to build.
constexpr int kMaxTries = 64;

/// Keys [first, last) share their first `depth` bytes, which lead to `node`.
struct KeyRange {
  uint32_t node;
  uint32_t first;
  uint32_t last;
  uint32_t depth;
};

/// Free slots as a list in ascending order; slot 0 is the root and never free.
class Slots {
 public:
  Slots() { grow(512); }

  size_t size() const { return check_.size(); }
  bool free(size_t slot) const { return check_[slot] == kFree; }
  uint32_t first() const { return next_[0]; }
  uint32_t next(uint32_t slot) const { return next_[slot]; }

  /// Behind all slots taken.
  size_t end() const { return end_; }

  void take(uint32_t slot, uint32_t parent) {
    check_[slot] = parent;
    end_ = std::max<size_t>(end_, size_t{slot} + 1);
    next_[previous_[slot]] = next_[slot];
    if (next_[slot] == 0) {
      last_ = previous_[slot];
    } else {
      previous_[next_[slot]] = previous_[slot];
    }
  }
  /// So that every slot below `wanted` exists.
  void grow(size_t wanted) {
    const size_t old = check_.size();
    if (wanted <= old) return;
    const size_t size = std::max(wanted, old + old / 2);
    check_.resize(size, kFree);
    next_.resize(size, 0);
    previous_.resize(size, 0);
    for (size_t slot = std::max<size_t>(old, 1); slot < size; ++slot) {
      next_[last_] = static_cast<uint32_t>(slot);
      previous_[slot] = last_;
      last_ = static_cast<uint32_t>(slot);
    }
    check_[0] = kRootCheck;
  }
  std::vector<uint32_t> take_checks() { return std::move(check_); }

 private:
  std::vector<uint32_t> check_, next_, previous_;
  uint32_t last_ = 0;
  size_t end_ = 1;
};

/// A base with which all `labels` fall on free slots.
uint32_t find_base(Slots& slots, std::span<const uint8_t> labels) {
  int tries = 0;
  for (uint32_t slot = slots.first(); slot != 0; slot = slots.next(slot)) {
    if (slot < labels[0]) continue;
    const uint32_t base = slot - labels[0];
    slots.grow(size_t{base} + 256);
    if (std::all_of(labels.begin(), labels.end(), [&](uint8_t label) { return slots.free(base + label); })) {
      return base;
    }
    if (++tries == kMaxTries) break;
  }
  const size_t base = slots.end();
  slots.grow(base + 256);
  return static_cast<uint32_t>(base);
}

}  // namespace

Result<DoubleArray> build_double_array(std::span<const std::string_view> keys) {
  DoubleArray array;
  Slots slots;
  std::vector<KeyRange> level{{DoubleArray::kRoot, 0, static_cast<uint32_t>(keys.size()), 0}};
  std::vector<KeyRange> below;
  std::vector<uint8_t> labels;
  std::vector<uint32_t> firsts;
  const auto fit = [&array, &slots] {
    array.base.resize(slots.size(), 0);
    array.value.resize(slots.size(), DoubleArray::kNone);
  };
  fit();
  // Level by level: the nodes near the root, which every text uses, lie together.
  while (!level.empty()) {
    below.clear();
    for (const KeyRange& range : level) {
      uint32_t first = range.first;
      if (first < range.last && keys[first].size() == range.depth) array.value[range.node] = first++;
      labels.clear();
      firsts.clear();
      for (uint32_t i = first; i < range.last; ++i) {
        const uint8_t label = static_cast<uint8_t>(keys[i][range.depth]);
        if (labels.empty() || labels.back() != label) {
          labels.push_back(label);
          firsts.push_back(i);
        }
      }
      if (labels.empty()) continue;
      const uint32_t base = find_base(slots, labels);
      if (slots.size() > kMaxNodes) {
        return Error{ErrorCode::LIMIT_EXCEEDED, "The vocabulary's tokens need a trie of more than " +
                                                    std::to_string(kMaxNodes) +
                                                    " nodes; use a vocabulary with fewer or shorter tokens."};
      }
      fit();
      array.base[range.node] = base;
      firsts.push_back(range.last);
      for (size_t k = 0; k < labels.size(); ++k) {
        const uint32_t node = base + labels[k];
        slots.take(node, range.node);
        below.push_back({node, firsts[k], firsts[k + 1], range.depth + 1});
      }
    }
    level.swap(below);
  }
  const size_t used =
      std::max<size_t>(slots.end(), size_t{*std::max_element(array.base.begin(), array.base.end())} + 256);
  array.check = slots.take_checks();
  array.check.resize(used);
  array.base.resize(used);
  array.value.resize(used);
  return array;
}

}  // namespace onpath::text
