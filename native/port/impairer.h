// A bad network in a box: loses, doubles, damages and reorders frames, from a seeded generator. All memory
// comes from the caller.
#pragma once

#include <cstdint>
#include <vector>

#include "port/frame_ring.h"
#include "port/memory_port.h"

namespace onpath {

class Impairer {
 public:
  Impairer(const Impairments& what, uint32_t queue);

  bool active() const { return active_; }
  /// Frames it may keep at a time.
  static uint32_t most_held(const Impairments& what) { return what.reorder_span + 2; }

  /// What happens to the next frame. Draws the same numbers for every frame, so fates do not depend on
  /// timing.
  struct Fate {
    bool lost = false;
    bool doubled = false;
  };
  Fate decide();
  /// Damages the frame if its turn has come.
  void damage(Frame& frame);

  bool has_room() const { return held_.size() + 2 <= held_.capacity(); }
  void hold(const Frame& frame) { held_.push_back(frame); }
  /// A frame whose time to leave has come: more are held than the window spans, or `drain` says that no more
  /// will come.
  bool leave(bool drain, Frame& out);
  bool holds() const { return !held_.empty(); }

 private:
  uint64_t random();
  bool happens(uint64_t threshold) { return random() < threshold; }

  const bool active_;
  const uint64_t lose_below_;
  const uint64_t double_below_;
  const uint64_t damage_below_;
  const uint32_t span_;
  uint64_t state_;
  std::vector<Frame> held_;
};

}  // namespace onpath
