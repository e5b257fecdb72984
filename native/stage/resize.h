// Separable resizing of 8-bit pixels, in any order of bytes, equal to the whole-image definition bit for bit:
// integer sums commute, and every rounding happens once all that it needs is there.
//   raw row (bytes of one input row)  --horizontal pass-->  reduced row  --vertical pass-->  output row
#pragma once

#include <cstdint>
#include <memory>

#include "kernel/kernels.h"
#include "stage/row_windows.h"
#include "stage/stage.h"
#include "table/lerp_weights.h"
#include "table/resample_weights.h"

namespace onpath {

/// What is kept between the passes. Values are part of the plan's byte form.
enum class RowState : uint8_t {
  none = 0,  // no vertical pass: reduced rows are output rows
  rows = 1,  // reduced rows, until no output row needs them
  sums = 2,  // 32-bit partial sums of the output rows that have been begun (windows only)
};

/// How two neighbours are put together. Values are part of the plan's byte form.
enum class LerpArithmetic : uint8_t {
  exact = 0,   // rationals over one denominator, rounded once, half to even (exact4)
  fixed11 = 1  // OpenCV's: weights of 11 bits, four more bits dropped between the passes
};

struct ResizeStep {
  uint32_t in_width = 0;     // pixels
  uint32_t in_height = 0;    // pixels
  uint32_t out_width = 0;    // pixels
  uint32_t out_height = 0;   // pixels
  uint32_t channels = 0;     // 1..4
  bool premultiply = false;  // 4 channels, alpha last: multiplied in before, divided out after
  RowState state = RowState::none;
  // Windows of weights: null for a pass that is skipped because that side is unchanged.
  std::shared_ptr<const ResampleWeights> x, y;
  // Two neighbours: both or none; then there are no windows.
  std::shared_ptr<const LerpWeights> lerp_x, lerp_y;
  LerpArithmetic arithmetic = LerpArithmetic::exact;

  bool lerps() const { return lerp_x != nullptr; }
  uint64_t raw_row_bytes() const { return uint64_t{in_width} * channels; }
  uint64_t out_row_bytes() const { return uint64_t{out_width} * channels; }
  /// Between the passes lerps keep sums of 32 bits, windows keep bytes.
  uint64_t reduced_row_bytes() const { return out_row_bytes() * (lerps() ? 4 : 1); }
};

/// What the bytes of one row need to be counted and what a layout takes. Worst case over all orders of
/// arrival.
struct ResizeCost {
  uint64_t state_bytes = 0;
  uint64_t window_bytes = 0;  // held back at most when chunks come in order
};

/// What `step` would cost with the layout `state`.
ResizeCost resize_cost(const ResizeStep& step, RowState state);

/// The layout with the smallest worst case among those that fit the step.
RowState choose_row_state(const ResizeStep& step);

/// Throws std::bad_alloc.
std::unique_ptr<Stage> make_resize_stage(const ResizeStep& step, const KernelSet& kernels);

}  // namespace onpath
