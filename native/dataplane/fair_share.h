// Who gives way when a pool that many sources share is full. An item of the pool (an open sample, an idle
// stream) has a holder (a source), and each holder a class: how far it has proved to be worth its place.
//
// The rules, in their order:
// 1. Who holds its share already replaces its own oldest item.
// 2. Who holds the most gives its oldest item, if that is more than its share.
// 3. The oldest item of the lowest class goes, unless that class is above the asker's: then the asker is
//    refused.
// The share of a holder is what is held, divided among the holders of its class and above; all below
// together count as one. So a flood of sources without credit, however many addresses it has, takes no item
// of a source with credit that keeps to its share.
//
// Everything takes constant time. Hot path: no allocation, no lock, no system call.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace onpath {

class FairShare {
 public:
  static constexpr uint32_t kNobody = UINT32_MAX;
  static constexpr uint32_t kClasses = 10;

  /// Throws std::bad_alloc.
  FairShare(uint32_t items, uint32_t holders);
  static uint64_t bytes_for(uint32_t items, uint32_t holders);

  /// The item, which nobody held, is the holder's newest now.
  void take(uint32_t item, uint32_t holder);
  void give_back(uint32_t item);
  /// Of items taken from now on.
  void set_class(uint32_t holder, uint32_t its_class);

  uint32_t held_by(uint32_t holder) const { return holder == kNobody ? 0 : holders_[holder].count; }
  uint32_t held() const { return held_; }
  /// kNobody: none.
  uint32_t oldest_of(uint32_t holder) const { return holder == kNobody ? kNobody : holders_[holder].oldest; }

  /// The item that gives way to a new one of `asker`, which may be kNobody; kNobody: none does.
  /// `only_unfair`: none of the asker's, and by rule 3 none of its class.
  uint32_t victim(uint32_t asker, uint32_t asker_class, bool only_unfair) const {
    return victim(asker, asker_class, only_unfair, [](uint32_t) { return true; });
  }
  /// The same among the items that `helps(item)`: of others, older ones are passed over, each a step more.
  template <class Helps>
  uint32_t victim(uint32_t asker, uint32_t asker_class, bool only_unfair, Helps helps) const;

 private:
  struct Item {
    uint32_t holder = kNobody;
    uint32_t older = kNobody, newer = kNobody;              // of the holder
    uint32_t class_older = kNobody, class_newer = kNobody;  // of the class
    uint32_t its_class = 0;
  };
  struct Holder {
    uint32_t count = 0;
    uint32_t its_class = 0;
    uint32_t oldest = kNobody, newest = kNobody;
    uint32_t previous = kNobody, next = kNobody;  // of those that hold as many
  };
  struct Ends {
    uint32_t oldest = kNobody, newest = kNobody;
  };

  void enter_count(uint32_t holder);
  void leave_count(uint32_t holder);
  void enter_class(uint32_t item, uint32_t its_class);
  void leave_class(uint32_t item);
  uint32_t share(uint32_t its_class, uint32_t asker, uint32_t asker_class) const;
  template <class Helps>
  uint32_t oldest_that_helps(uint32_t holder, Helps helps) const;

  std::vector<Item> items_;
  std::vector<Holder> holders_;
  std::vector<uint32_t> by_count_;  // heads of lists of holders
  uint32_t most_ = 0;               // that any holder has
  uint32_t held_ = 0;
  std::array<Ends, kClasses> classes_;
  std::array<uint32_t, kClasses> active_{};  // holders with items, by class
};

template <class Helps>
uint32_t FairShare::oldest_that_helps(uint32_t holder, Helps helps) const {
  uint32_t item = holders_[holder].oldest;
  while (item != kNobody && !helps(item)) item = items_[item].newer;
  return item;
}

template <class Helps>
uint32_t FairShare::victim(uint32_t asker, uint32_t asker_class, bool only_unfair, Helps helps) const {
  if (held_ == 0) return kNobody;
  const uint32_t own = held_by(asker);
  if (own > 0 && own >= share(holders_[asker].its_class, asker, asker_class))
    return only_unfair ? kNobody : oldest_that_helps(asker, helps);
  const uint32_t largest = by_count_[most_];
  if (largest != asker && most_ > share(holders_[largest].its_class, asker, asker_class)) {
    const uint32_t item = oldest_that_helps(largest, helps);
    if (item != kNobody) return item;
  }
  const uint32_t classes = std::min(kClasses, only_unfair ? asker_class : asker_class + 1);
  for (uint32_t lowest = 0; lowest < classes; ++lowest) {
    uint32_t item = classes_[lowest].oldest;
    while (item != kNobody && !helps(item)) item = items_[item].class_newer;
    if (item != kNobody) return item;
  }
  return kNobody;
}

}  // namespace onpath
