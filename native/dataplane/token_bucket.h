// A rate that may not be exceeded: tokens come at a constant rate and each packet takes some. The bucket
// holds those of one second. Exact: counted in billionths of a token, so that no rate is rounded. Hot path.
#pragma once

#include <algorithm>
#include <cstdint>

namespace onpath {

class TokenBucket {
 public:
  /// The greatest rate: what comes in a second must fit 64 bits, in billionths.
  static constexpr uint64_t kMostPerSecond = 16'000'000'000;

  /// Tokens a second, at most kMostPerSecond, and at least what the greatest packet takes; 0: no limit.
  struct Rate {
    uint64_t per_second = 0;
    uint64_t least = 1;  // the bucket holds at least so many, or a slow rate would never let a packet through
  };

  void fill(const Rate& rate) { billionths_ = capacity(rate); }
  /// So many nanoseconds have passed, at most a second.
  void pass(const Rate& rate, uint64_t elapsed_ns) {
    const uint64_t most = capacity(rate);
    const uint64_t room = most - billionths_;
    billionths_ += std::min(room, std::min(elapsed_ns, kSecond) * rate.per_second);
  }
  bool has(uint64_t tokens) const { return billionths_ >= tokens * kSecond; }
  /// Only if it has() them.
  void take(uint64_t tokens) { billionths_ -= tokens * kSecond; }
  /// They were not used after all.
  void put_back(uint64_t tokens) { billionths_ += tokens * kSecond; }

 private:
  static constexpr uint64_t kSecond = 1'000'000'000;

  static uint64_t capacity(const Rate& rate) { return std::max(rate.per_second, rate.least) * kSecond; }

  uint64_t billionths_ = 0;
};

}  // namespace onpath
