// The resize stage: gathers rows, reduces them, and hands output rows on as soon as they are complete, in any
// order.
#include "stage/resize.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "stage/block_pool.h"
#include "stage/resize_layout.h"

namespace onpath {
namespace {

/// Which bytes of a raw row some output reads. The others need not come: a serialization may leave them out.
class ReadBytes {
 public:
  explicit ReadBytes(const ResizeStep& step) : of_row_(static_cast<uint32_t>(step.raw_row_bytes())) {
    const RowWindows windows = horizontal_windows(step);
    const uint32_t read = windows.rows_read();
    if (read == step.in_width) return;
    of_row_ = read * step.channels;
    before_.reserve(step.raw_row_bytes() + 1);
    before_.push_back(0);
    for (uint32_t x = 0; x < step.in_width; ++x) {
      const uint32_t each = windows.reader_begin[x] < windows.reader_end[x] ? 1 : 0;
      for (uint32_t c = 0; c < step.channels; ++c) before_.push_back(before_.back() + each);
    }
  }
  uint32_t of_row() const { return of_row_; }
  /// Of `n` bytes from byte `at` of a row.
  uint32_t among(uint64_t at, uint64_t n) const {
    return before_.empty() ? static_cast<uint32_t>(n) : before_[at + n] - before_[at];
  }

 private:
  uint32_t of_row_;
  std::vector<uint32_t> before_;  // [bytes of a row + 1] read ones to the left; empty if all are read
};

/// The immutable side: windows and prepared weights.
class ResizeStage final : public Stage {
 public:
  ResizeStage(const ResizeStep& step, const KernelSet& kernels);
  std::unique_ptr<StageState> make_state() const override;

  /// One raw row (premultiplied if need be) to one reduced row.
  void reduce(const uint8_t* raw, uint8_t* reduced) const;
  bool reduces() const { return step.x != nullptr || step.lerps(); }
  const int32_t* column_weights(uint32_t out_row) const {
    return step.y->weights.data() + size_t{step.y->row[out_row]} * step.y->taps;
  }

  const ResizeStep& step;
  const KernelSet& kernels;
  const RowWindows windows;
  const ReadBytes read;

 private:
  ResampleRow row_{};
  LineMemory prepared_;
};

class ResizeState final : public StageState {
 public:
  explicit ResizeState(const ResizeStage& stage);
  void begin(Downstream& next) override;
  void take(uint64_t offset, std::span<const uint8_t> bytes) override;

 private:
  void raw_row_complete(uint32_t row, const uint8_t* raw);
  void keep_row(uint32_t row, const uint8_t* raw);
  void add_to_sums(uint32_t row, const uint8_t* raw);
  const uint8_t* reduced(const uint8_t* raw, uint8_t* scratch);
  void finish_from_rows(uint32_t out_row);
  void emit(uint32_t out_row, const uint8_t* pixels);

  const ResizeStage& stage_;
  const ResizeStep& step_;
  const ResizeLayout layout_;
  const uint64_t raw_bytes_;
  const uint64_t out_bytes_;
  BlockPool row_pool_;
  BlockPool sum_pool_;
  LineMemory premultiplied_, reduced_, output_, final_;
  std::unique_ptr<const uint8_t*[]> pointers_;
  std::unique_ptr<InputRow[]> in_rows_;
  std::unique_ptr<OutputRow[]> out_rows_;
  Downstream* next_ = nullptr;
};

ResizeStage::ResizeStage(const ResizeStep& resize_step, const KernelSet& kernel_set)
    : step(resize_step), kernels(kernel_set), windows(vertical_windows(resize_step)), read(resize_step) {
  if (step.x == nullptr) return;
  row_.in_pixels = step.in_width;
  row_.out_pixels = step.out_width;
  row_.channels = step.channels;
  row_.taps = step.x->taps;
  row_.first = step.x->first.data();
  row_.count = step.x->count.data();
  row_.row = step.x->row.data();
  row_.weights = step.x->weights.data();
  if (const size_t bytes = kernels.prepared_resample_row_bytes(row_); bytes > 0) {
    prepared_ = line_memory(bytes);
    kernels.prepare_resample_row(row_, prepared_.get());
    row_.prepared = prepared_.get();
  }
}

std::unique_ptr<StageState> ResizeStage::make_state() const { return std::make_unique<ResizeState>(*this); }

void ResizeStage::reduce(const uint8_t* raw, uint8_t* reduced) const {
  if (step.lerps()) {
    const LerpWeights& w = *step.lerp_x;
    // Blocks start on cache lines, so the bytes may hold 32-bit sums.
    kernels.lerp_row(raw, w.i0.data(), w.i1.data(), w.w0.data(), w.w1.data(), step.out_width, step.channels,
                     reinterpret_cast<uint32_t*>(reduced));
  } else if (step.x != nullptr) {
    kernels.resample_row(row_, raw, reduced);
  } else {
    std::memcpy(reduced, raw, step.raw_row_bytes());
  }
}

ResizeState::ResizeState(const ResizeStage& stage)
    : stage_(stage),
      step_(stage.step),
      layout_(resize_layout(stage.step, stage.step.state, stage.windows)),
      raw_bytes_(stage.step.raw_row_bytes()),
      out_bytes_(stage.step.out_row_bytes()),
      row_pool_(layout_.row_blocks, layout_.row_block_bytes),
      sum_pool_(layout_.sum_blocks, layout_.sum_block_bytes),
      premultiplied_(line_memory(layout_.premultiplied_bytes)),
      reduced_(line_memory(layout_.reduced_bytes)),
      output_(line_memory(layout_.output_bytes)),
      final_(line_memory(layout_.final_bytes)),
      pointers_(std::make_unique<const uint8_t*[]>(layout_.row_pointers)),
      in_rows_(std::make_unique<InputRow[]>(step_.in_height)),
      out_rows_(std::make_unique<OutputRow[]>(step_.out_height)) {}

void ResizeState::begin(Downstream& next) {
  next_ = &next;
  row_pool_.reset();
  sum_pool_.reset();
  const RowWindows& windows = stage_.windows;
  for (uint32_t row = 0; row < step_.in_height; ++row) {
    in_rows_[row] = {0, BlockPool::kNone, windows.reader_end[row] - windows.reader_begin[row]};
  }
  for (uint32_t row = 0; row < step_.out_height; ++row)
    out_rows_[row] = {windows.count[row], BlockPool::kNone};
}

void ResizeState::take(uint64_t offset, std::span<const uint8_t> bytes) {
  uint32_t row = static_cast<uint32_t>(offset / raw_bytes_);
  uint64_t column = offset % raw_bytes_;
  for (size_t i = 0; i < bytes.size(); ++row, column = 0) {
    const uint64_t n = std::min(raw_bytes_ - column, bytes.size() - i);
    const uint8_t* src = bytes.data() + i;
    i += n;
    InputRow& in = in_rows_[row];
    if (in.readers == 0) continue;  // no output reads this row
    if (n == raw_bytes_) {          // a whole row needs no copy
      raw_row_complete(row, src);
      continue;
    }
    const uint32_t read = stage_.read.among(column, n);
    if (read == 0) continue;  // the row may be complete without them, and its block another's
    if (in.block == BlockPool::kNone) in.block = row_pool_.take();
    std::memcpy(row_pool_.at(in.block) + column, src, n);
    in.bytes += read;
    if (in.bytes < stage_.read.of_row()) continue;
    const uint32_t block = in.block;
    in.block = BlockPool::kNone;
    raw_row_complete(row, row_pool_.at(block));
    row_pool_.give_back(block);
  }
}

void ResizeState::raw_row_complete(uint32_t row, const uint8_t* raw) {
  if (step_.premultiply) {
    stage_.kernels.premultiply(raw, step_.in_width, premultiplied_.get());
    raw = premultiplied_.get();
  }
  switch (step_.state) {
    case RowState::none:
      emit(row, reduced(raw, reduced_.get()));
      return;
    case RowState::rows:
      keep_row(row, raw);
      return;
    case RowState::sums:
      add_to_sums(row, reduced(raw, reduced_.get()));
      return;
  }
}

/// The reduced row of `raw`: in scratch, or `raw` itself if there is no horizontal pass.
const uint8_t* ResizeState::reduced(const uint8_t* raw, uint8_t* scratch) {
  if (!stage_.reduces()) return raw;
  stage_.reduce(raw, scratch);
  return scratch;
}

void ResizeState::keep_row(uint32_t row, const uint8_t* raw) {
  const uint32_t block = row_pool_.take();
  stage_.reduce(raw, row_pool_.at(block));
  in_rows_[row].block = block;
  const RowWindows& windows = stage_.windows;
  for (uint32_t out = windows.reader_begin[row]; out < windows.reader_end[row]; ++out) {
    if (--out_rows_[out].missing == 0) finish_from_rows(out);
  }
}

void ResizeState::finish_from_rows(uint32_t out_row) {
  const uint32_t first = stage_.windows.first[out_row];
  const uint32_t count = stage_.windows.count[out_row];
  for (uint32_t i = 0; i < count; ++i) pointers_[i] = row_pool_.at(in_rows_[first + i].block);
  if (step_.lerps()) {
    const LerpWeights& w = *step_.lerp_y;
    const uint32_t w0 = w.w0[out_row], w1 = w.w1[out_row];
    // One row of two serves for both: it is both of them, or the other has no weight.
    const auto* top = reinterpret_cast<const uint32_t*>(pointers_[0]);
    const auto* bottom = reinterpret_cast<const uint32_t*>(pointers_[count - 1]);
    if (step_.arithmetic == LerpArithmetic::fixed11) {
      stage_.kernels.lerp_column_fixed11(top, bottom, w0, w1, out_bytes_, output_.get());
    } else {
      const uint64_t denominator = uint64_t{step_.lerp_x->denominator} * w.denominator;
      stage_.kernels.lerp_column(top, bottom, w0, w1, denominator, out_bytes_, output_.get());
    }
  } else {
    stage_.kernels.resample_column(pointers_.get(), stage_.column_weights(out_row), count, out_bytes_,
                                   output_.get());
  }
  emit(out_row, output_.get());
  for (uint32_t i = first; i < first + count; ++i) {
    if (--in_rows_[i].readers == 0) row_pool_.give_back(in_rows_[i].block);
  }
}

void ResizeState::add_to_sums(uint32_t row, const uint8_t* reduced_row) {
  const RowWindows& windows = stage_.windows;
  for (uint32_t out = windows.reader_begin[row]; out < windows.reader_end[row]; ++out) {
    OutputRow& output = out_rows_[out];
    if (output.block == BlockPool::kNone) {
      output.block = sum_pool_.take();
      std::memset(sum_pool_.at(output.block), 0, layout_.sum_block_bytes);
    }
    auto* sums = reinterpret_cast<int32_t*>(sum_pool_.at(output.block));
    stage_.kernels.accumulate_row(reduced_row, stage_.column_weights(out)[row - windows.first[out]],
                                  out_bytes_, sums);
    if (--output.missing > 0) continue;
    stage_.kernels.round_sums(sums, out_bytes_, output_.get());
    sum_pool_.give_back(output.block);
    emit(out, output_.get());
  }
}

void ResizeState::emit(uint32_t out_row, const uint8_t* pixels) {
  if (step_.premultiply) {
    stage_.kernels.unpremultiply(pixels, step_.out_width, final_.get());
    pixels = final_.get();
  }
  next_->take(out_row * out_bytes_, {pixels, out_bytes_});
}

}  // namespace

std::unique_ptr<Stage> make_resize_stage(const ResizeStep& step, const KernelSet& kernels) {
  return std::make_unique<ResizeStage>(step, kernels);
}

}  // namespace onpath
