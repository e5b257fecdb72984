// Which input rows each output row of a vertical pass reads, and which output rows read an input row. Pure
// index work.
#pragma once

#include <cstdint>
#include <vector>

#include "table/lerp_weights.h"
#include "table/nearest_positions.h"
#include "table/resample_weights.h"

namespace onpath {

struct RowWindows {
  // Per output row: the rows [first, first + count). Both ends never decrease from one output row to the
  // next.
  std::vector<uint32_t> first;
  std::vector<uint32_t> count;
  // Per input row: the output rows [reader_begin, reader_end) read it; empty if none does.
  std::vector<uint32_t> reader_begin;
  std::vector<uint32_t> reader_end;

  uint32_t in_rows() const { return static_cast<uint32_t>(reader_begin.size()); }
  uint32_t out_rows() const { return static_cast<uint32_t>(first.size()); }
  /// Input rows that some output row reads.
  uint32_t rows_read() const;
  uint32_t most_rows_of_one() const;
  /// Input rows that have come but are still needed, at most, when rows come in order.
  uint32_t rows_kept_in_order() const;
  /// Output rows that have been begun but not finished, at most, when rows come in order.
  uint32_t outputs_open_in_order() const;
};

RowWindows windows_of(const ResampleWeights& weights);
/// A row of weight zero is not read.
RowWindows windows_of(const LerpWeights& weights);

/// Each output row reads one row.
RowWindows windows_of(const NearestPositions& positions);

/// Each row is read by the output row of the same number.
RowWindows windows_of_no_pass(uint32_t rows);

/// Whether both ends never decrease and every window lies in the input: what the functions above need.
bool windows_ordered(const ResampleWeights& weights);
bool windows_ordered(const LerpWeights& weights);

}  // namespace onpath
