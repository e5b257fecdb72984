#include "text/bpe_pairs.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace onpath::text {

size_t BpePairs::slots_for(size_t pairs) { return std::bit_ceil(2 * pairs + 2); }
size_t BpePairs::filter_words_for(size_t pairs) { return std::bit_ceil(16 * pairs + 64) / 64; }

BpePairs::BpePairs(size_t most) : making_slots_(slots_for(most)), making_filter_(filter_words_for(most)) {
  point(making_slots_, making_filter_);
}

BpePairs::BpePairs(std::span<const BpePair> pairs) : BpePairs(pairs.size()) {
  for (const BpePair& pair : pairs) insert(pair);
}

bool BpePairs::put(const BpePair& pair, BpePair* slots) const {
  uint64_t slot = first_slot(pair);
  while (slots[slot].rank != 0 && (slots[slot].left != pair.left || slots[slot].right != pair.right))
    slot = (slot + 1) & mask_;
  const bool is_new = slots[slot].rank == 0;
  slots[slot] = pair;
  return is_new;
}

void BpePairs::insert(const BpePair& pair) {
  const uint64_t bit = hash_of(pair.left, pair.right) >> filter_shift_;
  making_filter_[bit >> 6] |= uint64_t{1} << (bit & 63);
  made_ += put(pair, making_slots_.data());
  highest_rank_ = std::max(highest_rank_, pair.rank);
}

void BpePairs::freeze() {
  if (slots_for(made_) < making_slots_.size()) {
    BpePairs smaller(made_);
    for (const BpePair& pair : making_slots_)
      if (pair.rank != 0) smaller.insert(pair);
    making_slots_ = std::move(smaller.making_slots_);
    making_filter_ = std::move(smaller.making_filter_);
  }
  slots_ = Flat<BpePair>(std::move(making_slots_));
  filter_ = Flat<uint64_t>(std::move(making_filter_));
  point(slots_.span(), filter_.span());
}

void BpePairs::point(std::span<const BpePair> slots, std::span<const uint64_t> filter) {
  slot_data_ = slots.data();
  filter_data_ = filter.data();
  mask_ = slots.size() - 1;
  filter_shift_ = 64 - static_cast<unsigned>(std::countr_zero(filter.size() * 64));
}

size_t BpePairs::gathered_bytes() const {
  const size_t slots = listed_.empty() ? slots_.size() : slots_for(listed_.size());
  return rounded_up(slots * sizeof(BpePair)) + text::gathered_bytes(filter_);
}

void BpePairs::gather(uint8_t*& free) {
  gather_into(filter_, free);
  if (listed_.empty()) {
    gather_into(slots_, free);
    return point(slots_.span(), filter_.span());
  }
  const std::span slots(reinterpret_cast<BpePair*>(free), slots_for(listed_.size()));
  free += rounded_up(slots.size_bytes());
  point(slots, filter_.span());
  // Each comes to lie behind those before it, where there is no free slot between it and where it is looked
  // for first: no slot has to be read. A few of the last find no place up to the end, and go round.
  uint64_t behind = 0;
  for (const BpePair& pair : listed_) {
    const uint64_t slot = std::max(first_slot(pair), behind);
    behind = slot + 1;
    if (slot <= mask_) {
      slots[slot] = pair;
    } else {
      put(pair, slots.data());
    }
  }
  slots_ = Flat<BpePair>(std::span<const BpePair>(slots));
  listed_ = {};
}

void BpePairs::write(FlatWriter& form) const {
  // Slots from a free one around to it, so that those of the last that went round come last.
  std::vector<BpePair> listed;
  size_t start = 0;
  while (slots_[start].rank != 0) ++start;
  for (size_t i = 0; i < slots_.size(); ++i) {
    const BpePair& pair = slots_[(start + i) & mask_];
    if (pair.rank != 0) listed.push_back(pair);
  }
  std::stable_sort(listed.begin(), listed.end(),
                   [this](const BpePair& a, const BpePair& b) { return first_slot(a) < first_slot(b); });
  form.array("bpe.pairs", std::span<const BpePair>(listed));
  form.array("bpe.pair_filter", filter_);
}

Result<BpePairs> BpePairs::read(const FlatReader& form, size_t limit) {
  ONPATH_TAKE(listed, form.array<BpePair>("bpe.pairs"));
  ONPATH_TAKE(filter, form.array<uint64_t>("bpe.pair_filter"));
  BpePairs read;
  if (!std::has_single_bit(filter.size())) return damaged_form("filter of merges");
  read.mask_ = slots_for(listed.size()) - 1;
  uint64_t before = 0;
  bool good = true;
  for (const BpePair& pair : listed) {
    const uint64_t first = read.first_slot(pair);
    good &= (pair.result < limit) & (pair.rank != 0) & (first >= before);
    before = first;
    read.highest_rank_ = std::max(read.highest_rank_, pair.rank);
  }
  if (!good) return damaged_form("table of merges");
  read.listed_ = std::move(listed);
  read.filter_ = std::move(filter);
  if (read.listed_.empty()) read.slots_ = Flat<BpePair>(std::vector<BpePair>(slots_for(0)));
  return read;
}

}  // namespace onpath::text
