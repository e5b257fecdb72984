// Windows of rows, from weights.
#include "stage/row_windows.h"

#include <algorithm>

namespace onpath {
namespace {

void fill_readers(uint32_t in_rows, RowWindows* windows) {
  const uint32_t outs = windows->out_rows();
  windows->reader_begin.resize(in_rows);
  windows->reader_end.resize(in_rows);
  uint32_t begin = 0;
  uint32_t end = 0;
  for (uint32_t row = 0; row < in_rows; ++row) {
    while (begin < outs && windows->first[begin] + windows->count[begin] <= row) ++begin;
    while (end < outs && windows->first[end] <= row) ++end;
    windows->reader_begin[row] = begin;
    windows->reader_end[row] = std::max(begin, end);
  }
}

/// Columns or rows with a weight: {first, count}.
struct Read {
  uint32_t first;
  uint32_t count;
};
Read lerp_reads(const LerpWeights& weights, size_t i) {
  if (weights.w1[i] == 0 || weights.i0[i] == weights.i1[i]) return {weights.i0[i], 1};
  if (weights.w0[i] == 0) return {weights.i1[i], 1};
  return {weights.i0[i], 2};
}

}  // namespace

RowWindows windows_of(const ResampleWeights& weights) {
  RowWindows windows;
  windows.first = weights.first;
  windows.count.assign(weights.count.begin(), weights.count.end());
  fill_readers(weights.in_size, &windows);
  return windows;
}

RowWindows windows_of(const LerpWeights& weights) {
  RowWindows windows;
  for (size_t i = 0; i < weights.out_size; ++i) {
    const Read read = lerp_reads(weights, i);
    windows.first.push_back(read.first);
    windows.count.push_back(read.count);
  }
  fill_readers(weights.in_size, &windows);
  return windows;
}

RowWindows windows_of(const NearestPositions& positions) {
  RowWindows windows;
  windows.first = positions.position;
  windows.count.assign(positions.out_size, 1);
  fill_readers(positions.in_size, &windows);
  return windows;
}

RowWindows windows_of_no_pass(uint32_t rows) {
  RowWindows windows;
  for (uint32_t row = 0; row < rows; ++row) {
    windows.first.push_back(row);
    windows.reader_begin.push_back(row);
    windows.reader_end.push_back(row + 1);
  }
  windows.count.assign(rows, 1);
  return windows;
}

bool windows_ordered(const ResampleWeights& weights) {
  uint64_t last_first = 0;
  uint64_t last_end = 0;
  for (size_t i = 0; i < weights.out_size; ++i) {
    const uint64_t first = weights.first[i];
    const uint64_t end = first + weights.count[i];
    if (weights.count[i] == 0 || end > weights.in_size || first < last_first || end < last_end) return false;
    last_first = first;
    last_end = end;
  }
  return true;
}

bool windows_ordered(const LerpWeights& weights) {
  uint64_t last_first = 0;
  uint64_t last_end = 0;
  for (size_t i = 0; i < weights.out_size; ++i) {
    const uint64_t i0 = weights.i0[i];
    const uint64_t i1 = weights.i1[i];
    if (i1 < i0 || i1 > i0 + 1 || i1 >= weights.in_size) return false;
    const Read read = lerp_reads(weights, i);
    const uint64_t end = uint64_t{read.first} + read.count;
    if (read.first < last_first || end < last_end) return false;
    last_first = read.first;
    last_end = end;
  }
  return true;
}

uint32_t RowWindows::rows_read() const {
  uint32_t rows = 0;
  for (uint32_t row = 0; row < in_rows(); ++row) rows += reader_begin[row] < reader_end[row] ? 1 : 0;
  return rows;
}

uint32_t RowWindows::most_rows_of_one() const {
  return count.empty() ? 0 : *std::max_element(count.begin(), count.end());
}

uint32_t RowWindows::rows_kept_in_order() const {
  uint32_t most = 0;
  for (uint32_t row = 0; row + 1 < in_rows(); ++row) {
    // Output rows below reader_begin[row + 1] are finished once `row` has come.
    const uint32_t next = reader_begin[row + 1];
    if (next < out_rows() && first[next] <= row) most = std::max(most, row + 1 - first[next]);
  }
  return most;
}

uint32_t RowWindows::outputs_open_in_order() const {
  uint32_t most = 0;
  for (uint32_t row = 0; row < in_rows(); ++row) {
    most = std::max(most, reader_end[row] - std::min(reader_begin[row], reader_end[row]));
  }
  return most;
}

}  // namespace onpath
