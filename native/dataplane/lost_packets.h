// Which packets of one stream are missing: gaps in its sequence numbers within a window behind the highest,
// and when each is to be asked for. All memory comes from the caller. Hot path: no allocation, no lock, no
// system call.
#pragma once

#include <cstdint>

namespace onpath {

/// A run of sequence numbers that was skipped.
struct Gap {
  uint32_t first = 0;
  uint32_t count = 0;
  uint32_t missing = 0;  // of these, still
  uint32_t asked = 0;    // times
  uint32_t before = 0;   // timestamps of the packets around it
  uint32_t after = 0;
  uint64_t due_ns = 0;  // when it is asked for (again)
  uint64_t asked_ns = 0;
  uint64_t until_ns = 0;  // then nobody waits for it any more
};

class LostPackets {
 public:
  /// `words`: window / 64, zeroed; `gaps`: `most_gaps`. `window` and `most_gaps` are powers of two.
  void use(uint64_t* words, Gap* gaps, uint32_t window, uint32_t most_gaps) {
    words_ = words;
    gaps_ = gaps;
    window_ = window;
    most_gaps_ = most_gaps;
  }

  bool none() const { return count_ == 0; }
  uint32_t count() const { return count_; }
  /// In the order of their sequence numbers.
  Gap& at(uint32_t i) { return gaps_[(first_ + i) & (most_gaps_ - 1)]; }
  bool is_missing(uint32_t sequence) const {
    return (words_[(sequence & (window_ - 1)) / 64] >> (sequence & 63) & 1) != 0;
  }

  /// The highest sequence number becomes `highest`: what lies a window behind it is forgotten.
  void advance(uint32_t highest) {
    while (count_ > 0 && highest - at(0).first >= window_) forget_first();
  }
  /// A gap in front of the highest sequence number, which advance() was told; the oldest gives way if there
  /// are too many.
  void add(const Gap& gap) {
    if (count_ == most_gaps_) forget_first();
    at(count_++) = gap;
    for (uint32_t i = 0; i < gap.count; ++i) set(gap.first + i);
  }
  /// A packet that is_missing() came. Its gap, which may have ended with it.
  Gap found(uint32_t sequence) {
    clear(sequence);
    uint32_t low = 0;
    for (uint32_t high = count_; high - low > 1;) {
      const uint32_t middle = (low + high) / 2;
      (static_cast<int32_t>(sequence - at(middle).first) >= 0 ? low : high) = middle;
    }
    Gap& gap = at(low);
    --gap.missing;
    const Gap found = gap;
    drop_ended();
    return found;
  }
  /// Nobody waits for what is missing of it; drop_ended() takes it away.
  void give_up(Gap& gap) {
    for (uint32_t i = 0; i < gap.count; ++i) clear(gap.first + i);
    gap.missing = 0;
  }
  /// Ended gaps at the beginning.
  void drop_ended() {
    while (count_ > 0 && at(0).missing == 0) {
      first_ = (first_ + 1) & (most_gaps_ - 1);
      --count_;
    }
  }
  void forget_all() {
    while (count_ > 0) forget_first();
  }

 private:
  void set(uint32_t sequence) { words_[(sequence & (window_ - 1)) / 64] |= uint64_t{1} << (sequence & 63); }
  void clear(uint32_t sequence) {
    words_[(sequence & (window_ - 1)) / 64] &= ~(uint64_t{1} << (sequence & 63));
  }
  void forget_first() {
    give_up(at(0));
    first_ = (first_ + 1) & (most_gaps_ - 1);
    --count_;
  }

  uint64_t* words_ = nullptr;
  Gap* gaps_ = nullptr;
  uint32_t window_ = 0, most_gaps_ = 0;
  uint32_t first_ = 0, count_ = 0;
};

}  // namespace onpath
