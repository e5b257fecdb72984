// From serialized to image offsets.
#include "stage/reorder.h"

#include <algorithm>

#include "stage/block_pool.h"

namespace onpath {
namespace {

uint64_t line_bytes(const SampleOrder& order) {
  return order.row_by_row() ? 0 : uint64_t{order.columns.sent()} * order.channels;
}

/// Pieces go on as they come; but the rows of whole blocks that stand side by side go on as rows of all of
/// them, as a call for each piece would cost far more than putting them together.
class MoveState final : public StageState {
 public:
  explicit MoveState(const SampleOrder& order)
      : order_(order),
        row_bytes_(uint64_t{order.columns.sent()} * order.channels),
        line_(line_memory(line_bytes(order))) {}
  void begin(Downstream& next) override { next_ = &next; }

  void take(uint64_t offset, std::span<const uint8_t> bytes) override {
    if (order_.row_by_row()) return take_pieces(offset, bytes);
    const AxisOrder& rows = order_.rows;
    while (!bytes.empty()) {
      const uint32_t band = rows.band[offset / row_bytes_];
      const uint64_t end = rows.band_begin[band + 1] * row_bytes_;
      const uint64_t n = std::min<uint64_t>(end - offset, bytes.size());
      take_in_band(band, offset, bytes.first(n));
      offset += n;
      bytes = bytes.subspan(n);
    }
  }

 private:
  void take_pieces(uint64_t offset, std::span<const uint8_t> bytes) {
    for_each_image_run(order_, offset, bytes,
                       [this](uint64_t at, std::span<const uint8_t> run) { next_->take(at, run); });
  }

  void take_in_band(uint32_t row_band, uint64_t offset, std::span<const uint8_t> bytes) {
    const AxisOrder& columns = order_.columns;
    const uint64_t column_bytes = uint64_t{order_.rows.band_size(row_band)} * order_.channels;
    const uint64_t at = offset - order_.rows.band_begin[row_band] * row_bytes_;
    const uint64_t end = at + bytes.size();
    // Blocks [first, last) are whole.
    uint32_t first = columns.band[at / column_bytes];
    if (columns.band_begin[first] * column_bytes < at) ++first;
    uint32_t last = first;
    while (last < columns.bands() && columns.band_begin[last + 1] * column_bytes <= end) ++last;
    if (last < first + 2) return take_pieces(offset, bytes);
    const uint64_t before = columns.band_begin[first] * column_bytes - at;
    const uint64_t whole = columns.band_begin[last] * column_bytes - at;
    if (before > 0) take_pieces(offset, bytes.first(before));
    const uint8_t* src = bytes.data() + before;
    while (first < last) {  // as far as no column is left out
      uint32_t next = first + 1;
      const uint32_t joined = columns.run_end[columns.band_begin[first]];
      if (columns.band_begin[next] > joined) {  // a gap inside a block
        const uint64_t n = (columns.band_begin[next] - columns.band_begin[first]) * column_bytes;
        take_pieces(offset + static_cast<uint64_t>(src - bytes.data()), {src, n});
        src += n;
      } else {
        while (next < last && columns.band_begin[next + 1] <= joined) ++next;
        take_blocks(row_band, first, next, src);
        src += (columns.band_begin[next] - columns.band_begin[first]) * column_bytes;
      }
      first = next;
    }
    if (whole < bytes.size()) take_pieces(offset + whole, bytes.subspan(whole));
  }

  /// Whole blocks without a gap between them.
  void take_blocks(uint32_t row_band, uint32_t first, uint32_t last, const uint8_t* src) {
    const AxisOrder& rows = order_.rows;
    const AxisOrder& columns = order_.columns;
    const uint64_t channels = order_.channels;
    const uint32_t height = rows.band_size(row_band);
    const uint32_t left = columns.band_begin[first];
    for (uint32_t r = 0; r < height; ++r) {
      const uint8_t* block = src;
      uint8_t* dst = line_.get();
      for (uint32_t b = first; b < last; ++b) {
        const uint64_t n = columns.band_size(b) * channels;
        copy_piece(block + r * n, n, dst);
        dst += n;
        block += height * n;
      }
      const uint64_t row = rows.position[rows.band_begin[row_band] + r];
      next_->take((row * columns.size + columns.position[left]) * channels,
                  {line_.get(), static_cast<size_t>(dst - line_.get())});
    }
  }

  const SampleOrder& order_;
  const uint64_t row_bytes_;
  LineMemory line_;
  Downstream* next_ = nullptr;
};

/// Channel bytes go to their pixels in a copy of what travels of the image.
class InterleaveState final : public StageState {
 public:
  explicit InterleaveState(const SampleOrder& order)
      : order_(order),
        plane_(order.pixels()),
        row_bytes_(uint64_t{order.columns.sent()} * order.channels),
        pixels_(line_memory(order.bytes())),
        seen_(std::make_unique<uint32_t[]>(order.rows.sent())) {}

  void begin(Downstream& next) override {
    next_ = &next;
    std::fill_n(seen_.get(), order_.rows.sent(), 0U);
  }

  void take(uint64_t offset, std::span<const uint8_t> bytes) override {
    const size_t channels = order_.channels;
    const uint64_t width = order_.columns.sent();
    for (size_t done = 0; done < bytes.size();) {
      const uint64_t channel = (offset + done) / plane_;
      const uint64_t pixel = (offset + done) % plane_;
      const uint64_t row = pixel / width;
      const uint64_t n = std::min<uint64_t>((row + 1) * width - pixel, bytes.size() - done);
      uint8_t* dst = pixels_.get() + pixel * channels + channel;
      for (const uint8_t value : bytes.subspan(done, n)) {
        *dst = value;
        dst += channels;
      }
      done += n;
      seen_[row] += static_cast<uint32_t>(n);
      if (seen_[row] == row_bytes_) emit(row);
    }
  }

 private:
  void emit(uint64_t row) {
    const AxisOrder& columns = order_.columns;
    const uint64_t line = uint64_t{order_.rows.position[row]} * columns.size;
    const uint8_t* pixels = pixels_.get() + row * row_bytes_;
    for (uint32_t c = 0; c < columns.sent(); c = columns.run_end[c]) {
      next_->take(
          (line + columns.position[c]) * order_.channels,
          {pixels + uint64_t{c} * order_.channels, uint64_t{columns.run_end[c] - c} * order_.channels});
    }
  }

  const SampleOrder& order_;
  const uint64_t plane_;
  const uint64_t row_bytes_;
  LineMemory pixels_;
  std::unique_ptr<uint32_t[]> seen_;  // bytes of each row that have come
  Downstream* next_ = nullptr;
};

class ReorderStage final : public Stage {
 public:
  explicit ReorderStage(const SampleOrder& order) : order_(order) {}
  std::unique_ptr<StageState> make_state() const override {
    if (order_.planar) return std::make_unique<InterleaveState>(order_);
    return std::make_unique<MoveState>(order_);
  }

 private:
  const SampleOrder& order_;
};

}  // namespace

std::unique_ptr<Stage> make_reorder_stage(const SampleOrder& order) {
  return std::make_unique<ReorderStage>(order);
}

uint64_t reorder_state_bytes(const SampleOrder& order) {
  if (!order.planar) return sizeof(MoveState) + round_up_to_line(line_bytes(order));
  return sizeof(InterleaveState) + round_up_to_line(order.bytes()) +
         uint64_t{order.rows.sent()} * sizeof(uint32_t);
}

uint64_t reorder_window_bytes(const SampleOrder& order) {
  // All planes but the last, and a row of that.
  return order.planar ? order.pixels() * (order.channels - 1) + order.columns.sent() : 0;
}

}  // namespace onpath
