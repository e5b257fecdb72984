// How the memory of one sample inside a resize is divided. Used by the state that takes it and by the
// compiler that promises its size, so that the two cannot differ.
#pragma once

#include "stage/resize.h"

namespace onpath {

struct ResizeLayout {
  // Pool of rows: raw rows that are incomplete; with RowState::rows also reduced rows.
  uint32_t row_blocks = 0;
  uint64_t row_block_bytes = 0;
  // Pool of partial sums.
  uint32_t sum_blocks = 0;
  uint64_t sum_block_bytes = 0;
  // Scratch.
  uint64_t premultiplied_bytes = 0;  // one raw row
  uint64_t reduced_bytes = 0;        // one reduced row
  uint64_t output_bytes = 0;         // one output row, before alpha is divided out
  uint64_t final_bytes = 0;          // one output row
  uint32_t row_pointers = 0;         // of one output row

  uint64_t total_bytes(uint32_t in_rows, uint32_t out_rows) const;
};

/// Per input row: bytes seen, block, readers still to come. Per output row: rows still to come, block of
/// sums.
struct InputRow {
  uint32_t bytes;
  uint32_t block;
  uint32_t readers;
};
struct OutputRow {
  uint32_t missing;
  uint32_t block;
};

/// Windows of the vertical pass; one row each if there is none.
RowWindows vertical_windows(const ResizeStep& step);
/// The same of columns and the horizontal pass.
RowWindows horizontal_windows(const ResizeStep& step);
ResizeLayout resize_layout(const ResizeStep& step, RowState state, const RowWindows& windows);

}  // namespace onpath
