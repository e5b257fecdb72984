#include "port/impairer.h"

#include <algorithm>

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
    : active_(what.loss > 0 || what.duplicate > 0 || what.corrupt > 0 || what.reorder_span > 0),
      lose_below_(threshold_of(what.loss)),
      double_below_(threshold_of(what.duplicate)),
      damage_below_(threshold_of(what.corrupt)),
      span_(what.reorder_span),
      state_(what.seed + queue * 0xa0761d6478bd642fu) {
  if (active_) held_.reserve(most_held(what));
}

uint64_t Impairer::random() {
  // A Weyl sequence whose steps are mixed twice.
  state_ += 0x9e3779b97f4a7c15u;
  uint64_t x = state_;
  x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93u;
  x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93u;
  return x ^ (x >> 32);
}

Impairer::Fate Impairer::decide() {
  Fate fate;
  fate.lost = happens(lose_below_);
  fate.doubled = happens(double_below_);
  return fate;
}

void Impairer::damage(Frame& frame) {
  const bool damaged = happens(damage_below_);
  const uint64_t bit = random();
  if (!damaged || frame.length == 0) return;
  const uint64_t at = bit % (uint64_t{frame.length} * 8);
  frame.data[at / 8] = static_cast<uint8_t>(frame.data[at / 8] ^ 1u << at % 8);
}

bool Impairer::leave(bool drain, Frame& out) {
  if (held_.empty() || (held_.size() <= span_ && !drain)) return false;
  const size_t at = span_ == 0 ? 0 : random() % held_.size();
  out = held_[at];
  if (span_ == 0) {
    held_.erase(held_.begin());
  } else {
    held_[at] = held_.back();
    held_.pop_back();
  }
  return true;
}

}  // namespace onpath
