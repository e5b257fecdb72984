#include "port/impairer.h"

namespace onpath {
namespace {

/// A probability as a bound for 64 random bits.
uint64_t threshold_of(double probability) {
  if (!(probability > 0)) return 0;
  if (probability >= 1) return UINT64_MAX;
  return static_cast<uint64_t>(probability * 18446744073709551616.0);
}

}  // namespace

Impairer::Impairer(const Impairments& what, uint32_t queue)
    : lose_below_(threshold_of(what.loss)),
      double_below_(threshold_of(what.duplicate)),
      damage_below_(threshold_of(what.corrupt)),
      fates_(what.seed + queue * 0xa0761d6478bd642fu),
      order_(~fates_) {}

uint64_t Impairer::random(uint64_t& state) {
  // A Weyl sequence whose steps are mixed twice.
  state += 0x9e3779b97f4a7c15u;
  uint64_t x = state;
  x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93u;
  x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93u;
  return x ^ (x >> 32);
}

Impairer::Fate Impairer::decide() {
  Fate fate;
  fate.lost = happens(lose_below_);
  fate.doubled = happens(double_below_);
  fate.damaged = happens(damage_below_);
  fate.bit = random(fates_);
  fate.copy_damaged = happens(damage_below_);
  fate.copy_bit = random(fates_);
  return fate;
}

}  // namespace onpath
