// The bytes of a text that came before their turn: a window that begins at the next byte in order. First
// bytes win. Memory is taken once. Hot path: no allocation, no lock, no system call.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>

namespace onpath {

class WaitingBytes {
 public:
  static constexpr uint64_t kLeastBytes = 64;

  /// Room for `most_bytes`, up to the next power of two.
  explicit WaitingBytes(uint64_t most_bytes)
      : mask_(window_bytes(most_bytes) - 1),
        bytes_(std::make_unique<uint8_t[]>(mask_ + 1)),
        marks_(std::make_unique<uint64_t[]>((mask_ + 1) / 64)) {}

  static uint64_t window_bytes(uint64_t most_bytes) {
    return std::bit_ceil(std::max(most_bytes, kLeastBytes));
  }
  static uint64_t memory_bytes(uint64_t most_bytes) {
    const uint64_t window = window_bytes(most_bytes);
    return window + window / 8;
  }

  void reset() {
    for (uint64_t at = next_ / 64; waiting_ > 0 && at <= end_ / 64; ++at) marks_[at & (mask_ >> 6)] = 0;
    next_ = end_ = waiting_ = 0;
  }

  /// How many bytes in order have been taken.
  uint64_t next() const { return next_; }
  /// One past the last byte that came.
  uint64_t end() const { return end_; }
  uint64_t waiting() const { return waiting_; }

  /// Whether a chunk lies in the window or begins at or before its beginning, so that take() may be called.
  bool takes(uint64_t offset, uint64_t size) const {
    return offset <= next_ || (size <= mask_ + 1 && offset - next_ <= mask_ + 1 - size);
  }

  /// Takes a chunk; hands on what is in order now, run by run, as long as `hand_on` says true. Returns how
  /// many bytes were new.
  template <class HandOn>
  uint64_t take(uint64_t offset, std::span<const uint8_t> bytes, HandOn hand_on);

 private:
  bool marked(uint64_t at) const { return marks_[(at & mask_) >> 6] >> (at & 63) & 1; }
  /// The end of the run from `at` of bytes that are marked, or not; at most `limit`.
  uint64_t run_end(bool are_marked, uint64_t at, uint64_t limit) const {
    while (at < limit) {
      uint64_t word = marks_[(at & mask_) >> 6];
      if (are_marked) word = ~word;
      word >>= at & 63;
      if (word != 0) return std::min(limit, at + static_cast<uint64_t>(std::countr_zero(word)));
      at = (at / 64 + 1) * 64;
    }
    return limit;
  }
  template <bool set>
  void mark(uint64_t begin, uint64_t end) {
    while (begin < end) {
      const uint64_t to = std::min(end, (begin / 64 + 1) * 64);
      const uint64_t count = to - begin;
      const uint64_t bits = (count == 64 ? ~uint64_t{0} : (uint64_t{1} << count) - 1) << (begin & 63);
      uint64_t& word = marks_[(begin & mask_) >> 6];
      word = set ? word | bits : word & ~bits;
      begin = to;
    }
  }

  const uint64_t mask_;
  const std::unique_ptr<uint8_t[]> bytes_;
  const std::unique_ptr<uint64_t[]> marks_;  // of each byte of the window
  uint64_t next_ = 0, end_ = 0;
  uint64_t waiting_ = 0;
};

template <class HandOn>
uint64_t WaitingBytes::take(uint64_t offset, std::span<const uint8_t> bytes, HandOn hand_on) {
  const uint64_t end = offset + bytes.size();
  uint64_t fresh = 0;
  if (offset > next_) {  // before its turn
    for (uint64_t at = offset; at < end;) {
      const uint64_t begin = run_end(true, at, end);
      at = run_end(false, begin, end);
      for (uint64_t from = begin; from < at;) {
        const uint64_t count = std::min(at - from, mask_ + 1 - (from & mask_));
        std::memcpy(&bytes_[from & mask_], &bytes[from - offset], count);
        from += count;
      }
      mark<true>(begin, at);
      fresh += at - begin;
    }
    waiting_ += fresh;
    end_ = std::max(end_, end);
    return fresh;
  }
  const uint64_t known_end = std::max(end, end_);
  while (next_ < known_end) {
    if (waiting_ > 0 && marked(next_)) {
      // A run ends where the window wraps, too.
      const uint64_t wrap = (next_ | mask_) + 1;
      const uint64_t to = run_end(true, next_, std::min(known_end, wrap));
      const std::span<const uint8_t> run(&bytes_[next_ & mask_], to - next_);
      mark<false>(next_, to);
      waiting_ -= run.size();
      next_ = to;
      if (!hand_on(run)) break;
      continue;
    }
    if (next_ >= end) break;
    const uint64_t to = waiting_ > 0 ? run_end(false, next_, std::min(end, next_ + mask_ + 1)) : end;
    const auto run = bytes.subspan(next_ - offset, to - next_);
    fresh += run.size();
    next_ = to;
    if (!hand_on(run)) break;
  }
  end_ = std::max(end_, next_);
  return fresh;
}

}  // namespace onpath
