#include "text/added_tokens.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

namespace onpath::text {

namespace {

/// By text. An entry is large: places are sorted, and each entry is moved once.
void sort_by_text(std::vector<AddedMatcher::Entry>& entries) {
  std::vector<uint32_t> order(entries.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(),
            [&](uint32_t a, uint32_t b) { return entries[a].text < entries[b].text; });
  std::vector<AddedMatcher::Entry> sorted;
  sorted.reserve(entries.size());
  for (const uint32_t place : order) sorted.push_back(std::move(entries[place]));
  entries = std::move(sorted);
}

}  // namespace

Result<AddedMatcher> AddedMatcher::make(std::vector<Entry> entries) {
  AddedMatcher made;
  sort_by_text(entries);
  for (size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].text.empty()) {
      return Error{ErrorCode::INVALID_VOCABULARY, "The added token " + std::to_string(entries[i].token.id) +
                                                      " has no text, or none after normalizing."};
    }
    if (i > 0 && entries[i].text == entries[i - 1].text) {
      return Error{ErrorCode::INVALID_VOCABULARY,
                   "The added tokens " + std::to_string(entries[i - 1].token.id) + " and " +
                       std::to_string(entries[i].token.id) + " have the same text '" + entries[i].text +
                       "' after normalizing."};
    }
    made.any_lstrip_ = made.any_lstrip_ || entries[i].token.lstrip;
  }
  // The entries are sorted, so those below a node are neighbours: one level after the other.
  struct Range {
    uint32_t node, first, last;
    size_t depth;
  };
  made.nodes_.emplace_back();
  std::vector<Range> todo;
  if (!entries.empty()) todo.push_back({0, 0, static_cast<uint32_t>(entries.size()), 0});
  for (size_t next = 0; next < todo.size(); ++next) {
    Range range = todo[next];
    if (entries[range.first].text.size() == range.depth) {
      made.nodes_[range.node].entry = range.first;
      ++range.first;
    }
    made.nodes_[range.node].first_edge = static_cast<uint32_t>(made.edges_.size());
    while (range.first < range.last) {
      const auto byte = static_cast<uint8_t>(entries[range.first].text[range.depth]);
      uint32_t end = range.first;
      while (end < range.last && static_cast<uint8_t>(entries[end].text[range.depth]) == byte) ++end;
      const auto child = static_cast<uint32_t>(made.nodes_.size());
      made.nodes_.emplace_back();
      made.edges_.push_back({byte, child});
      ++made.nodes_[range.node].edges;
      todo.push_back({child, range.first, end, range.depth + 1});
      range.first = end;
    }
  }
  made.root_.fill(kNone);
  for (uint32_t i = 0; i < made.nodes_[0].edges; ++i) {
    const Edge& edge = made.edges_[i];
    made.root_[edge.byte] = edge.node;
    made.is_first_[edge.byte] = 1;
    made.firsts_.push_back(edge.byte);
  }
  made.entries_ = std::move(entries);
  return made;
}

uint64_t AddedMatcher::bytes() const {
  uint64_t bytes = sizeof *this + nodes_.size() * sizeof(Node) + edges_.size() * sizeof(Edge);
  for (const Entry& entry : entries_) bytes += sizeof entry + entry.text.size() + entry.token.text.size();
  return bytes;
}

// The usual text has none: this is all that is done for it.
size_t AddedMatcher::next_candidate(const uint8_t* text, size_t size, size_t at) const {
  if (firsts_.size() == 1) {
    const void* found = at < size ? std::memchr(text + at, firsts_[0], size - at) : nullptr;
    return found ? static_cast<size_t>(static_cast<const uint8_t*>(found) - text) : size;
  }
  for (; at + 8 <= size; at += 8) {
    const uint8_t* p = text + at;
    const int any = is_first_[p[0]] | is_first_[p[1]] | is_first_[p[2]] | is_first_[p[3]] | is_first_[p[4]] |
                    is_first_[p[5]] | is_first_[p[6]] | is_first_[p[7]];
    if (any != 0) break;
  }
  while (at < size && is_first_[text[at]] == 0) ++at;
  return at;
}

uint32_t AddedMatcher::step(uint32_t node, uint8_t byte) const {
  const Node& from = nodes_[node];
  const Edge* edge = edges_.data() + from.first_edge;
  if (from.edges <= 4) {
    for (uint32_t i = 0; i < from.edges; ++i) {
      if (edge[i].byte == byte) return edge[i].node;
    }
    return kNone;
  }
  const Edge* end = edge + from.edges;
  edge = std::lower_bound(edge, end, byte, [](const Edge& a, uint8_t b) { return a.byte < b; });
  return edge != end && edge->byte == byte ? edge->node : kNone;
}

AddedMatcher::Found AddedMatcher::find(const uint8_t* text, size_t size, bool last, size_t& at,
                                       Match& match) const {
  for (;; ++at) {
    at = next_candidate(text, size, at);
    if (at >= size) {
      at = size;
      return Found::none;
    }
    uint32_t node = root_[text[at]];
    size_t end = at + 1;
    bool found = false;
    for (;;) {
      if (nodes_[node].entry != kNone) {
        found = true;
        match = {at, end, nodes_[node].entry};
      }
      if (nodes_[node].edges == 0) break;
      if (end == size) {
        if (!last) return Found::undecided;
        break;
      }
      node = step(node, text[end]);
      if (node == kNone) break;
      ++end;
    }
    if (found) return Found::match;
  }
}

}  // namespace onpath::text
