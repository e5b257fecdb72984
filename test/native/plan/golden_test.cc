// Programs against golden vectors: Pillow's resize and numpy's normalize, bit for bit, with every kernel set.
// Photographs are left to the TypeScript tests, which can decode them.
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

TEST(Golden, ResizeEqualsPillowBitForBit) {
  int cases = 0;
  for (const GoldenCase& golden : golden_cases("resize_pillow.json")) {
    if (golden.text("source") != "noise") continue;
    ++cases;
    const PipelineSpec spec =
        pipeline(golden.number("width"), golden.number("height"), format_of(golden.text("mode")),
                 {resize_to(golden.number("outWidth"), golden.number("outHeight"))});
    const PlanPtr plan = must_compile(spec);
    ASSERT_NE(plan, nullptr) << golden.line();
    const std::vector<uint8_t> sample = golden_noise(golden.number("seed"), plan->input().bytes);
    for (const KernelSet* kernels : available_kernels()) {
      const std::vector<uint8_t> output = run_whole(*must_bind(plan, kernels->name), sample);
      EXPECT_EQ(hash_hex(sha256(output)), golden.text("sha256")) << kernels->name << " " << golden.line();
    }
  }
  EXPECT_GE(cases, 80);
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
