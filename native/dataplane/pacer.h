// A token bucket of bytes: over any time no more leaves than the rate allows and one burst.
#pragma once

#include <algorithm>
#include <cstdint>

namespace onpath {

class Pacer {
 public:
  /// No limit.
  Pacer() = default;
  /// `burst_bytes` 0: what the rate gives in a millisecond. At least one packet of `packet_bytes` either way.
  Pacer(double bits_per_second, uint64_t burst_bytes, uint64_t packet_bytes)
      : bytes_per_ns_(bits_per_second / 8e9),
        burst_(std::max(static_cast<double>(packet_bytes),
                        burst_bytes > 0 ? static_cast<double>(burst_bytes) : bytes_per_ns_ * kDefaultNs)),
        quantum_(std::clamp(bytes_per_ns_ * kQuantumNs, static_cast<double>(packet_bytes), burst_)),
        credit_(burst_) {}

  bool limits() const { return bytes_per_ns_ > 0; }
  /// Bytes that may leave at `now`; less than none after spending more than there was.
  double credit(uint64_t now) {
    if (last_ns_ != 0 && now > last_ns_)
      credit_ = std::min(burst_, credit_ + static_cast<double>(now - last_ns_) * bytes_per_ns_);
    last_ns_ = std::max(last_ns_, now);
    return credit_;
  }
  void spend(uint64_t bytes) { credit_ -= static_cast<double>(bytes); }
  /// How long until it is worth sending again: until there is credit for some packets, so that a thread is
  /// not woken for each one at high rates. 0: now.
  uint64_t wait_ns(uint64_t now) {
    const double missing = quantum_ - credit(now);
    return missing <= 0 ? 0 : static_cast<uint64_t>(missing / bytes_per_ns_) + 1;
  }

 private:
  static constexpr double kDefaultNs = 1'000'000;
  static constexpr double kQuantumNs = 200'000;

  double bytes_per_ns_ = 0;
  double burst_ = 0;
  double quantum_ = 0;
  double credit_ = 0;
  uint64_t last_ns_ = 0;
};

}  // namespace onpath
