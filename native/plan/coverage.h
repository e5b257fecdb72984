// Which units (pixel groups or bytes) of a sample have been seen. First bytes win: add() tells the runs that
// are new. In order, nothing but a counter moves; the bitmap is written only for what comes ahead of a gap,
// and starting the next sample clears only what was written. Must not know what the units mean.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <memory>

namespace onpath {

class Coverage {
 public:
  explicit Coverage(uint64_t units)
      : units_(units),
        words_(std::make_unique<uint64_t[]>(words(units))),
        dirty_(std::make_unique<uint64_t[]>(dirty_words(units))) {}

  static uint64_t memory_bytes(uint64_t units) {
    return (words(units) + dirty_words(units)) * sizeof(uint64_t);
  }

  void reset();
  uint64_t missing() const { return units_ - seen_; }

  /// Units [begin, end) have come; begin <= end <= units. Calls new_run(begin, end) for each maximal run not
  /// seen before, in ascending order, and returns the number of units in them. new_run must not call add().
  template <class NewRun>
  uint64_t add(uint64_t begin, uint64_t end, NewRun new_run);

  /// Where the next unit in order stands, if all that were seen are those before it; else no such place.
  uint64_t in_order() const { return ahead_end_ > prefix_ ? UINT64_MAX : prefix_; }
  /// Units from in_order() to `end`, of which there is at least one, have come.
  void add_in_order(uint64_t end) {
    seen_ += end - prefix_;
    prefix_ = end;
  }

  /// Takes units [begin, end) if there are any and none has been seen before; else changes nothing and says
  /// false.
  bool add_if_new(uint64_t begin, uint64_t end);

 private:
  static constexpr uint64_t kBits = 64;
  static uint64_t words(uint64_t units) { return (units + kBits - 1) / kBits; }
  static uint64_t dirty_words(uint64_t units) { return (words(units) + kBits * kBits - 1) / (kBits * kBits); }

  /// First unit in [from, to) that is marked (or, with marked = false, that is not); `to` if none.
  uint64_t find(bool marked, uint64_t from, uint64_t to) const;
  void mark(uint64_t begin, uint64_t end);
  void saw(uint64_t begin, uint64_t end, uint64_t added);

  uint64_t units_;
  uint64_t seen_ = 0;
  uint64_t prefix_ = 0;     // every unit below has been seen; the bitmap says nothing about them
  uint64_t ahead_end_ = 0;  // no unit from here on is marked
  std::unique_ptr<uint64_t[]> words_;
  std::unique_ptr<uint64_t[]> dirty_;  // one bit for each 64 words: some bit in them may be set
};

template <class NewRun>
uint64_t Coverage::add(uint64_t begin, uint64_t end, NewRun new_run) {
  begin = std::max(begin, prefix_);
  if (begin >= end) return 0;
  uint64_t added = 0;
  if (begin >= ahead_end_) {  // nothing marked there
    new_run(begin, end);
    added = end - begin;
  } else {
    for (uint64_t at = begin; at < end;) {
      const uint64_t run_begin = find(false, at, end);
      const uint64_t run_end = find(true, run_begin, end);
      if (run_begin < run_end) new_run(run_begin, run_end);
      added += run_end - run_begin;
      at = run_end;
    }
  }
  saw(begin, end, added);
  return added;
}

inline bool Coverage::add_if_new(uint64_t begin, uint64_t end) {
  if (begin < prefix_ || begin >= end) return false;
  if (begin < ahead_end_ && find(true, begin, end) < end) return false;
  saw(begin, end, end - begin);
  return true;
}

/// Units [begin, end) are seen now, `added` of them for the first time; begin is not below prefix_.
inline void Coverage::saw(uint64_t begin, uint64_t end, uint64_t added) {
  seen_ += added;
  if (begin == prefix_) {
    prefix_ = end < ahead_end_ ? find(false, end, ahead_end_) : end;
  } else {
    mark(begin, end);
    ahead_end_ = std::max(ahead_end_, end);
  }
}

inline uint64_t Coverage::find(bool marked, uint64_t from, uint64_t to) const {
  while (from < to) {
    uint64_t word = words_[from / kBits];
    if (!marked) word = ~word;
    word >>= from % kBits;
    if (word != 0) return std::min(to, from + static_cast<uint64_t>(std::countr_zero(word)));
    from = (from / kBits + 1) * kBits;
  }
  return to;
}

inline void Coverage::mark(uint64_t begin, uint64_t end) {
  const uint64_t first = begin / kBits;
  const uint64_t last = (end - 1) / kBits;
  const uint64_t first_mask = ~uint64_t{0} << (begin % kBits);
  const uint64_t last_mask = ~uint64_t{0} >> (kBits - 1 - (end - 1) % kBits);
  if (first == last) {
    words_[first] |= first_mask & last_mask;
  } else {
    words_[first] |= first_mask;
    for (uint64_t word = first + 1; word < last; ++word) words_[word] = ~uint64_t{0};
    words_[last] |= last_mask;
  }
  for (uint64_t group = first / kBits; group <= last / kBits; ++group)
    dirty_[group / kBits] |= uint64_t{1} << (group % kBits);
}

inline void Coverage::reset() {
  if (ahead_end_ > 0) {
    const uint64_t all = words(units_);
    const uint64_t touched = dirty_words(ahead_end_);
    for (uint64_t d = 0; d < touched; ++d) {
      for (uint64_t bits = dirty_[d]; bits != 0; bits &= bits - 1) {
        const uint64_t group = d * kBits + static_cast<uint64_t>(std::countr_zero(bits));
        std::fill(words_.get() + group * kBits, words_.get() + std::min(all, (group + 1) * kBits), 0);
      }
      dirty_[d] = 0;
    }
  }
  seen_ = prefix_ = ahead_end_ = 0;
}

}  // namespace onpath
