// The order in which the bytes of a serialized image travel, in closed form. Pixels travel in blocks: rows
// and columns fall into bands; for each band of rows, for each band of columns, the pixels where they cross,
// row by row. One band of each is row-major order; bands of first use are tiles. Rows and columns that do not
// travel stand in no band. Memory grows with width + height; nothing is kept per pixel.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace onpath {

/// memcpy of a piece of a block: mostly a few pixels, where a call would cost more than the copy.
inline void copy_piece(const uint8_t* src, size_t n, uint8_t* dst) {
  const auto ends = [=]<size_t kBytes>() {  // the first and the last so many, which may overlap
    uint8_t head[kBytes], tail[kBytes];
    std::memcpy(head, src, kBytes);
    std::memcpy(tail, src + n - kBytes, kBytes);
    std::memcpy(dst, head, kBytes);
    std::memcpy(dst + n - kBytes, tail, kBytes);
  };
  if (n > 32) {
    std::memcpy(dst, src, n);
  } else if (n > 16) {
    ends.template operator()<16>();
  } else if (n > 8) {
    ends.template operator()<8>();
  } else if (n >= 4) {
    ends.template operator()<4>();
  } else {
    for (size_t i = 0; i < n; ++i) dst[i] = src[i];
  }
}

/// One side. Rows (or columns) that travel are numbered in ascending order: "sent" numbers.
struct AxisOrder {
  static constexpr uint32_t kNotSent = UINT32_MAX;

  uint32_t size = 0;                 // rows of the image
  std::vector<uint32_t> position;    // [sent] row of the image
  std::vector<uint32_t> band;        // [sent] its band
  std::vector<uint32_t> run_end;     // [sent] sent number after the last of the neighbours that follow it
  std::vector<uint32_t> band_begin;  // [bands + 1] sent number of a band's first row

  uint32_t sent() const { return static_cast<uint32_t>(position.size()); }
  uint32_t bands() const { return band_begin.empty() ? 0 : static_cast<uint32_t>(band_begin.size() - 1); }
  uint32_t band_size(uint32_t b) const { return band_begin[b + 1] - band_begin[b]; }
  uint32_t widest_band() const;
  bool all_sent() const { return sent() == size; }
};

/// `band_of`: the band of each row or column, or AxisOrder::kNotSent. Bands count up from 0 and never
/// decrease.
AxisOrder make_axis_order(std::span<const uint32_t> band_of);

struct SampleOrder {
  uint32_t channels = 0;  // bytes of a pixel
  bool planar = false;    // all of channel 0, then channel 1, ...; rows and columns are one band each
  AxisOrder rows;
  AxisOrder columns;

  uint64_t pixels() const { return uint64_t{rows.sent()} * columns.sent(); }
  uint64_t bytes() const { return pixels() * channels; }
  uint64_t table_bytes() const;
  /// Whether pixels (of a plane) travel row after row: blocks are whole rows, or pieces of single ones.
  bool row_by_row() const { return columns.bands() <= 1 || rows.bands() == rows.sent(); }
  /// Rows of the image that are incomplete at most when chunks come in order.
  uint32_t rows_at_once() const { return row_by_row() ? 1 : rows.widest_band(); }
};

/// Puts an image into this order. Rows begin `stride` bytes apart, width * channels or more. Writes bytes().
void serialize(const SampleOrder& order, const uint8_t* image, uint64_t stride, uint8_t* out);

/// Calls on_run(offset, bytes) for the pieces of a serialized run (not planar), which lie at `offset` of the
/// row-major image. No piece is longer than what one row of a block holds without a gap.
template <class OnRun>
void for_each_image_run(const SampleOrder& order, uint64_t offset, std::span<const uint8_t> bytes,
                        OnRun on_run) {
  const uint64_t channels = order.channels;
  const uint64_t sent_columns = order.columns.sent();
  const AxisOrder& columns = order.columns;
  const uint64_t image_row = uint64_t{columns.size} * channels;
  uint64_t pixel = offset / channels;
  uint64_t in_pixel = offset % channels;
  size_t done = 0;
  while (done < bytes.size()) {
    const uint32_t row_band = order.rows.band[pixel / sent_columns];
    const uint32_t row_begin = order.rows.band_begin[row_band];
    const uint64_t height = order.rows.band_size(row_band);
    const uint64_t in_band = pixel - row_begin * sent_columns;
    // One row is one block, whatever the columns.
    uint32_t first = 0;
    uint32_t end = columns.sent();
    if (height > 1) {
      const uint32_t band = columns.band[in_band / height];
      first = columns.band_begin[band];
      end = columns.band_begin[band + 1];
    }
    const uint64_t width = end - first;
    const uint64_t in_block = in_band - first * height;
    uint64_t row = in_block / width;
    uint32_t column = first + static_cast<uint32_t>(in_block % width);
    pixel = row_begin * sent_columns + end * height;  // where the next block begins
    for (; row < height && done < bytes.size(); ++row, column = first) {
      const uint64_t line = order.rows.position[row_begin + row] * image_row;
      while (column < end && done < bytes.size()) {
        const uint32_t run_end = std::min(columns.run_end[column], end);
        const uint64_t n = std::min<uint64_t>((run_end - column) * channels - in_pixel, bytes.size() - done);
        on_run(line + columns.position[column] * channels + in_pixel, bytes.subspan(done, n));
        done += n;
        column = run_end;
        in_pixel = 0;
      }
    }
  }
}

}  // namespace onpath
