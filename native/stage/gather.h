// Nearest neighbour: every output pixel is one input pixel, copied wherever it shows. Nothing is held back;
// an input pixel may show many times, or never.
#pragma once

#include <cstdint>
#include <memory>

#include "stage/stage.h"
#include "table/nearest_positions.h"

namespace onpath {

struct GatherStep {
  uint32_t channels = 0;                         // 1..4
  std::shared_ptr<const NearestPositions> x, y;  // columns and rows; never null

  uint64_t in_row_bytes() const { return uint64_t{x->in_size} * channels; }
  uint64_t out_row_bytes() const { return uint64_t{x->out_size} * channels; }
};

/// Throws std::bad_alloc.
std::unique_ptr<Stage> make_gather_stage(const GatherStep& step);

/// Bytes that one sample's state takes: one output row, and the object.
uint64_t gather_state_bytes(const GatherStep& step);

}  // namespace onpath
