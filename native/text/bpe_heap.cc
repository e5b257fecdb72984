#include "text/bpe_heap.h"

#include <algorithm>

namespace onpath::text {
namespace {

constexpr uint32_t kNone = 0xFFFFFFFF;
constexpr auto later = [](const auto& a, const auto& b) { return a.order > b.order; };

}  // namespace

void BpeHeap::offer(const BpePairs& pairs, uint32_t position) {
  const BpeSymbol& left = symbols_[position];
  const BpePair* pair = pairs.find(left.id, symbols_[left.next].id);
  if (!pair) return;
  queue_.push_back({uint64_t{pair->rank} << 32 | position, pair->result});
  std::push_heap(queue_.begin(), queue_.end(), later);
}

void BpeHeap::merge(const BpePairs& pairs, BpeTrace* trace) {
  const uint32_t count = static_cast<uint32_t>(symbols_.size());
  if (count == 0) return;
  queue_.clear();
  for (uint32_t i = 0; i < count; ++i) {
    symbols_[i].previous = i == 0 ? kNone : i - 1;
    symbols_[i].next = i + 1 == count ? kNone : i + 1;
  }
  for (uint32_t i = 0; i + 1 < count; ++i) {
    const BpePair* pair = pairs.find(symbols_[i].id, symbols_[i + 1].id);
    if (pair) queue_.push_back({uint64_t{pair->rank} << 32 | i, pair->result});
  }
  std::make_heap(queue_.begin(), queue_.end(), later);

  uint32_t highest = 0;
  while (!queue_.empty()) {
    const Candidate top = queue_.front();
    std::pop_heap(queue_.begin(), queue_.end(), later);
    queue_.pop_back();
    const uint32_t position = static_cast<uint32_t>(top.order);
    BpeSymbol& left = symbols_[position];
    if (left.length == 0 || left.next == kNone) continue;
    BpeSymbol& right = symbols_[left.next];
    // The neighbours may have changed since; the reference asks for the result only.
    const BpePair* pair = pairs.find(left.id, right.id);
    if (!pair || pair->result != top.result) continue;
    if (trace) {
      const uint32_t rank = static_cast<uint32_t>(top.order >> 32);
      trace->last = *pair;
      trace->last.rank = rank;
      trace->monotone = trace->monotone && rank >= highest;
      highest = std::max(highest, rank);
    }
    left.id = top.result;
    left.length += right.length;
    left.next = right.next;
    right.length = 0;
    if (left.next != kNone) symbols_[left.next].previous = position;
    if (left.previous != kNone) offer(pairs, left.previous);
    if (left.next != kNone) offer(pairs, position);
  }
  std::erase_if(symbols_, [](const BpeSymbol& symbol) { return symbol.length == 0; });
}

}  // namespace onpath::text
