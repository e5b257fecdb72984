// pad: what the added pixels hold, where letterbox puts an odd one, and what is refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "support/pipelines.h"
#include "support/streaming_property.h"

namespace onpath::testing {
namespace {

std::vector<uint8_t> model(const std::vector<uint8_t>& in, uint32_t w, uint32_t h, uint32_t channels,
                           const PadSpec& pad) {
  std::vector<uint8_t> out;
  for (uint32_t y = 0; y < pad.top + h + pad.bottom; ++y) {
    for (uint32_t x = 0; x < pad.left + w + pad.right; ++x) {
      const bool inside = x >= pad.left && x < pad.left + w && y >= pad.top && y < pad.top + h;
      for (uint32_t c = 0; c < channels; ++c) {
        const size_t at = ((size_t{y} - pad.top) * w + x - pad.left) * channels + c;
        out.push_back(inside ? in[at] : static_cast<uint8_t>(pad.value[pad.value.size() == 1 ? 0 : c]));
      }
    }
  }
  return out;
}

TEST(Pad, PutsTheValuesAroundTheImage) {
  Random random(test_seed());
  for (int i = 0; i < 200; ++i) {
    const uint32_t w = random.between(1, 20), h = random.between(1, 20);
    const auto format = static_cast<PixelFormat>(random.below(6));
    const uint32_t channels = pixel_format_channels(format);
    PadSpec pad{random.below(9), random.below(9), random.below(9), random.below(9), 0, 0, {}};
    const uint32_t values = random.one_in(2) ? 1 : channels;
    for (uint32_t v = 0; v < values; ++v) pad.value.push_back(random.below(256));
    const PlanPtr plan = must_compile(pipeline(w, h, format, {pad}));
    ASSERT_NE(plan, nullptr);
    const std::vector<uint8_t> sample = random.noise(plan->input().bytes);
    ASSERT_EQ(run_whole(*must_bind(plan), sample), model(sample, w, h, channels, pad)) << i;
  }
}

TEST(Pad, LongBordersAreWholePixels) {
  // More than one block of fill, of three bytes a pixel.
  const PadSpec pad{5000, 2, 1, 0, 0, 0, {1, 2, 3}};
  const PlanPtr plan = must_compile(pipeline(2, 1, PixelFormat::rgb, {pad}));
  const std::vector<uint8_t> sample = {9, 9, 9, 8, 8, 8};
  EXPECT_EQ(run_whole(*must_bind(plan), sample), model(sample, 2, 1, 3, pad));
}

TEST(Pad, LetterboxRoundsAsYoloDoes) {
  // Size, target, first pixel of the image: round(d - 0.1) where d is half of what is missing.
  const uint32_t cases[][3] = {{10, 10, 0}, {9, 10, 0}, {8, 10, 1}, {7, 10, 1}, {6, 10, 2},
                               {5, 10, 2},  {4, 10, 3}, {3, 10, 3}, {1, 10, 4}, {1, 2, 0}};
  for (const auto& [size, target, left] : cases) {
    const double d = (target - size) / 2.0;
    ASSERT_EQ(static_cast<uint32_t>(std::nearbyint(d - 0.1)), left);
    const PlanPtr plan =
        must_compile(pipeline(size, size, PixelFormat::gray, {PadSpec{0, 0, 0, 0, target, target, {7}}}));
    ASSERT_NE(plan, nullptr);
    const std::vector<uint8_t> out =
        run_whole(*must_bind(plan), std::vector<uint8_t>(size_t{size} * size, 1));
    ASSERT_EQ(out.size(), size_t{target} * target);
    EXPECT_EQ(std::find(out.begin(), out.end(), 1) - out.begin(), left * target + left)
        << size << " to " << target;
  }
}

TEST(Pad, StagesBeforeItDoNotTouchItsValuesAndStagesAfterItDo) {
  LookupSpec plus_one;
  for (int v = 0; v < 256; ++v) plus_one.data.push_back(static_cast<uint8_t>(v + 1));
  const PadSpec pad{1, 0, 0, 0, 0, 0, {50}};
  const std::vector<uint8_t> sample = {10};
  const auto run = [&](std::vector<StageSpec> stages) {
    return run_whole(*must_bind(must_compile(pipeline(1, 1, PixelFormat::gray, std::move(stages)))), sample);
  };
  EXPECT_EQ(run({plus_one, pad}), (std::vector<uint8_t>{50, 11}));
  EXPECT_EQ(run({pad, plus_one}), (std::vector<uint8_t>{51, 11}));
}

TEST(Pad, OfNothingIsNoStep) {
  const ProgramPtr program = must_bind(must_compile(
      pipeline(4, 3, PixelFormat::rgb, {PadSpec{0, 0, 0, 0, 4, 3, {1}}, PadSpec{0, 0, 0, 0, 0, 0, {1}}})));
  EXPECT_EQ(program->explain().size(), 1u);
}

TEST(Pad, WithZerosIsTheCropThatPads) {
  const auto plan = [](StageSpec stage) {
    return must_compile(pipeline(4, 3, PixelFormat::rgb, {std::move(stage)}));
  };
  EXPECT_EQ(plan(PadSpec{1, 2, 3, 4, 0, 0, {0}})->hash(), plan(CropSpec{-1, -2, 8, 9})->hash());
  EXPECT_NE(plan(PadSpec{1, 2, 3, 4, 0, 0, {1}})->hash(), plan(CropSpec{-1, -2, 8, 9})->hash());
}

TEST(Pad, IsRefusedByName) {
  const auto refused = [](const PadSpec& pad, const std::string& words, std::vector<StageSpec> before = {}) {
    before.push_back(pad);
    const auto plan = compile(pipeline(60, 40, PixelFormat::rgb, before));
    ASSERT_FALSE(plan.ok()) << words;
    EXPECT_EQ(plan.error().code, ErrorCode::INVALID_SPEC);
    EXPECT_NE(plan.error().message.find(words), std::string::npos) << plan.error().message;
  };
  refused({0, 0, 0, 0, 59, 40, {0}}, "stages[0].width is 59; expected at least 60");
  refused({0, 0, 0, 0, 60, 39, {0}}, "stages[0].height is 39; expected at least 40");
  refused({0, 0, 0, 0, 65536, 40, {0}}, "stages[0].width is 65536; expected 1 to 65535");
  refused({0, 0, 0, 0, 70, 0, {0}}, "stages[0].height is 0");
  refused({1, 0, 0, 0, 70, 70, {0}}, "sides and a size");
  refused({65000, 0, 476, 0, 0, 0, {0}}, "65536 pixels wide; expected at most 65535");
  refused({0, UINT32_MAX, 0, UINT32_MAX, 0, 0, {0}}, "8589934630 pixels high");
  refused({1, 0, 0, 0, 0, 0, {1, 2}}, "stages[0].value has 2 values; expected 1 or 3");
  refused({1, 0, 0, 0, 0, 0, {}}, "stages[0].value has 0 values");
  refused({1, 0, 0, 0, 0, 0, {256}}, "stages[0].value is 256; expected 0 to 255");
  refused({1, 0, 0, 0, 0, 0, {1}}, "stages[1] is a pad of float32", {imagenet()});
  EXPECT_TRUE(compile(pipeline(60, 40, PixelFormat::rgb, {PadSpec{65000, 0, 475, 0, 0, 0, {1}}})).ok());
}

}  // namespace
}  // namespace onpath::testing
