// Which RTP timestamps of a stream are finished with. Bounded, and safe across the wrap of the 32-bit clock:
// a timestamp that was closed is either remembered here or not newer than `floor`, so no late packet can open
// its sample a second time.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

namespace onpath {

class ClosedTimestamps {
 public:
  static constexpr uint32_t kRemembered = 64;

  void clear() { count_ = 0; }

  /// True if a packet with this timestamp comes too late: its sample was closed, or is older than all that
  /// are remembered.
  bool contains(uint32_t timestamp) const {
    if (count_ > kRemembered && distance_from_floor(timestamp) <= 0) return true;
    // Without a way out, so that several are compared at a time; places not filled yet hold what is held.
    bool found = false;
    for (const uint32_t remembered : remembered_) found |= remembered == timestamp;
    return found && count_ > 0;
  }

  /// Remembers a timestamp that contains() does not know yet. When full, the oldest in serial order is
  /// forgotten and becomes the floor: from then on all that is remembered lies less than half the clock's
  /// circle above it.
  void add(uint32_t timestamp) {
    if (count_ < kRemembered) {
      if (count_ == 0) remembered_.fill(timestamp);
      remembered_[count_++] = timestamp;
      return;
    }
    // Before there is a floor, ages are measured against the timestamp being added.
    const uint32_t reference = count_ > kRemembered ? floor_ : timestamp;
    const auto age = [reference](uint32_t candidate) { return static_cast<int32_t>(candidate - reference); };
    int32_t least = age(timestamp);
    for (const uint32_t candidate : remembered_) least = std::min(least, age(candidate));
    uint32_t* oldest = &timestamp;
    if (age(timestamp) != least) {
      // In order it stands behind the one that was forgotten before.
      while (age(remembered_[next_]) != least) next_ = (next_ + 1) % kRemembered;
      oldest = &remembered_[next_];
      next_ = (next_ + 1) % kRemembered;
    }
    // An entry half a circle ahead counts as old; forgetting it must not pull the floor back.
    if (count_ == kRemembered || distance_from_floor(*oldest) > 0) floor_ = *oldest;
    if (oldest != &timestamp) *oldest = timestamp;
    count_ = kRemembered + 1;
  }

 private:
  int32_t distance_from_floor(uint32_t timestamp) const { return static_cast<int32_t>(timestamp - floor_); }

  uint32_t count_ = 0;  // kRemembered + 1: full, and floor_ is set
  uint32_t floor_ = 0;
  uint32_t next_ = 0;  // where the search for the oldest begins
  std::array<uint32_t, kRemembered> remembered_{};
};

}  // namespace onpath
