// explain() prints what was chosen, honestly.
#include <gtest/gtest.h>

#include "support/pipelines.h"

namespace onpath::testing {
namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(Explain, Exact4From1280x720To224x224NamesNaiveDeduplicatedAndStored) {
  const auto rows = must_bind(must_compile(pipeline(1280, 720, PixelFormat::rgb,
                                                    {resize_to(224, 224, ResizeProfile::exact4)})))
                        ->explain();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].step, "resize exact4 1280x720 -> 224x224");
  EXPECT_EQ(rows[0].stage_class, StageClass::placed);
  EXPECT_EQ(rows[0].naive_table_entries, 51'380'224u);
  EXPECT_TRUE(has(rows[0].tables, "51380224 naive, 100352 deduplicated (7 horizontal x 14 vertical phases"))
      << rows[0].tables;
  EXPECT_LT(rows[0].table_entries, 1000u);
  EXPECT_EQ(rows[0].table_bytes, 4u * 4 * (224 + 224));
}

TEST(Explain, PillowFrom1280x720To224x224Has9HorizontalAnd16VerticalVectors) {
  const auto rows =
      must_bind(must_compile(pipeline(1280, 720, PixelFormat::rgb, {resize_to(224, 224)})))->explain();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].step, "resize pillow bilinear 1280x720 -> 224x224");
  EXPECT_TRUE(has(rows[0].tables, "horizontal: 9 distinct of 224 vectors")) << rows[0].tables;
  EXPECT_TRUE(has(rows[0].tables, "vertical: 16 distinct of 224 vectors")) << rows[0].tables;
  EXPECT_LT(rows[0].table_entries, rows[0].naive_table_entries);
  EXPECT_TRUE(has(rows[0].state, "incomplete and reduced rows (")) << rows[0].state;
  EXPECT_TRUE(has(rows[0].state, "not chosen: incomplete rows and partial sums (")) << rows[0].state;
  // One raw row and the six reduced rows that wait for the seventh.
  EXPECT_EQ(rows[0].window_bytes, 1280u * 3 + 6 * 224 * 3);
}

StepExplanation explained(uint32_t width, uint32_t height, ResizeProfile profile, ResizeFilter filter) {
  return must_bind(must_compile(
                       pipeline(1280, 720, PixelFormat::rgba, {resize_to(width, height, profile, filter)})))
      ->explain()[0];
}

TEST(Explain, EveryResizeIsNamedWithItsProfileAndFilter) {
  static constexpr const char* kNames[] = {"pillow nearest", "pillow box",     "pillow bilinear",
                                           "pillow hamming", "pillow bicubic", "pillow lanczos3",
                                           "torch bilinear", "torch bicubic",  "opencv bilinear",
                                           "opencv nearest", "exact4"};
  for (size_t i = 0; i < std::size(kNames); ++i) {
    const StepExplanation row = explained(224, 224, kResizes[i].profile, kResizes[i].filter);
    EXPECT_TRUE(row.step.starts_with("resize " + std::string(kNames[i]) + " 1280x720 -> 224x224"))
        << row.step;
    const bool nearest = kResizes[i].filter == ResizeFilter::nearest;
    EXPECT_EQ(row.stage_class, nearest ? StageClass::element : StageClass::placed);
    EXPECT_EQ(row.window_bytes == 0, nearest);
    const bool alpha = !nearest && (kResizes[i].profile == ResizeProfile::pillow ||
                                    kResizes[i].profile == ResizeProfile::exact4);
    EXPECT_EQ(has(row.step, "alpha premultiplied"), alpha) << row.step;
  }
}

TEST(Explain, EveryResizeSaysWhatOneOutputRowTouches) {
  // 9 vectors of 12 weights and 8 bytes for each of 224 columns; one vector of 7 weights and its 8 bytes.
  EXPECT_TRUE(
      has(explained(224, 224, ResizeProfile::pillow, ResizeFilter::bilinear).tables,
          "one output row touches 2260 bytes (9 horizontal vectors for 224 columns: 2224; one vertical "
          "vector: 36)"))
      << explained(224, 224, ResizeProfile::pillow, ResizeFilter::bilinear).tables;
  EXPECT_TRUE(has(explained(224, 720, ResizeProfile::pillow, ResizeFilter::bilinear).tables,
                  "touches 2224 bytes (9 horizontal vectors for 224 columns: 2224; no vertical vector: 0)"));
  EXPECT_TRUE(has(explained(1280, 224, ResizeProfile::pillow, ResizeFilter::bilinear).tables,
                  "touches 36 bytes (0 horizontal vectors for 0 columns: 0; one vertical vector: 36)"));
  // Two positions and two weights for each column, and once more for the row.
  for (const ResizeProfile profile : {ResizeProfile::exact4, ResizeProfile::opencv}) {
    const std::string tables = explained(224, 224, profile, ResizeFilter::bilinear).tables;
    EXPECT_TRUE(has(tables, "one output row touches 3600 bytes (")) << tables;
    EXPECT_TRUE(has(tables, "horizontal phases for 224 columns: 3584; one vertical phase: 16)")) << tables;
  }
  EXPECT_TRUE(has(explained(224, 224, ResizeProfile::opencv, ResizeFilter::nearest).tables,
                  "224 column positions and 224 row positions; one output row touches 900 bytes"));
}

TEST(Explain, StepsAddUpToThePlan) {
  const PlanPtr plan = must_compile(
      pipeline(320, 240, PixelFormat::bgra,
               {ChannelsSpec{PixelFormat::rgb}, resize_to(75, 56), CenterCropSpec{48, 48}, imagenet()},
               {"pixels", DType::float16, Layout::chw}));
  const ProgramPtr program = must_bind(plan, "scalar");
  const auto rows = program->explain();
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[0].step, "map channels -> uint8 hwc");
  EXPECT_EQ(rows[1].step, "resize pillow bilinear 320x240 -> 75x56");
  EXPECT_EQ(rows[2].step, "crop 48x48 at 14,4 of 75x56");
  EXPECT_EQ(rows[3].step, "place normalize+convert -> float16 chw");
  uint64_t state = 0, tables = 0;
  for (const StepExplanation& row : rows) {
    state += row.state_bytes;
    tables += row.table_bytes;
    EXPECT_EQ(row.kernel, row.step.starts_with("crop") ? "none" : "scalar");
  }
  EXPECT_LT(state, plan->state_bytes());  // coverage comes on top
  EXPECT_LT(plan->state_bytes() - state, 320u * 240 * 4 / 8 + 4096);
  EXPECT_EQ(tables, plan->table_bytes());
}

TEST(Explain, PadAndToRgbAreNamedWithTheirMemory) {
  const PlanPtr plan = must_compile(
      pipeline(64, 48, PixelFormat::uyvy,
               {ToRgbSpec{YcbcrMatrix::bt709, YcbcrRange::full}, PadSpec{0, 0, 0, 0, 64, 64, {114, 1, 2}}}));
  const auto rows = must_bind(plan, "scalar")->explain();
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].step, "toRgb bt709 full 64x48");
  EXPECT_EQ(rows[0].kernel, "scalar");
  EXPECT_EQ(rows[0].table_entries, 5u * 256);
  EXPECT_EQ(rows[0].table_bytes, 5u * 256 * 4);
  EXPECT_EQ(rows[0].window_bytes, 3u);
  EXPECT_GE(rows[0].state_bytes, 32u * 48 * 5);
  EXPECT_EQ(rows[1].step, "pad 64x48 -> 64x64, image at 0,8, beyond it 114 1 2");
  EXPECT_EQ(rows[0].table_bytes + 256, plan->table_bytes());  // and the table of a map that only copies
}

TEST(Explain, AlphaIsNamedWhereItIsPremultiplied) {
  const auto rgba =
      must_bind(must_compile(pipeline(9, 9, PixelFormat::rgba, {resize_to(4, 4, ResizeProfile::exact4)})));
  EXPECT_TRUE(has(rgba->explain()[0].step, "alpha premultiplied")) << rgba->explain()[0].step;
  const auto rgbx = must_bind(must_compile(pipeline(9, 9, PixelFormat::rgbx, {resize_to(4, 4)})));
  EXPECT_FALSE(has(rgbx->explain()[0].step, "alpha"));
}

}  // namespace
}  // namespace onpath::testing
