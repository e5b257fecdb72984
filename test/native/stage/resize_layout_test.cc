// Layouts of a resize's state give equal bits; windows of rows are what the weights say.
#include <gtest/gtest.h>

#include "kernel/kernels.h"
#include "stage/resize.h"
#include "stage/row_windows.h"
#include "support/random.h"

namespace onpath::testing {
namespace {

class Collect : public Downstream {
 public:
  explicit Collect(uint64_t n) : bytes(n), times(n) {}
  void take(uint64_t offset, std::span<const uint8_t> run) override {
    for (size_t i = 0; i < run.size(); ++i) {
      bytes[offset + i] = run[i];
      ++times[offset + i];
    }
  }
  std::vector<uint8_t> bytes;
  std::vector<int> times;
};

TEST(ResizeLayout, RowsAndPartialSumsGiveEqualBits) {
  Random random(test_seed());
  for (int i = 0; i < 60; ++i) {
    ResizeStep step;
    step.in_width = random.between(1, 30);
    step.in_height = random.between(1, 60);
    step.out_width = random.between(1, 30);
    step.out_height = random.between(1, 60);
    step.channels = random.between(1, 4);
    step.premultiply = step.channels == 4 && random.one_in(2);
    if (step.in_height == step.out_height) continue;
    const auto filter = static_cast<WindowFilter>(i % 5);
    if (step.in_width != step.out_width) {
      step.x = std::make_shared<const ResampleWeights>(
          pillow_weights(step.in_width, step.out_width, filter).value());
    }
    step.y = std::make_shared<const ResampleWeights>(
        pillow_weights(step.in_height, step.out_height, filter).value());
    const std::vector<uint8_t> sample = random.noise(step.raw_row_bytes() * step.in_height);
    std::vector<uint8_t> first;
    for (const KernelSet* kernels : available_kernels()) {
      for (const RowState layout : {RowState::rows, RowState::sums}) {
        step.state = layout;
        const auto stage = make_resize_stage(step, *kernels);
        const auto state = stage->make_state();
        Collect collect(step.out_row_bytes() * step.out_height);
        state->begin(collect);
        // Rows in a random order, each cut at a random place.
        std::vector<uint32_t> rows(step.in_height);
        for (uint32_t r = 0; r < step.in_height; ++r) rows[r] = r;
        random.shuffle(rows);
        for (const uint32_t row : rows) {
          const auto bytes = std::span(sample).subspan(row * step.raw_row_bytes(), step.raw_row_bytes());
          const uint32_t cut = random.below(static_cast<uint32_t>(bytes.size()));
          if (cut > 0) state->take(row * step.raw_row_bytes(), bytes.first(cut));
          state->take(row * step.raw_row_bytes() + cut, bytes.subspan(cut));
        }
        for (const int times : collect.times) ASSERT_EQ(times, 1);
        if (first.empty()) first = collect.bytes;
        ASSERT_EQ(collect.bytes, first)
            << kernels->name << " layout " << static_cast<int>(layout) << " case " << i;
      }
    }
  }
}

TEST(RowWindows, EveryTableIsOrderedAndReadersAreItsInverse) {
  Random random(test_seed());
  for (int i = 0; i < 400; ++i) {
    const uint32_t in = random.between(1, i % 20 == 0 ? 65535 : 700);
    const uint32_t out = random.between(1, i % 20 == 0 ? 3000 : 700);
    const auto filter = static_cast<WindowFilter>(i % 5);
    const ResampleWeights weights = (i % 2 == 0 ? pillow_weights : torch_weights)(in, out, filter).value();
    ASSERT_TRUE(windows_ordered(weights)) << in << " -> " << out;
    const LerpWeights lerp = exact4_weights(in, out).value();
    ASSERT_TRUE(windows_ordered(lerp)) << in << " -> " << out;
    const LerpWeights opencv = opencv_weights(in, out, false).value();
    ASSERT_TRUE(windows_ordered(opencv)) << in << " -> " << out;
    for (const RowWindows& windows : {windows_of(weights), windows_of(lerp), windows_of(opencv)}) {
      uint64_t reads = 0, readers = 0;
      for (uint32_t y = 0; y < out; ++y) {
        reads += windows.count[y];
        for (uint32_t t = 0; t < windows.count[y]; ++t) {
          const uint32_t row = windows.first[y] + t;
          ASSERT_TRUE(windows.reader_begin[row] <= y && y < windows.reader_end[row]) << in << " -> " << out;
        }
      }
      for (uint32_t row = 0; row < in; ++row) readers += windows.reader_end[row] - windows.reader_begin[row];
      ASSERT_EQ(reads, readers) << in << " -> " << out;
    }
  }
}

TEST(RowWindows, Exact4SkipsRowsThatNoOutputReads) {
  const RowWindows windows = windows_of(exact4_weights(720, 224).value());
  EXPECT_EQ(windows.rows_read(), 448u);
  EXPECT_EQ(windows_of(pillow_weights(720, 224, WindowFilter::bilinear).value()).rows_read(), 720u);
}

TEST(RowWindows, KeptInOrderIsWhatTheScheduleKeeps) {
  const RowWindows windows = windows_of(pillow_weights(720, 224, WindowFilter::bilinear).value());
  // Windows of 7 rows, each shifted by 3.2: at most 6 wait for the seventh.
  EXPECT_EQ(windows.most_rows_of_one(), 7u);
  EXPECT_EQ(windows.rows_kept_in_order(), 6u);
}

TEST(ResizeLayout, TheSmallerWorstCaseIsChosen) {
  const auto step_of = [](uint32_t w, uint32_t h, uint32_t ow, uint32_t oh) {
    ResizeStep step;
    step.in_width = w;
    step.in_height = h;
    step.out_width = ow;
    step.out_height = oh;
    step.channels = 3;
    step.x = std::make_shared<const ResampleWeights>(pillow_weights(w, ow, WindowFilter::bilinear).value());
    step.y = std::make_shared<const ResampleWeights>(pillow_weights(h, oh, WindowFilter::bilinear).value());
    return step;
  };
  for (const ResizeStep& step :
       {step_of(1280, 720, 224, 224), step_of(640, 480, 5120, 3840), step_of(60, 800, 200, 20)}) {
    const uint64_t rows = resize_cost(step, RowState::rows).state_bytes;
    const uint64_t sums = resize_cost(step, RowState::sums).state_bytes;
    EXPECT_EQ(choose_row_state(step), sums < rows ? RowState::sums : RowState::rows);
  }
  // 236 MB of sums for an image of 0.9 MB are not taken.
  const ResizeStep enlarge = step_of(640, 480, 5120, 3840);
  EXPECT_EQ(choose_row_state(enlarge), RowState::rows);
  EXPECT_GT(resize_cost(enlarge, RowState::sums).state_bytes, 235'000'000u);
  EXPECT_LT(resize_cost(enlarge, RowState::rows).state_bytes, 8'000'000u);
  EXPECT_EQ(choose_row_state(step_of(60, 800, 200, 20)), RowState::sums);
}

}  // namespace
}  // namespace onpath::testing
