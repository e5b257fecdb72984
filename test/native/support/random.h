// The tests' random numbers: tiny, deterministic, and the same in C++, TypeScript and Python, so that golden
// noise needs no file.
//   state = state * 6364136223846793005 + 1442695040888963407 (mod 2^64); each call gives the upper 32 bits
//   of the new state.
// A byte of noise is the upper 8 bits.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

namespace onpath::testing {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint32_t next() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<uint32_t>(state_ >> 32);
  }
  uint8_t byte() { return static_cast<uint8_t>(next() >> 24); }
  /// 0 <= value < bound.
  uint32_t below(uint32_t bound) { return static_cast<uint32_t>(uint64_t{next()} * bound >> 32); }
  uint32_t between(uint32_t first, uint32_t last) { return first + below(last - first + 1); }
  bool one_in(uint32_t n) { return below(n) == 0; }

  std::vector<uint8_t> noise(size_t n) {
    std::vector<uint8_t> bytes(n);
    for (uint8_t& b : bytes) b = byte();
    return bytes;
  }
  template <class T>
  void shuffle(std::vector<T>& values) {
    for (size_t i = values.size(); i > 1; --i)
      std::swap(values[i - 1], values[below(static_cast<uint32_t>(i))]);
  }

 private:
  uint64_t state_;
};

/// The seed of randomized tests: ONPATH_TEST_SEED, or a fixed one.
inline uint64_t test_seed() {
  const char* text = std::getenv("ONPATH_TEST_SEED");
  return text == nullptr ? 20240607 : std::strtoull(text, nullptr, 10);
}

}  // namespace onpath::testing
