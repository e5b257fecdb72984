// Decides what a bad network does to packets, from seeded generators. Knows nothing of packets or memory.
#pragma once

#include <cstdint>

#include "port/impairments.h"

namespace onpath {

class Impairer {
 public:
  Impairer(const Impairments& what, uint32_t queue);

  /// What happens to one packet.
  struct Fate {
    bool lost = false, doubled = false;
    bool damaged = false, copy_damaged = false;
    uint64_t bit = 0, copy_bit = 0;  // modulo the packet's bits: which one is flipped
  };
  /// Of the next packet. Draws as many numbers whatever happens, so that fates do not depend on lengths.
  Fate decide();
  /// Which of `held` packets leaves next. From a generator of its own: how many are held is a matter of
  /// timing, fates are not.
  uint64_t choose(uint64_t held) { return random(order_) % held; }

 private:
  static uint64_t random(uint64_t& state);
  bool happens(uint64_t threshold) { return random(fates_) < threshold; }

  const uint64_t lose_below_;
  const uint64_t double_below_;
  const uint64_t damage_below_;
  uint64_t fates_, order_;
};

}  // namespace onpath
