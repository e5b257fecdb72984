// Dealing the taps of a resampled row to vector lanes, once per row geometry, so that the inner loop only
// loads, shuffles, multiplies and adds. Vector code says what its vectors look like (VectorShape) and how it
// wants one step encoded. Must not know: instruction sets.
//
// A vector is `blocks` blocks of `lanes` 32-bit sums. In one step a block loads `window` consecutive bytes of
// the row and adds four taps to each sum. A block works on up to `pixels` neighbouring output pixels at a
// time, as many as find their taps in one window; when an output pixel has many taps, `split` sums share it,
// each with every split-th group of four taps, and are added up at the end. The lane of share s, pixel p,
// channel c is (s * pixels + p) * channels + c. Groups of output pixels that look alike relative to their
// first byte share their steps: with rational scales there are few different ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernel/kernels.h"

namespace onpath {

constexpr uint32_t kTapsPerLane = 4;
constexpr uint32_t kMaxBlocks = 4;

/// What one sum adds in one step: bytes of the block's window times weights. Unused taps have weight 0 and
/// index 0.
struct LaneTaps {
  uint8_t index[kTapsPerLane] = {};
  int32_t weight[kTapsPerLane] = {};
};

struct VectorShape {
  uint32_t blocks = 1;
  uint32_t lanes = 0;       // per block
  uint32_t window = 0;      // bytes one block loads in a step
  uint32_t step_bytes = 0;  // of one encoded step
  int32_t least_weight = 0;
  int32_t greatest_weight = 0;
  /// Encodes blocks * lanes LaneTaps into step_bytes bytes.
  void (*encode)(const LaneTaps* taps, uint8_t* step) = nullptr;
};

/// One group of output pixels, dealt to the blocks in order.
struct RowGroup {
  uint32_t first_step = 0;
  uint32_t steps = 0;
  uint32_t offset[kMaxBlocks] =
      {};                           // bytes from the start of the row to the window of the block's first step
  uint32_t bytes[kMaxBlocks] = {};  // of output that the block makes
};

/// The head of prepared memory. It may be copied elsewhere; only the alignment of its steps was chosen for
/// where it was made.
struct RowPlan {
  uint32_t pixels = 0;
  uint32_t split = 0;
  uint32_t groups = 0;
  uint32_t stride = 0;        // bytes from one step's window to the next
  uint32_t last_offset = 0;   // windows that would reach past the row are moved back to here
  uint32_t steps_offset = 0;  // bytes from this head to the encoded steps
};

/// Prepared memory may have any alignment, so it is read by copying.
inline RowPlan row_plan_of(const void* prepared) {
  RowPlan plan;
  std::memcpy(&plan, prepared, sizeof plan);
  return plan;
}
/// A group where it lies; each member is read by itself, as few are needed at a time.
class RowGroupView {
 public:
  RowGroupView(const void* prepared, uint32_t group)
      : at_(static_cast<const uint8_t*>(prepared) + sizeof(RowPlan) + size_t{group} * sizeof(RowGroup)) {}
  uint32_t first_step() const { return read(offsetof(RowGroup, first_step)); }
  uint32_t steps() const { return read(offsetof(RowGroup, steps)); }
  uint32_t offset(uint32_t block) const {
    return read(offsetof(RowGroup, offset) + block * sizeof(uint32_t));
  }
  uint32_t bytes(uint32_t block) const { return read(offsetof(RowGroup, bytes) + block * sizeof(uint32_t)); }

 private:
  uint32_t read(size_t member) const {
    uint32_t value;
    std::memcpy(&value, at_ + member, sizeof value);
    return value;
  }
  const uint8_t* at_;
};

/// Bytes that write_row_plan() needs; 0 if this shape cannot take the weights (then there is no plan and the
/// definition runs).
size_t row_plan_bytes(const ResampleRow& row, const VectorShape& shape);
void write_row_plan(const ResampleRow& row, const VectorShape& shape, void* prepared);

}  // namespace onpath
