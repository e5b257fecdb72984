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
