#include "text/bpe_trie.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace onpath::text {
namespace {

/// Finds room for the children of one node after another.
class Places {
 public:
  Places() { grow(); }
  std::vector<BpeTrie::Node> nodes;

  /// Takes a base such that base ^ byte is free for all bytes.
  uint32_t take(std::span<const uint8_t> bytes) {
    while (first_word_ < taken_.size() && taken_[first_word_] == ~uint64_t{0}) ++first_word_;
    // Only the last few blocks are searched: older ones are nearly full.
    const size_t open = nodes.size() / 64;
    size_t word = std::max(first_word_, open > kOpenWords ? open - kOpenWords : 0);
    for (;; ++word) {
      if (word == taken_.size()) grow();
      for (uint64_t free = ~taken_[word]; free != 0; free &= free - 1) {
        const uint32_t slot = static_cast<uint32_t>(word * 64 + static_cast<size_t>(std::countr_zero(free)));
        const uint32_t base = slot ^ bytes[0];
        if (base == 0 || get(based_, base)) continue;
        if (std::any_of(bytes.begin() + 1, bytes.end(), [&](uint8_t b) { return get(taken_, base ^ b); }))
          continue;
        set(based_, base);
        for (const uint8_t byte : bytes) set(taken_, base ^ byte);
        return base;
      }
    }
  }

 private:
  static constexpr size_t kOpenWords = 64;
  static bool get(const std::vector<uint64_t>& bits, uint32_t i) { return (bits[i >> 6] >> (i & 63)) & 1; }
  static void set(std::vector<uint64_t>& bits, uint32_t i) { bits[i >> 6] |= uint64_t{1} << (i & 63); }
  void grow() {
    nodes.resize(nodes.size() + 256);
    taken_.resize(nodes.size() / 64);
    based_.resize(nodes.size() / 64);
    set(taken_, 0);  // the root
  }
  std::vector<uint64_t> taken_;
  std::vector<uint64_t> based_;
  size_t first_word_ = 0;
};

struct Range {
  size_t begin, end;  // entries below this node
  size_t depth;
  uint32_t node;
  TokenId prefix;  // the longest token on the way here
};

/// The first eight bytes as a number: sorting compares these nearly always.
uint64_t head_of(std::string_view text) {
  uint64_t head = 0;
  for (size_t i = 0; i < 8; ++i) head = head << 8 | (i < text.size() ? static_cast<uint8_t>(text[i]) : 0);
  return head;
}

void sort_entries(std::vector<BpeTrie::Entry>& entries) {
  struct Keyed {
    uint64_t head;
    BpeTrie::Entry entry;
  };
  std::vector<Keyed> keyed;
  keyed.reserve(entries.size());
  for (const BpeTrie::Entry& entry : entries) keyed.push_back({head_of(entry.text), entry});
  std::sort(keyed.begin(), keyed.end(), [](const Keyed& a, const Keyed& b) {
    return a.head != b.head ? a.head < b.head : a.entry.text < b.entry.text;
  });
  for (size_t i = 0; i < entries.size(); ++i) entries[i] = keyed[i].entry;
}

}  // namespace

BpeTrie BpeTrie::make(std::vector<Entry> entries, std::vector<TokenId>* prefixes) {
  sort_entries(entries);
  Places places;
  std::vector<Range> open;
  if (!entries.empty()) open.push_back({0, entries.size(), 0, 0, kNoToken});
  std::vector<uint8_t> bytes;
  std::vector<size_t> starts;
  while (!open.empty()) {
    const Range range = open.back();
    open.pop_back();
    bytes.clear();
    starts.clear();
    for (size_t i = range.begin; i < range.end; ++i) {
      const uint8_t byte = static_cast<uint8_t>(entries[i].text[range.depth]);
      if (!bytes.empty() && bytes.back() == byte) continue;
      bytes.push_back(byte);
      starts.push_back(i);
    }
    starts.push_back(range.end);
    const uint32_t base = places.take(bytes);
    places.nodes[range.node].base = base;
    for (size_t k = bytes.size(); k-- > 0;) {
      const uint32_t node = base ^ bytes[k];
      size_t begin = starts[k];
      TokenId prefix = range.prefix;
      uint32_t token = kNoTokenHere;
      if (entries[begin].text.size() == range.depth + 1) {
        token = entries[begin].token;
        if (prefixes) (*prefixes)[token] = prefix;
        prefix = token;
        ++begin;
      }
      places.nodes[node].label = token << kTokenShift | kInUse | bytes[k];
      if (begin != starts[k + 1]) open.push_back({begin, starts[k + 1], range.depth + 1, node, prefix});
    }
  }
  BpeTrie made;
  made.nodes_ = Flat<Node>(std::move(places.nodes));
  made.point();
  return made;
}

TokenId BpeTrie::exact(std::string_view text) const {
  Node node{root_base_, kUnlabeled};
  for (const char c : text) {
    const uint8_t byte = static_cast<uint8_t>(c);
    if (node.base == 0) return kNoToken;
    node = data_[node.base ^ byte];
    if ((node.label & 0x1FF) != (kInUse | byte)) return kNoToken;
  }
  const uint32_t token = node.label >> kTokenShift;
  return token == kNoTokenHere ? kNoToken : token;
}

void BpeTrie::write(FlatWriter& form, std::string_view name) const { form.array(name, nodes_); }

Result<BpeTrie> BpeTrie::read(const FlatReader& form, std::string_view name, size_t limit) {
  ONPATH_TAKE(nodes, form.array<Node>(name));
  BpeTrie read;
  read.nodes_ = std::move(nodes);
  // A base in range leads to nodes in range, as there is a multiple of 256 of them.
  bool good = read.nodes_.size() % 256 == 0 && !read.nodes_.empty();
  for (const Node& node : read.nodes_) {
    const uint32_t token = node.label >> kTokenShift;
    good &= (node.base < read.nodes_.size()) & ((token == kNoTokenHere) | (token < limit));
  }
  if (!good) return damaged_form(name);
  read.point();
  return read;
}

}  // namespace onpath::text
