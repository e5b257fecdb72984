// Element stages. Whole pixels go through the kernels; the edges of a cut inside a pixel go byte by byte.
#include "stage/map.h"

#include <algorithm>
#include <cstring>

#include "stage/block_pool.h"

namespace onpath {
namespace {

constexpr uint64_t kBlockBytes =
    16384;  // at most so much is mapped before it is handed on: stays in the first-level cache

/// Tables and what is known about them, shared by both kinds of state.
struct Tables {
  Tables(const MapStep& map_step, const KernelSet& kernel_set)
      : step(map_step),
        kernels(kernel_set),
        entry_bytes(static_cast<uint32_t>(dtype_bytes(map_step.map.dtype))),
        bytewise(map_step.bytewise()),
        copies(map_step.copies()) {
    const size_t table_bytes = size_t{256} * entry_bytes;
    same = true;
    for (uint32_t t = 1; t < step.out_channels; ++t) {
      same =
          same && std::memcmp(step.map.data.data(), step.map.data.data() + t * table_bytes, table_bytes) == 0;
    }
  }

  const uint8_t* entry(uint32_t out_channel, uint8_t value) const {
    return step.map.data.data() + (size_t{out_channel} * 256 + value) * entry_bytes;
  }

  /// dst[i] for n bytes from byte `offset` of the input; bytewise only.
  void bytes(uint64_t offset, const uint8_t* src, size_t n, uint8_t* dst) const {
    if (copies) {
      std::memcpy(dst, src, n);
      return;
    }
    const uint32_t channels = same ? 1 : step.out_channels;
    kernels.lookup_interleaved(src, n, channels, phase(offset, channels), entry_bytes, step.map.data.data(),
                               dst);
  }

  /// Channel of byte `offset`; most offsets of most programs need no division.
  static uint32_t phase(uint64_t offset, uint32_t channels) {
    return channels == 1 ? 0 : channels == 4 ? offset & 3 : static_cast<uint32_t>(offset % channels);
  }

  const MapStep& step;
  const KernelSet& kernels;
  uint32_t entry_bytes;
  bool bytewise;
  bool copies;
  bool same;  // all channels have the same table
};

/// Cuts a run into the bytes before the first whole pixel, the whole pixels, and the bytes after them.
template <class OnByte, class OnPixels>
void split_pixels(uint64_t offset, std::span<const uint8_t> bytes, uint32_t channels, OnByte on_byte,
                  OnPixels on_pixels) {
  uint64_t pixel = offset / channels;
  uint32_t channel = static_cast<uint32_t>(offset % channels);
  size_t i = 0;
  for (; channel != 0 && i < bytes.size(); ++i) {
    on_byte(pixel, channel, bytes[i]);
    if (++channel == channels) channel = 0, ++pixel;
  }
  if (const size_t whole = (bytes.size() - i) / channels; whole > 0) {
    on_pixels(pixel, whole, bytes.data() + i);
    pixel += whole;
    i += whole * channels;
  }
  for (; i < bytes.size(); ++i) on_byte(pixel, channel++, bytes[i]);
}

class PlaceMapState final : public PlaceState {
 public:
  PlaceMapState(const MapStep& step, const KernelSet& kernels) : tables_(step, kernels) {}

  void begin(Downstream&) override {}
  void place_at(uint8_t* output, PlacedListener* listener) override {
    output_ = output;
    listener_ = listener;
  }

  void take(uint64_t offset, std::span<const uint8_t> bytes) override {
    if (tables_.bytewise) {
      const uint64_t at = offset * tables_.entry_bytes;
      tables_.bytes(offset, bytes.data(), bytes.size(), output_ + at);
      tell(at, bytes.size() * tables_.entry_bytes);
      return;
    }
    split_pixels(
        offset, bytes, tables_.step.in_channels,
        [this](uint64_t pixel, uint32_t channel, uint8_t value) { place_byte(pixel, channel, value); },
        [this](uint64_t pixel, size_t n, const uint8_t* src) { place_pixels(pixel, n, src); });
  }

  TurnedInPlace turn_in_place(uint64_t offset, std::span<uint8_t> bytes) override {
    if (tables_.copies) return {};
    const MapStep& step = tables_.step;
    if (tables_.bytewise) {
      const uint32_t channels = tables_.same ? 1 : step.out_channels;
      return {tables_.kernels.lookup_sum(bytes.data(), bytes.size(), channels,
                                         tables_.phase(offset, channels), step.map.data.data())};
    }
    select_in_place(bytes);
    return {};
  }

 private:
  /// A pixel is read whole before it is written: by way of a block.
  [[gnu::noinline]] void select_in_place(std::span<uint8_t> bytes) const {
    const MapStep& step = tables_.step;
    std::array<uint8_t, 768> block;
    while (!bytes.empty()) {
      const size_t n = std::min(bytes.size(), block.size() / step.in_channels * step.in_channels);
      tables_.kernels.lookup_select(bytes.data(), n / step.in_channels, step.in_channels, step.out_channels,
                                    step.select.data(), 1, step.map.data.data(), block.data());
      std::memcpy(bytes.data(), block.data(), n);
      bytes = bytes.subspan(n);
    }
  }

  uint64_t offset_of(uint64_t pixel, uint32_t out_channel) const {
    const MapStep& step = tables_.step;
    const uint64_t element =
        step.planar ? out_channel * step.pixels() + pixel : pixel * step.out_channels + out_channel;
    return element * tables_.entry_bytes;
  }

  void place_byte(uint64_t pixel, uint32_t channel, uint8_t value) {
    for (uint32_t o = 0; o < tables_.step.out_channels; ++o) {
      if (tables_.step.select[o] != channel) continue;
      const uint64_t at = offset_of(pixel, o);
      std::memcpy(output_ + at, tables_.entry(o, value), tables_.entry_bytes);
      tell(at, tables_.entry_bytes);
    }
  }

  void place_pixels(uint64_t pixel, size_t n, const uint8_t* src) {
    const MapStep& step = tables_.step;
    if (!step.planar) {
      const uint64_t at = offset_of(pixel, 0);
      tables_.kernels.lookup_select(src, n, step.in_channels, step.out_channels, step.select.data(),
                                    tables_.entry_bytes, step.map.data.data(), output_ + at);
      tell(at, n * step.out_channels * tables_.entry_bytes);
      return;
    }
    std::array<void*, 4> planes{};
    for (uint32_t o = 0; o < step.out_channels; ++o) planes[o] = output_ + offset_of(pixel, o);
    tables_.kernels.lookup_planar(src, n, step.in_channels, step.out_channels, step.select.data(),
                                  tables_.entry_bytes, step.map.data.data(), planes.data());
    for (uint32_t o = 0; o < step.out_channels; ++o) tell(offset_of(pixel, o), n * tables_.entry_bytes);
  }

  void tell(uint64_t offset, uint64_t bytes) {
    if (listener_ != nullptr && bytes > 0) listener_->placed(offset, bytes);
  }

  Tables tables_;
  uint8_t* output_ = nullptr;
  PlacedListener* listener_ = nullptr;
};

/// Bytes of output that are handed on together: a row if it fits, so that a resize after it sees whole rows.
uint64_t block_bytes(const MapStep& step) {
  return std::min(kBlockBytes, uint64_t{step.width} * step.out_channels + step.out_channels);
}

class MapState final : public StageState {
 public:
  MapState(const MapStep& step, const KernelSet& kernels)
      : tables_(step, kernels), block_bytes_(block_bytes(step)), block_(line_memory(block_bytes_)) {}

  void begin(Downstream& next) override { next_ = &next; }

  void take(uint64_t offset, std::span<const uint8_t> bytes) override {
    const MapStep& step = tables_.step;
    const uint64_t row = uint64_t{step.width} * step.in_channels;
    // Pieces end where a row ends; a longer row is cut into blocks of whole pixels.
    const uint64_t most = block_bytes_ / step.out_channels * step.in_channels;
    while (!bytes.empty()) {
      const uint64_t n = std::min({uint64_t{bytes.size()}, row - offset % row, most});
      take_piece(offset, bytes.first(n));
      offset += n;
      bytes = bytes.subspan(n);
    }
  }

 private:
  void take_piece(uint64_t offset, std::span<const uint8_t> bytes) {
    if (tables_.bytewise) {
      tables_.bytes(offset, bytes.data(), bytes.size(), block_.get());
      next_->take(offset, {block_.get(), bytes.size()});
      return;
    }
    const MapStep& step = tables_.step;
    split_pixels(
        offset, bytes, step.in_channels,
        [this, &step](uint64_t pixel, uint32_t channel, uint8_t value) {
          for (uint32_t o = 0; o < step.out_channels; ++o) {
            if (step.select[o] == channel)
              next_->take(pixel * step.out_channels + o, {tables_.entry(o, value), 1});
          }
        },
        [this, &step](uint64_t pixel, size_t n, const uint8_t* src) {
          tables_.kernels.lookup_select(src, n, step.in_channels, step.out_channels, step.select.data(), 1,
                                        step.map.data.data(), block_.get());
          next_->take(pixel * step.out_channels, {block_.get(), n * step.out_channels});
        });
  }

  Tables tables_;
  uint64_t block_bytes_;
  LineMemory block_;
  Downstream* next_ = nullptr;
};

class MapStage final : public Stage {
 public:
  MapStage(const MapStep& step, const KernelSet& kernels) : step_(step), kernels_(kernels) {}
  std::unique_ptr<StageState> make_state() const override {
    return std::make_unique<MapState>(step_, kernels_);
  }

 private:
  const MapStep& step_;
  const KernelSet& kernels_;
};

}  // namespace

bool MapStep::bytewise() const {
  if (in_channels != out_channels || (planar && out_channels > 1)) return false;
  for (uint32_t o = 0; o < out_channels; ++o) {
    if (select[o] != o) return false;
  }
  return true;
}

bool MapStep::copies() const {
  if (!bytewise() || map.dtype != DType::uint8) return false;
  for (size_t i = 0; i < map.data.size(); ++i) {
    if (map.data[i] != static_cast<uint8_t>(i)) return false;
  }
  return true;
}

bool MapStep::works_in_place() const {
  return dtype_bytes(map.dtype) == 1 && in_channels == out_channels && (!planar || out_channels == 1);
}

std::unique_ptr<Stage> make_map_stage(const MapStep& step, const KernelSet& kernels) {
  return std::make_unique<MapStage>(step, kernels);
}

std::unique_ptr<PlaceState> make_place_state(const MapStep& step, const KernelSet& kernels) {
  return std::make_unique<PlaceMapState>(step, kernels);
}

uint64_t map_state_bytes(const MapStep& step) { return sizeof(MapState) + block_bytes(step); }
uint64_t place_state_bytes() { return sizeof(PlaceMapState); }

}  // namespace onpath
