#include "dataplane/fair_share.h"

#include <algorithm>

namespace onpath {

FairShare::FairShare(uint32_t items, uint32_t holders)
    : items_(items), holders_(holders), by_count_(uint64_t{items} + 1, kNobody) {}

uint64_t FairShare::bytes_for(uint32_t items, uint32_t holders) {
  return uint64_t{items} * sizeof(Item) + uint64_t{holders} * sizeof(Holder) +
         (uint64_t{items} + 1) * sizeof(uint32_t);
}

void FairShare::take(uint32_t index, uint32_t owner) {
  Item& item = items_[index];
  Holder& holder = holders_[owner];
  item.holder = owner;
  item.older = holder.newest;
  item.newer = kNobody;
  (holder.newest == kNobody ? holder.oldest : items_[holder.newest].newer) = index;
  holder.newest = index;
  enter_class(index, holder.its_class);
  if (holder.count > 0) leave_count(owner);
  if (holder.count++ == 0) ++active_[holder.its_class];
  enter_count(owner);
  most_ = std::max(most_, holder.count);
  ++held_;
}

void FairShare::give_back(uint32_t index) {
  Item& item = items_[index];
  const uint32_t owner = item.holder;
  Holder& holder = holders_[owner];
  (item.older == kNobody ? holder.oldest : items_[item.older].newer) = item.newer;
  (item.newer == kNobody ? holder.newest : items_[item.newer].older) = item.older;
  leave_class(index);
  item.holder = kNobody;
  leave_count(owner);
  // Where the last of those that held the most was, none is left: it holds one less now.
  if (by_count_[most_] == kNobody) --most_;
  if (--holder.count == 0) {
    --active_[holder.its_class];
  } else {
    enter_count(owner);
  }
  --held_;
}

void FairShare::set_class(uint32_t owner, uint32_t its_class) {
  Holder& holder = holders_[owner];
  if (holder.count > 0) {
    --active_[holder.its_class];
    ++active_[its_class];
  }
  holder.its_class = its_class;
}

void FairShare::enter_count(uint32_t owner) {
  Holder& holder = holders_[owner];
  uint32_t& head = by_count_[holder.count];
  holder.previous = kNobody;
  holder.next = head;
  if (head != kNobody) holders_[head].previous = owner;
  head = owner;
}

void FairShare::leave_count(uint32_t owner) {
  const Holder& holder = holders_[owner];
  (holder.previous == kNobody ? by_count_[holder.count] : holders_[holder.previous].next) = holder.next;
  if (holder.next != kNobody) holders_[holder.next].previous = holder.previous;
}

void FairShare::enter_class(uint32_t index, uint32_t its_class) {
  Item& item = items_[index];
  Ends& ends = classes_[its_class];
  item.its_class = its_class;
  item.class_older = ends.newest;
  item.class_newer = kNobody;
  (ends.newest == kNobody ? ends.oldest : items_[ends.newest].class_newer) = index;
  ends.newest = index;
}

void FairShare::leave_class(uint32_t index) {
  const Item& item = items_[index];
  Ends& ends = classes_[item.its_class];
  (item.class_older == kNobody ? ends.oldest : items_[item.class_older].class_newer) = item.class_newer;
  (item.class_newer == kNobody ? ends.newest : items_[item.class_newer].class_older) = item.class_older;
}

uint32_t FairShare::share(uint32_t its_class, uint32_t asker, uint32_t asker_class) const {
  uint32_t equals = 0, below = 0;
  for (uint32_t c = 0; c < kClasses; ++c) (c < its_class ? below : equals) += active_[c];
  if (held_by(asker) == 0) ++(asker_class < its_class ? below : equals);
  return std::max(1u, held_ / (equals + (below > 0 ? 1 : 0)));
}

}  // namespace onpath
