// So many events per second, and so many at once: the time up to which events have been spent is kept.
#pragma once

#include <cstdint>

namespace onpath {

class RateLimit {
 public:
  RateLimit() = default;
  /// Both at least 1.
  RateLimit(uint64_t per_second, uint64_t burst)
      : each_ns_(per_second >= kSecond ? 1 : kSecond / per_second), most_ns_(each_ns_ * burst) {}

  /// Whether one more may be.
  bool take(uint64_t now) {
    if (now > most_ns_ && spent_ns_ < now - most_ns_) spent_ns_ = now - most_ns_;
    if (spent_ns_ >= now) return false;
    spent_ns_ += each_ns_;
    return true;
  }

 private:
  static constexpr uint64_t kSecond = 1'000'000'000;

  uint64_t each_ns_ = kSecond;
  uint64_t most_ns_ = kSecond;
  uint64_t spent_ns_ = 0;
};

}  // namespace onpath
