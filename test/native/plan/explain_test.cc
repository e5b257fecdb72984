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
