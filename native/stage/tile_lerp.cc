// Output pixels from tiles of four pixels. Whole tiles that follow one another go through the kernels
// together; a tile that comes in pieces waits in a place of its own.
#include "stage/tile_lerp.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "stage/block_pool.h"
#include "stage/resize_layout.h"

namespace onpath {
namespace {

constexpr uint32_t kAtOnce = 256;  // tiles
constexpr uint32_t kTilePixels = 4;
constexpr uint32_t kMaxChannels = 4;

/// Where the pixels of tile i stand when tiles lie one after another: top left, top right, bottom left,
/// bottom right.
struct TileIndex {
  uint32_t at[kTilePixels][kAtOnce];
};
constexpr TileIndex kIndex = [] {
  TileIndex index{};
  for (uint32_t corner = 0; corner < kTilePixels; ++corner) {
    for (uint32_t i = 0; i < kAtOnce; ++i) index.at[corner][i] = i * kTilePixels + corner;
  }
  return index;
}();

class TileLerpStage final : public Stage {
 public:
  TileLerpStage(const ResizeStep& resize_step, const SampleOrder& sample_order, const KernelSet& kernel_set);
  std::unique_ptr<StageState> make_state() const override;

  const ResizeStep& step;
  const SampleOrder& order;
  const KernelSet& kernels;
  const RowWindows rows;
  const RowWindows columns;
  /// Whether every output row (column) of the tiles reads two and nothing else travels.
  bool bare_columns = true;
};

class TileLerpState final : public StageState {
 public:
  explicit TileLerpState(const TileLerpStage& stage);
  void begin(Downstream& next) override;
  void take(uint64_t offset, std::span<const uint8_t> bytes) override;

 private:
  /// The part of one block that is read, in pixels: all of its last rows and columns.
  struct Tile {
    uint64_t begin = 0;  // bytes from the start of the band
    uint32_t height = 0, width = 0;
    uint32_t rows = 0, columns = 0;  // read: 1 or 2
  };

  void take_band(uint32_t y, uint64_t at, std::span<const uint8_t> bytes);
  void take_piece(uint32_t y, uint32_t x, const Tile& tile, uint64_t at, std::span<const uint8_t> bytes);
  Tile tile_at(uint32_t y, uint32_t x) const;
  void gather(const Tile& tile, const uint8_t* block, uint8_t* pixels) const;
  void fill_up(const Tile& tile, uint8_t* pixels) const;
  void emit(uint32_t y, uint32_t x, uint32_t n, const uint8_t* tiles);

  const TileLerpStage& stage_;
  const uint32_t channels_;
  const uint32_t tile_bytes_;
  const uint64_t row_bytes_;  // of a row of what travels
  const uint64_t tiles_;
  const uint64_t denominator_;
  LineMemory waiting_;               // tiles that came in part
  std::unique_ptr<uint8_t[]> seen_;  // bytes that are read and have come, per tile
  LineMemory scratch_;
  uint8_t* gathered_;
  uint8_t* premultiplied_;
  uint32_t* top_;
  uint32_t* bottom_;
  uint8_t* out_;
  Downstream* next_ = nullptr;
};

constexpr uint64_t kGatherBytes = uint64_t{kAtOnce} * kTilePixels * kMaxChannels;
constexpr uint64_t kSumBytes = uint64_t{kAtOnce} * kMaxChannels * sizeof(uint32_t);
constexpr uint64_t kScratchBytes = 2 * kGatherBytes + 2 * kSumBytes + uint64_t{kAtOnce} * kMaxChannels;

TileLerpStage::TileLerpStage(const ResizeStep& resize_step, const SampleOrder& sample_order,
                             const KernelSet& kernel_set)
    : step(resize_step),
      order(sample_order),
      kernels(kernel_set),
      rows(vertical_windows(resize_step)),
      columns(horizontal_windows(resize_step)) {
  for (uint32_t x = 0; x < step.out_width; ++x) {
    bare_columns = bare_columns && columns.count[x] == 2 && order.columns.band_size(x) == 2;
  }
}

std::unique_ptr<StageState> TileLerpStage::make_state() const {
  return std::make_unique<TileLerpState>(*this);
}

TileLerpState::TileLerpState(const TileLerpStage& stage)
    : stage_(stage),
      channels_(stage.step.channels),
      tile_bytes_(kTilePixels * stage.step.channels),
      row_bytes_(uint64_t{stage.order.columns.sent()} * stage.step.channels),
      tiles_(uint64_t{stage.step.out_width} * stage.step.out_height),
      denominator_(uint64_t{stage.step.lerp_x->denominator} * stage.step.lerp_y->denominator),
      waiting_(line_memory(tiles_ * tile_bytes_)),
      seen_(std::make_unique<uint8_t[]>(tiles_)),
      scratch_(line_memory(kScratchBytes)),
      gathered_(scratch_.get()),
      premultiplied_(gathered_ + kGatherBytes),
      top_(reinterpret_cast<uint32_t*>(premultiplied_ + kGatherBytes)),
      bottom_(top_ + kSumBytes / sizeof(uint32_t)),
      out_(reinterpret_cast<uint8_t*>(bottom_) + kSumBytes) {}

void TileLerpState::begin(Downstream& next) {
  next_ = &next;
  std::memset(seen_.get(), 0, tiles_);
}

void TileLerpState::take(uint64_t offset, std::span<const uint8_t> bytes) {
  const AxisOrder& rows = stage_.order.rows;
  while (!bytes.empty()) {
    const uint32_t y = rows.band[offset / row_bytes_];
    const uint64_t begin = rows.band_begin[y] * row_bytes_;
    const uint64_t n = std::min<uint64_t>(rows.band_begin[y + 1] * row_bytes_ - offset, bytes.size());
    if (y < stage_.step.out_height) take_band(y, offset - begin, bytes.first(n));
    offset += n;
    bytes = bytes.subspan(n);
  }
}

TileLerpState::Tile TileLerpState::tile_at(uint32_t y, uint32_t x) const {
  const SampleOrder& order = stage_.order;
  Tile tile;
  tile.height = order.rows.band_size(y);
  tile.width = order.columns.band_size(x);
  tile.rows = stage_.rows.count[y];
  tile.columns = stage_.columns.count[x];
  tile.begin = uint64_t{order.columns.band_begin[x]} * tile.height * channels_;
  return tile;
}

/// Bytes from `at` of the band of output row `y`.
void TileLerpState::take_band(uint32_t y, uint64_t at, std::span<const uint8_t> bytes) {
  const AxisOrder& columns = stage_.order.columns;
  const uint32_t height = stage_.order.rows.band_size(y);
  const bool bare = stage_.bare_columns && height == 2 && stage_.rows.count[y] == 2;
  const uint64_t end = at + bytes.size();
  const uint8_t* const band = bytes.data();
  const auto bytes_at = [&](uint64_t from, uint64_t to) {
    return std::span(band + (from - at), static_cast<size_t>(to - from));
  };
  uint32_t x = columns.band[at / channels_ / height];
  uint64_t from = at;
  while (from < end && x < stage_.step.out_width) {
    const Tile tile = tile_at(y, x);
    const uint64_t block_bytes = uint64_t{tile.height} * tile.width * channels_;
    const uint64_t tile_end = tile.begin + block_bytes;
    if (from > tile.begin || tile_end > end) {
      const uint64_t to = std::min(tile_end, end);
      take_piece(y, x, tile, from - tile.begin, bytes_at(from, to));
      from = to;
      ++x;
      continue;
    }
    uint32_t n = 0;
    if (bare) {  // tiles lie in the sample as the kernels want them
      n = static_cast<uint32_t>(
          std::min<uint64_t>({(end - from) / tile_bytes_, stage_.step.out_width - x, kAtOnce}));
      emit(y, x, n, bytes_at(from, end).data());
      from += uint64_t{n} * tile_bytes_;
    } else {
      for (; n < kAtOnce && x + n < stage_.step.out_width; ++n) {
        const Tile whole = tile_at(y, x + n);
        const uint64_t whole_end = whole.begin + uint64_t{whole.height} * whole.width * channels_;
        if (whole_end > end) break;
        gather(whole, bytes_at(whole.begin, whole_end).data(), gathered_ + n * tile_bytes_);
        from = whole_end;
      }
      emit(y, x, n, gathered_);
    }
    x += n;
  }
}

/// Part of a block: bytes from `at` on. What nobody reads leaves no trace.
void TileLerpState::take_piece(uint32_t y, uint32_t x, const Tile& tile, uint64_t at,
                               std::span<const uint8_t> bytes) {
  const uint64_t index = uint64_t{y} * stage_.step.out_width + x;
  uint8_t* pixels = waiting_.get() + index * tile_bytes_;
  uint32_t added = 0;
  for (uint32_t row = 0; row < tile.rows; ++row) {
    const uint64_t line = uint64_t{tile.height - tile.rows + row} * tile.width;
    const uint64_t read = (line + tile.width - tile.columns) * channels_;
    const uint64_t from = std::max(read, at);
    const uint64_t to = std::min(read + tile.columns * channels_, at + bytes.size());
    if (from >= to) continue;
    std::memcpy(pixels + row * 2 * channels_ + (from - read), bytes.data() + (from - at), to - from);
    added += static_cast<uint32_t>(to - from);
  }
  if (added == 0) return;
  seen_[index] = static_cast<uint8_t>(seen_[index] + added);
  if (seen_[index] < tile.rows * tile.columns * channels_) return;
  fill_up(tile, pixels);
  emit(y, x, 1, pixels);
}

/// The pixels of a whole block that are read, as four.
void TileLerpState::gather(const Tile& tile, const uint8_t* block, uint8_t* pixels) const {
  for (uint32_t row = 0; row < tile.rows; ++row) {
    const uint64_t line = uint64_t{tile.height - tile.rows + row} * tile.width;
    const uint8_t* src = block + (line + tile.width - tile.columns) * channels_;
    copy_piece(src, tile.columns * channels_, pixels + row * 2 * channels_);
  }
  fill_up(tile, pixels);
}

/// A window of one row or column has all the weight on it: it stands for both.
void TileLerpState::fill_up(const Tile& tile, uint8_t* pixels) const {
  if (tile.columns == 1) {
    for (uint32_t row = 0; row < tile.rows; ++row) {
      uint8_t* left = pixels + row * 2 * channels_;
      std::memcpy(left + channels_, left, channels_);
    }
  }
  if (tile.rows == 1) std::memcpy(pixels + 2 * channels_, pixels, 2 * channels_);
}

/// Output pixels [x, x + n) of row `y`; n is at most kAtOnce.
void TileLerpState::emit(uint32_t y, uint32_t x, uint32_t n, const uint8_t* tiles) {
  const KernelSet& kernels = stage_.kernels;
  const ResizeStep& step = stage_.step;
  if (step.premultiply) {
    kernels.premultiply(tiles, size_t{n} * kTilePixels, premultiplied_);
    tiles = premultiplied_;
  }
  const uint32_t* w0 = step.lerp_x->w0.data() + x;
  const uint32_t* w1 = step.lerp_x->w1.data() + x;
  kernels.lerp_row(tiles, kIndex.at[0], kIndex.at[1], w0, w1, n, channels_, top_);
  kernels.lerp_row(tiles, kIndex.at[2], kIndex.at[3], w0, w1, n, channels_, bottom_);
  kernels.lerp_column(top_, bottom_, step.lerp_y->w0[y], step.lerp_y->w1[y], denominator_,
                      size_t{n} * channels_, out_);
  if (step.premultiply) kernels.unpremultiply(out_, n, out_);
  next_->take((uint64_t{y} * step.out_width + x) * channels_, {out_, size_t{n} * channels_});
}

bool one_reader_each(const RowWindows& windows) {
  for (uint32_t i = 0; i < windows.out_rows(); ++i) {
    if (windows.count[i] > 2) return false;
    if (i > 0 && windows.first[i] < windows.first[i - 1] + windows.count[i - 1]) return false;
  }
  return true;
}

}  // namespace

bool takes_tiles(const ResizeStep& step) {
  return step.lerps() && step.arithmetic == LerpArithmetic::exact &&
         one_reader_each(vertical_windows(step)) && one_reader_each(horizontal_windows(step));
}

std::unique_ptr<Stage> make_tile_lerp_stage(const ResizeStep& step, const SampleOrder& order,
                                            const KernelSet& kernels) {
  return std::make_unique<TileLerpStage>(step, order, kernels);
}

uint64_t tile_lerp_state_bytes(const ResizeStep& step) {
  const uint64_t tiles = uint64_t{step.out_width} * step.out_height;
  return sizeof(TileLerpState) + round_up_to_line(tiles * kTilePixels * step.channels) + tiles +
         kScratchBytes;
}

uint64_t tile_lerp_window_bytes(const ResizeStep& step) { return uint64_t{kTilePixels} * step.channels; }

}  // namespace onpath
