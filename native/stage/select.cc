// The crop and pad stage: forwards the part of every row that lies in the window. Must not copy.
#include "stage/select.h"

#include <algorithm>
#include <array>

namespace onpath {
namespace {

/// Whole pixels of what lies beyond the image, so that no run begins or ends inside one.
using FillBlock = std::array<uint8_t, 4096>;

class SelectState final : public StageState {
 public:
  SelectState(const SelectStep& step, const FillBlock& fill);
  void begin(Downstream& next) override;
  void take(uint64_t offset, std::span<const uint8_t> bytes) override;

 private:
  void emit_fill(uint64_t begin, uint64_t end);

  uint64_t in_row_;   // bytes
  uint64_t out_row_;  // bytes
  uint64_t out_bytes_;
  const FillBlock& fill_;
  uint64_t fill_at_once_;  // bytes of it
  // The part of the image that is kept: columns as byte offsets in a row.
  uint64_t x_begin_ = 0, x_end_ = 0;
  uint64_t y_begin_ = 0, y_end_ = 0;
  uint64_t first_byte_ = 0, end_byte_ = 0;  // of the input: nothing before and from there on is kept
  // Where that part lies in the output.
  uint64_t out_x_ = 0;  // bytes
  uint64_t out_y_ = 0;  // rows
  Downstream* next_ = nullptr;
};

SelectState::SelectState(const SelectStep& step, const FillBlock& fill)
    : in_row_(uint64_t{step.in_width} * step.channels),
      out_row_(uint64_t{step.out_width} * step.channels),
      out_bytes_(out_row_ * step.out_height),
      fill_(fill),
      fill_at_once_(fill.size() / step.channels * step.channels) {
  const auto kept = [](int64_t start, uint32_t window, uint32_t size, uint64_t* begin, uint64_t* end) {
    const int64_t first = std::clamp<int64_t>(start, 0, size);
    const int64_t last = std::clamp<int64_t>(start + window, first, size);
    *begin = static_cast<uint64_t>(first);
    *end = static_cast<uint64_t>(last);
  };
  kept(step.left, step.out_width, step.in_width, &x_begin_, &x_end_);
  kept(step.top, step.out_height, step.in_height, &y_begin_, &y_end_);
  if (x_begin_ == x_end_ || y_begin_ == y_end_) x_end_ = x_begin_, y_end_ = y_begin_;
  out_x_ = static_cast<uint64_t>(std::max<int64_t>(-step.left, 0)) * step.channels;
  out_y_ = static_cast<uint64_t>(std::max<int64_t>(-step.top, 0));
  x_begin_ *= step.channels;
  x_end_ *= step.channels;
  if (y_begin_ < y_end_ && x_begin_ < x_end_) {
    first_byte_ = y_begin_ * in_row_ + x_begin_;
    end_byte_ = (y_end_ - 1) * in_row_ + x_end_;
  }
}

void SelectState::begin(Downstream& next) {
  next_ = &next;
  // Fill lies between the end of what one row keeps and the start of what the next one keeps, so it makes one
  // run.
  uint64_t fill_from = 0;
  const uint64_t kept = x_end_ - x_begin_;
  for (uint64_t y = y_begin_; y < y_end_; ++y) {
    const uint64_t start = (y - y_begin_ + out_y_) * out_row_ + out_x_;
    emit_fill(fill_from, start);
    fill_from = start + kept;
  }
  emit_fill(fill_from, out_bytes_);
}

void SelectState::take(uint64_t offset, std::span<const uint8_t> bytes) {
  if (offset >= end_byte_ || offset + bytes.size() <= first_byte_) return;
  const bool whole_rows = x_begin_ == 0 && x_end_ == in_row_ && in_row_ == out_row_;
  if (whole_rows) {  // rows of input and output are as long, so a run stays one run
    const uint64_t begin = std::max(offset, y_begin_ * in_row_);
    const uint64_t end = std::min(offset + bytes.size(), y_end_ * in_row_);
    if (begin < end) {
      next_->take(begin - y_begin_ * in_row_ + out_y_ * out_row_, bytes.subspan(begin - offset, end - begin));
    }
    return;
  }
  uint64_t y = std::max(offset / in_row_, y_begin_);
  for (; y < y_end_ && y * in_row_ < offset + bytes.size(); ++y) {
    const uint64_t begin = std::max(offset, y * in_row_ + x_begin_);
    const uint64_t end = std::min(offset + bytes.size(), y * in_row_ + x_end_);
    if (begin >= end) continue;
    const uint64_t column = begin - y * in_row_ - x_begin_;
    next_->take((y - y_begin_ + out_y_) * out_row_ + out_x_ + column,
                bytes.subspan(begin - offset, end - begin));
  }
}

void SelectState::emit_fill(uint64_t begin, uint64_t end) {
  while (begin < end) {
    const uint64_t n = std::min(end - begin, fill_at_once_);
    next_->take(begin, std::span(fill_).first(n));
    begin += n;
  }
}

class SelectStage final : public Stage {
 public:
  explicit SelectStage(const SelectStep& step) : step_(step) {
    for (size_t i = 0; i < fill_.size(); ++i) fill_[i] = step.fill[i % step.channels];
  }
  std::unique_ptr<StageState> make_state() const override {
    return std::make_unique<SelectState>(step_, fill_);
  }

 private:
  const SelectStep& step_;
  FillBlock fill_;
};

}  // namespace

std::unique_ptr<Stage> make_select_stage(const SelectStep& step) {
  return std::make_unique<SelectStage>(step);
}

uint64_t select_state_bytes() { return sizeof(SelectState); }

}  // namespace onpath
