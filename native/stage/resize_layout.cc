// Sizes of the memory of a resize, and the choice between equivalent layouts.
#include "stage/resize_layout.h"

#include <algorithm>

#include "stage/block_pool.h"

namespace onpath {

ResizeLayout resize_layout(const ResizeStep& step, RowState state, const RowWindows& windows) {
  ResizeLayout layout;
  const uint32_t rows = windows.rows_read();
  const uint64_t raw = step.raw_row_bytes();
  const uint64_t reduced = step.reduced_row_bytes();
  switch (state) {
    case RowState::none:
      layout.row_blocks = rows;
      layout.row_block_bytes = raw;
      break;
    case RowState::rows:
      // A row is raw or reduced, never both but while it is being reduced: one block more than rows.
      layout.row_blocks = rows + 1;
      layout.row_block_bytes = std::max(raw, reduced);
      layout.row_pointers = windows.most_rows_of_one();
      break;
    case RowState::sums:
      layout.row_blocks = rows;
      layout.row_block_bytes = raw;
      layout.sum_blocks = step.out_height;
      layout.sum_block_bytes = step.out_row_bytes() * sizeof(int32_t);
      break;
  }
  if (step.premultiply) {
    layout.premultiplied_bytes = raw;
    layout.final_bytes = step.out_row_bytes();
  }
  layout.reduced_bytes = state == RowState::rows ? 0 : reduced;
  layout.output_bytes = step.out_row_bytes();
  return layout;
}

uint64_t ResizeLayout::total_bytes(uint32_t in_rows, uint32_t out_rows) const {
  return BlockPool::memory_bytes(row_blocks, row_block_bytes) +
         BlockPool::memory_bytes(sum_blocks, sum_block_bytes) + round_up_to_line(premultiplied_bytes) +
         round_up_to_line(reduced_bytes) + round_up_to_line(output_bytes) + round_up_to_line(final_bytes) +
         row_pointers * sizeof(void*) + uint64_t{in_rows} * sizeof(InputRow) +
         uint64_t{out_rows} * sizeof(OutputRow) + 512;  // the object itself
}

RowWindows vertical_windows(const ResizeStep& step) {
  if (step.lerps()) return windows_of(*step.lerp_y);
  return step.y != nullptr ? windows_of(*step.y) : windows_of_no_pass(step.in_height);
}

RowWindows horizontal_windows(const ResizeStep& step) {
  if (step.lerps()) return windows_of(*step.lerp_x);
  return step.x != nullptr ? windows_of(*step.x) : windows_of_no_pass(step.in_width);
}

ResizeCost resize_cost(const ResizeStep& step, RowState state) {
  const RowWindows windows = vertical_windows(step);
  ResizeCost cost;
  cost.state_bytes = resize_layout(step, state, windows).total_bytes(step.in_height, step.out_height);
  cost.window_bytes = step.raw_row_bytes();
  if (state == RowState::rows) cost.window_bytes += windows.rows_kept_in_order() * step.reduced_row_bytes();
  if (state == RowState::sums) {
    cost.window_bytes += windows.outputs_open_in_order() * step.out_row_bytes() * sizeof(int32_t);
  }
  return cost;
}

RowState choose_row_state(const ResizeStep& step) {
  if (step.lerps()) return RowState::rows;
  if (step.y == nullptr) return RowState::none;
  const uint64_t rows = resize_cost(step, RowState::rows).state_bytes;
  const uint64_t sums = resize_cost(step, RowState::sums).state_bytes;
  return sums < rows ? RowState::sums : RowState::rows;
}

}  // namespace onpath
