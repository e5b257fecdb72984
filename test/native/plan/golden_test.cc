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

void expect_golden(const GoldenCase& golden, const std::vector<uint8_t>& result) {
  const std::vector<uint8_t> head = golden.bytes("head");
  ASSERT_GE(result.size(), head.size()) << golden.line();
  EXPECT_TRUE(std::equal(head.begin(), head.end(), result.begin())) << golden.line();
  EXPECT_EQ(hash_hex(sha256(result)), golden.text("sha256")) << golden.line();
}

/// Every Y, Cb and Cr together, as scripts/golden/make_to_rgb.py lays them out.
std::vector<uint8_t> every_colour() {
  std::vector<uint8_t> sample;
  sample.reserve(size_t{4} << 23);
  for (uint32_t g = 0; g < 1u << 23; ++g) {
    for (const uint32_t byte : {g >> 7 & 255, 2 * (g & 127), g >> 15, 2 * (g & 127) + 1})
      sample.push_back(static_cast<uint8_t>(byte));
  }
  return sample;
}

TEST(Golden, ToRgbEqualsNumpyForEveryColour) {
  const std::vector<GoldenCase> cases = golden_cases("to_rgb.json");
  ASSERT_EQ(cases.size(), 24u);
  const std::vector<uint8_t> all = every_colour();
  for (const GoldenCase& golden : cases) {
    const ToRgbSpec to_rgb{golden.text("matrix") == "bt601" ? YcbcrMatrix::bt601 : YcbcrMatrix::bt709,
                           golden.text("range") == "studio" ? YcbcrRange::studio : YcbcrRange::full};
    const PlanPtr plan =
        must_compile(pipeline(golden.number("width"), golden.number("height"), PixelFormat::uyvy, {to_rgb}));
    ASSERT_NE(plan, nullptr) << golden.line();
    const bool noise = golden.text("source") == "noise";
    const std::vector<uint8_t> sample =
        noise ? golden_noise(golden.number("seed"), plan->input().bytes) : all;
    for (const KernelSet* kernels : available_kernels()) {
      if (noise || kernels == available_kernels().front())
        expect_golden(golden, run_whole(*must_bind(plan, kernels->name), sample));
    }
  }
}

TEST(Golden, PadEqualsOpenCvWithTheSidesOfLetterbox) {
  const std::vector<GoldenCase> cases = golden_cases("pad.json");
  ASSERT_EQ(cases.size(), 50u);
  for (const GoldenCase& golden : cases) {
    PadSpec pad;
    if (golden.line().find("\"sides\": []") == std::string::npos) {
      const std::vector<double> sides = golden.numbers("sides");
      pad.left = static_cast<uint32_t>(sides[0]), pad.top = static_cast<uint32_t>(sides[1]);
      pad.right = static_cast<uint32_t>(sides[2]), pad.bottom = static_cast<uint32_t>(sides[3]);
    } else {
      pad.width = golden.number("outWidth"), pad.height = golden.number("outHeight");
    }
    for (const double value : golden.numbers("value")) pad.value.push_back(static_cast<uint32_t>(value));
    const PlanPtr plan = must_compile(
        pipeline(golden.number("width"), golden.number("height"), format_of(golden.text("mode")), {pad}));
    ASSERT_NE(plan, nullptr) << golden.line();
    EXPECT_EQ(plan->outputs()[0].shape[0], golden.number("outHeight")) << golden.line();
    EXPECT_EQ(plan->outputs()[0].shape[1], golden.number("outWidth")) << golden.line();
    const std::vector<uint8_t> sample = golden_noise(golden.number("seed"), plan->input().bytes);
    expect_golden(golden, run_whole(*must_bind(plan), sample));
  }
}

}  // namespace
}  // namespace onpath::testing
