// Programs against golden vectors, bit for bit: the resizes of Pillow, PyTorch and OpenCV, and numpy's
// normalize. Photographs are left to the TypeScript tests, which can decode them.
#include <gtest/gtest.h>

#include "base/sha256.h"
#include "kernel/kernels.h"
#include "support/golden.h"
#include "support/pipelines.h"
#include "support/streaming_property.h"

namespace onpath::testing {
namespace {

PixelFormat format_of(const std::string& mode) {
  return mode == "L"      ? PixelFormat::gray
         : mode == "RGB"  ? PixelFormat::rgb
         : mode == "RGBA" ? PixelFormat::rgba
                          : PixelFormat::rgbx;
}

constexpr const char* filter_name(ResizeFilter filter) {
  constexpr const char* kNames[] = {"bilinear", "nearest", "box", "hamming", "bicubic", "lanczos3"};
  return kNames[static_cast<size_t>(filter)];
}

/// All cases of noise with the best set; those whose images are small enough for the slow ones with every
/// set.
void expect_equals_reference(const std::string& file, ResizeProfile profile) {
  constexpr uint64_t kSmall = 60'000;  // bytes of sample and result
  int cases = 0, with_every_set = 0;
  for (const GoldenCase& golden : golden_cases(file)) {
    if (golden.text("source") != "noise") continue;
    ++cases;
    const PixelFormat format = format_of(golden.text("mode"));
    const uint32_t width = golden.number("outWidth"), height = golden.number("outHeight");
    std::vector<uint8_t> sample;
    for (const ResizeKind kind : kResizes) {
      if (kind.profile != profile) continue;
      const PlanPtr plan = must_compile(pipeline(golden.number("width"), golden.number("height"), format,
                                                 {resize_to(width, height, profile, kind.filter)}));
      ASSERT_NE(plan, nullptr) << golden.line();
      if (sample.empty()) sample = golden_noise(golden.number("seed"), plan->input().bytes);
      const bool small = sample.size() + plan->outputs()[0].bytes < kSmall;
      with_every_set += small && kind.filter == ResizeFilter::bilinear ? 1 : 0;
      for (const KernelSet* kernels : available_kernels()) {
        const std::vector<uint8_t> output = run_whole(*must_bind(plan, kernels->name), sample);
        ASSERT_EQ(hash_hex(sha256(output)).substr(0, 32), golden.text(filter_name(kind.filter)))
            << kernels->name << " " << filter_name(kind.filter) << " " << golden.line();
        if (!small) break;
      }
    }
  }
  EXPECT_GE(cases, 160);
  EXPECT_GE(with_every_set, 30);
}

TEST(Golden, ResizeEqualsPillowBitForBit) {
  expect_equals_reference("resize_pillow.json", ResizeProfile::pillow);
}

TEST(Golden, ResizeEqualsPyTorchBitForBit) {
  expect_equals_reference("resize_torch.json", ResizeProfile::torch);
}

TEST(Golden, ResizeEqualsOpencvBitForBit) {
  expect_equals_reference("resize_opencv.json", ResizeProfile::opencv);
}

TEST(Golden, NormalizeEqualsItsRecipesBitForBit) {
  const std::vector<GoldenCase> cases = golden_cases("normalize.json");
  ASSERT_EQ(cases.size(), 18u);
  // One pixel of every value: 256 columns, all channels alike.
  std::vector<uint8_t> sample;
  for (int v = 0; v < 256; ++v) sample.insert(sample.end(), 3, static_cast<uint8_t>(v));
  for (const GoldenCase& golden : cases) {
    NormalizeSpec normalize;
    normalize.mean = golden.numbers("mean");
    normalize.std = golden.numbers("std");
    normalize.recipe =
        golden.text("recipe") == "fused" ? NormalizeRecipe::fused : NormalizeRecipe::torchvision;
    const std::string name = golden.text("dtype");
    const DType dtype = name == "float32"   ? DType::float32
                        : name == "float16" ? DType::float16
                                            : DType::bfloat16;
    const PlanPtr plan =
        must_compile(pipeline(256, 1, PixelFormat::rgb, {normalize}, {"pixels", dtype, Layout::chw}));
    for (const KernelSet* kernels : available_kernels()) {
      EXPECT_EQ(run_whole(*must_bind(plan, kernels->name), sample), golden.bytes("hex"))
          << kernels->name << " " << golden.text("set") << " " << golden.text("recipe") << " " << name;
    }
  }
}

}  // namespace
}  // namespace onpath::testing
