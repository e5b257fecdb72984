// What a bad network does to packets, as tests and staging ask for it. Plain data.
#pragma once

#include <cstdint>

namespace onpath {

/// Applied to what arrives at the port that asks for them. Probabilities 0..1, from a seeded generator: same
/// seed and same packets, same fate.
struct Impairments {
  double loss = 0;
  double duplicate = 0;
  double corrupt = 0;         // one random bit of the packet flipped
  uint32_t reorder_span = 0;  // packets are released in random order from a window of this many; 0: in order
  uint64_t seed = 1;

  bool any() const { return loss != 0 || duplicate != 0 || corrupt != 0 || reorder_span != 0; }
};

}  // namespace onpath
