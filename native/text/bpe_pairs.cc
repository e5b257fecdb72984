#include "text/bpe_pairs.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace onpath::text {

BpePairs::BpePairs(size_t most)
    : making_slots_(std::bit_ceil(2 * most + 2)), making_filter_(std::bit_ceil(16 * most + 64) / 64) {
  point(making_slots_, making_filter_);
}

BpePairs::BpePairs(std::span<const BpePair> pairs) : BpePairs(pairs.size()) {
  for (const BpePair& pair : pairs) insert(pair);
}

void BpePairs::insert(const BpePair& pair) {
  const uint64_t hash = hash_of(pair.left, pair.right);
  const uint64_t bit = hash >> filter_shift_;
  making_filter_[bit >> 6] |= uint64_t{1} << (bit & 63);
  uint64_t slot = hash & mask_;
  while (making_slots_[slot].result != kNoToken &&
         (making_slots_[slot].left != pair.left || making_slots_[slot].right != pair.right))
    slot = (slot + 1) & mask_;
  making_slots_[slot] = pair;
  highest_rank_ = std::max(highest_rank_, pair.rank);
}

void BpePairs::freeze() {
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

void BpePairs::write(FlatWriter& form) const {
  form.array("bpe.pairs", slots_);
  form.array("bpe.pair_filter", filter_);
}

Result<BpePairs> BpePairs::read(const FlatReader& form, size_t limit) {
  ONPATH_TAKE(slots, form.array<BpePair>("bpe.pairs"));
  ONPATH_TAKE(filter, form.array<uint64_t>("bpe.pair_filter"));
  const auto damaged = [] { return damaged_form("table of merges"); };
  BpePairs read;
  read.slots_ = std::move(slots);
  read.filter_ = std::move(filter);
  if (!std::has_single_bit(read.slots_.size()) || !std::has_single_bit(read.filter_.size())) return damaged();
  bool room = false;  // a free slot ends every search
  bool good = true;
  for (const BpePair& pair : read.slots_) {
    room |= pair.result == kNoToken;
    good &= (pair.result == kNoToken) | (pair.result < limit);
    read.highest_rank_ = std::max(read.highest_rank_, pair.rank);
  }
  if (!room || !good) return damaged();
  read.point(read.slots_.span(), read.filter_.span());
  return read;
}

}  // namespace onpath::text
