// crop and centerCrop: which pixels are kept, what is zero, and where a centred window begins.
#include <gtest/gtest.h>

#include "support/pipelines.h"
#include "support/streaming_property.h"

namespace onpath::testing {
namespace {

std::vector<uint8_t> model(const std::vector<uint8_t>& in, int64_t w, int64_t h, int64_t channels,
                           const CropSpec& crop) {
  std::vector<uint8_t> out;
  for (int64_t y = crop.top; y < crop.top + crop.height; ++y) {
    for (int64_t x = crop.left; x < crop.left + crop.width; ++x) {
      for (int64_t c = 0; c < channels; ++c) {
        const bool inside = x >= 0 && x < w && y >= 0 && y < h;
        out.push_back(inside ? in[static_cast<size_t>((y * w + x) * channels + c)] : 0);
      }
    }
  }
  return out;
}

TEST(Crop, KeepsTheWindowAndPadsWithZeros) {
  Random random(test_seed());
  for (int i = 0; i < 300; ++i) {
    const uint32_t w = random.between(1, 20), h = random.between(1, 20);
    const CropSpec crop{static_cast<int64_t>(random.below(50)) - 25,
                        static_cast<int64_t>(random.below(50)) - 25, random.between(1, 30),
                        random.between(1, 30)};
    const auto format = random.one_in(2) ? PixelFormat::gray : PixelFormat::rgba;
    const PlanPtr plan = must_compile(pipeline(w, h, format, {crop}));
    const std::vector<uint8_t> sample = random.noise(plan->input().bytes);
    ASSERT_EQ(run_whole(*must_bind(plan), sample), model(sample, w, h, pixel_format_channels(format), crop))
        << i;
  }
}

/// The first column that a centred window of `crop` keeps of `size` columns, negative if it pads.
int64_t start_of(uint32_t size, uint32_t crop, OffsetRule rule) {
  const PlanPtr plan = must_compile(pipeline(size, 1, PixelFormat::gray, {CenterCropSpec{crop, 1, rule}}));
  std::vector<uint8_t> sample;
  for (uint32_t i = 0; i < size; ++i) sample.push_back(static_cast<uint8_t>(i + 1));
  const std::vector<uint8_t> out = run_whole(*must_bind(plan), sample);
  for (size_t i = 0; i < out.size(); ++i) {
    if (out[i] != 0) return int64_t{out[i]} - 1 - static_cast<int64_t>(i);
  }
  return INT64_MAX;
}

TEST(CenterCrop, TorchvisionRoundsHalfToEvenAndPadsTheLeftRoundedDown) {
  // size, crop, left: int(round((size - crop) / 2)); for a smaller image minus (crop - size) // 2.
  const int64_t cases[][3] = {{10, 10, 0}, {11, 10, 0}, {12, 10, 1}, {13, 10, 2}, {15, 10, 2},
                              {17, 10, 4}, {19, 10, 4}, {21, 10, 6}, {9, 10, 0},  {8, 10, -1},
                              {7, 10, -1}, {6, 10, -2}, {5, 10, -2}, {1, 10, -4}};
  for (const auto& [size, crop, left] : cases) {
    EXPECT_EQ(start_of(static_cast<uint32_t>(size), static_cast<uint32_t>(crop), OffsetRule::torchvision),
              left)
        << size << " cropped to " << crop;
  }
}

TEST(CenterCrop, FloorRoundsDown) {
  const int64_t cases[][3] = {{10, 10, 0}, {11, 10, 0}, {13, 10, 1}, {15, 10, 2},
                              {9, 10, -1}, {8, 10, -1}, {7, 10, -2}, {5, 10, -3}};
  for (const auto& [size, crop, left] : cases) {
    EXPECT_EQ(start_of(static_cast<uint32_t>(size), static_cast<uint32_t>(crop), OffsetRule::floor), left)
        << size << " cropped to " << crop;
  }
}

}  // namespace
}  // namespace onpath::testing
