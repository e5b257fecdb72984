// The gather stage: a run of whole input pixels shows in a run of neighbouring output columns, in every
// output row that shows its row.
#include "stage/gather.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "stage/block_pool.h"

namespace onpath {
namespace {

/// first[i] .. first[i + 1] are the output positions that show input position i.
std::vector<uint32_t> first_showing(const NearestPositions& positions) {
  std::vector<uint32_t> first(size_t{positions.in_size} + 1);
  uint32_t out = 0;
  for (uint32_t in = 0; in <= positions.in_size; ++in) {
    while (out < positions.out_size && positions.position[out] < in) ++out;
    first[in] = out;
  }
  return first;
}

class GatherStage final : public Stage {
 public:
  explicit GatherStage(const GatherStep& gather_step)
      : step(gather_step), columns(first_showing(*step.x)), rows(first_showing(*step.y)) {}
  std::unique_ptr<StageState> make_state() const override;

  const GatherStep& step;
  const std::vector<uint32_t> columns;
  const std::vector<uint32_t> rows;
};

template <uint32_t kChannels>
void copy_pixels(const uint8_t* src, const uint32_t* at, uint32_t origin, uint32_t n, uint8_t* dst) {
  for (uint32_t i = 0; i < n; ++i) {
    std::memcpy(dst + size_t{i} * kChannels, src + size_t{at[i] - origin} * kChannels, kChannels);
  }
}

class GatherState final : public StageState {
 public:
  explicit GatherState(const GatherStage& stage)
      : stage_(stage),
        step_(stage.step),
        in_bytes_(step_.in_row_bytes()),
        out_bytes_(step_.out_row_bytes()),
        line_(line_memory(out_bytes_)) {}

  void begin(Downstream& next) override { next_ = &next; }
  void take(uint64_t offset, std::span<const uint8_t> bytes) override;

 private:
  void take_in_row(uint32_t row, uint32_t column, std::span<const uint8_t> bytes);
  void show_pixels(uint32_t row, uint32_t pixel, uint32_t pixels, const uint8_t* src);
  void show_part(uint32_t row, uint32_t pixel, uint32_t first_byte, std::span<const uint8_t> bytes);

  const GatherStage& stage_;
  const GatherStep& step_;
  const uint64_t in_bytes_;
  const uint64_t out_bytes_;
  LineMemory line_;
  Downstream* next_ = nullptr;
};

std::unique_ptr<StageState> GatherStage::make_state() const { return std::make_unique<GatherState>(*this); }

void GatherState::take(uint64_t offset, std::span<const uint8_t> bytes) {
  auto row = static_cast<uint32_t>(offset / in_bytes_);
  auto column = static_cast<uint32_t>(offset % in_bytes_);
  for (; !bytes.empty(); ++row, column = 0) {
    const auto n = std::min<uint64_t>(in_bytes_ - column, bytes.size());
    if (stage_.rows[row] < stage_.rows[row + 1]) take_in_row(row, column, bytes.first(n));
    bytes = bytes.subspan(n);
  }
}

/// Bytes of one input row that some output row shows: a part of a pixel, whole pixels, a part of a pixel.
void GatherState::take_in_row(uint32_t row, uint32_t column, std::span<const uint8_t> bytes) {
  const uint32_t channels = step_.channels;
  uint32_t pixel = column / channels;
  if (const uint32_t inside = column % channels; inside != 0) {
    const auto n = std::min<size_t>(channels - inside, bytes.size());
    show_part(row, pixel++, inside, bytes.first(n));
    bytes = bytes.subspan(n);
  }
  const auto pixels = static_cast<uint32_t>(bytes.size() / channels);
  show_pixels(row, pixel, pixels, bytes.data());
  bytes = bytes.subspan(size_t{pixels} * channels);
  if (!bytes.empty()) show_part(row, pixel + pixels, 0, bytes);
}

void GatherState::show_pixels(uint32_t row, uint32_t pixel, uint32_t pixels, const uint8_t* src) {
  static constexpr decltype(&copy_pixels<1>) kCopy[] = {copy_pixels<1>, copy_pixels<2>, copy_pixels<3>,
                                                        copy_pixels<4>};
  const uint32_t first = stage_.columns[pixel];
  const uint32_t n = stage_.columns[pixel + pixels] - first;
  if (n == 0) return;
  kCopy[step_.channels - 1](src, step_.x->position.data() + first, pixel, n, line_.get());
  for (uint32_t out = stage_.rows[row]; out < stage_.rows[row + 1]; ++out) {
    next_->take(out * out_bytes_ + uint64_t{first} * step_.channels,
                {line_.get(), size_t{n} * step_.channels});
  }
}

/// Some of the bytes of one pixel.
void GatherState::show_part(uint32_t row, uint32_t pixel, uint32_t first_byte,
                            std::span<const uint8_t> bytes) {
  for (uint32_t out = stage_.rows[row]; out < stage_.rows[row + 1]; ++out) {
    for (uint32_t x = stage_.columns[pixel]; x < stage_.columns[pixel + 1]; ++x) {
      next_->take(out * out_bytes_ + uint64_t{x} * step_.channels + first_byte, bytes);
    }
  }
}

}  // namespace

std::unique_ptr<Stage> make_gather_stage(const GatherStep& step) {
  return std::make_unique<GatherStage>(step);
}

uint64_t gather_state_bytes(const GatherStep& step) {
  return round_up_to_line(step.out_row_bytes()) + sizeof(GatherState);
}

}  // namespace onpath
