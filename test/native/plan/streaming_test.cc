// The streaming contract, over every stage alone and over random pipelines, with every kernel set of this
// machine.
#include <gtest/gtest.h>

#include <cstdio>

#include "kernel/kernels.h"
#include "support/pipelines.h"
#include "support/streaming_property.h"

namespace onpath::testing {
namespace {

/// Streams noise through the pipeline with every kernel set; all whole-sample results must be equal, too.
void expect_pipeline_streams(const PipelineSpec& spec, uint64_t seed) {
  const PlanPtr plan = must_compile(spec);
  ASSERT_NE(plan, nullptr);
  const std::vector<uint8_t> sample = Random(seed).noise(plan->input().bytes);
  std::vector<uint8_t> first;
  for (const KernelSet* kernels : available_kernels()) {
    const ProgramPtr program = must_bind(plan, kernels->name);
    const std::vector<uint8_t> whole = run_whole(*program, sample);
    if (first.empty()) first = whole;
    ASSERT_EQ(whole, first) << "kernels " << kernels->name << " differ, seed " << seed;
    expect_streams(*program, sample, seed);
    if (::testing::Test::HasFailure()) return;
  }
}

std::vector<StageSpec> one(StageSpec stage) { return {std::move(stage)}; }

class EveryFormat : public ::testing::TestWithParam<PixelFormat> {};
INSTANTIATE_TEST_SUITE_P(Streaming, EveryFormat,
                         ::testing::Values(PixelFormat::gray, PixelFormat::rgb, PixelFormat::bgr,
                                           PixelFormat::rgba, PixelFormat::bgra, PixelFormat::rgbx));

TEST_P(EveryFormat, NoStageStreams) {
  for (const Layout layout : {Layout::hwc, Layout::chw}) {
    for (const DType dtype : {DType::uint8, DType::float16, DType::float32}) {
      expect_pipeline_streams(pipeline(23, 17, GetParam(), {}, {"pixels", dtype, layout}), 1);
    }
  }
}

TEST_P(EveryFormat, PillowResizeStreams) {
  for (const auto& [width, height] :
       {std::pair{9u, 5u}, {50u, 40u}, {23u, 40u}, {23u, 5u}, {7u, 31u}, {60u, 31u}, {1u, 1u}}) {
    expect_pipeline_streams(pipeline(23, 31, GetParam(), one(resize_to(width, height))), 2);
  }
}

TEST_P(EveryFormat, Exact4ResizeStreams) {
  for (const auto& [width, height] :
       {std::pair{9u, 5u}, {50u, 40u}, {23u, 40u}, {23u, 5u}, {7u, 31u}, {60u, 31u}, {1u, 1u}}) {
    expect_pipeline_streams(
        pipeline(23, 31, GetParam(), one(resize_to(width, height, ResizeProfile::exact4))), 3);
  }
}

TEST_P(EveryFormat, EveryProfileAndFilterStreams) {
  uint64_t seed = 20;
  for (const ResizeKind kind : kResizes) {
    for (const auto& [width, height] : {std::pair{9u, 5u}, {40u, 47u}, {13u, 8u}, {23u, 12u}, {31u, 15u}}) {
      expect_pipeline_streams(
          pipeline(13, 15, GetParam(), one(resize_to(width, height, kind.profile, kind.filter))), ++seed);
    }
  }
}

TEST_P(EveryFormat, CropStreams) {
  for (const CropSpec& crop :
       {CropSpec{3, 2, 10, 9}, CropSpec{0, 4, 23, 9}, CropSpec{-3, -2, 30, 28}, CropSpec{-4, 3, 23, 4},
        CropSpec{100, 0, 5, 5}, CropSpec{-65535, -65535, 7, 3}, CropSpec{22, 16, 4, 4}}) {
    expect_pipeline_streams(pipeline(23, 17, GetParam(), one(crop)), 4);
  }
  expect_pipeline_streams(pipeline(23, 17, GetParam(), one(CenterCropSpec{30, 4, OffsetRule::torchvision})),
                          5);
}

TEST_P(EveryFormat, PadStreams) {
  std::vector<uint32_t> values;
  for (uint32_t c = 0; c < pixel_format_channels(GetParam()); ++c) values.push_back(10 * c + 5);
  for (const PadSpec& pad : {PadSpec{3, 2, 1, 4, 0, 0, values}, PadSpec{0, 2, 0, 1, 0, 0, values},
                             PadSpec{4, 0, 0, 0, 0, 0, {200}}, PadSpec{0, 0, 0, 0, 40, 40, values}}) {
    expect_pipeline_streams(pipeline(23, 17, GetParam(), one(pad)), 12);
    expect_pipeline_streams(pipeline(23, 17, GetParam(), {pad, resize_to(20, 11)}), 13);
  }
}

TEST(Streaming, ToRgbStreams) {
  for (const ToRgbSpec& to_rgb :
       {ToRgbSpec{YcbcrMatrix::bt601, YcbcrRange::studio}, ToRgbSpec{YcbcrMatrix::bt709, YcbcrRange::full}}) {
    const auto uyvy = [&](uint32_t width, uint32_t height, std::vector<StageSpec> stages, OutputSpec output) {
      stages.insert(stages.begin(), to_rgb);
      expect_pipeline_streams(pipeline(width, height, PixelFormat::uyvy, std::move(stages), output), 14);
    };
    uyvy(2, 1, {}, {});
    uyvy(34, 17, {}, {});
    uyvy(34, 17, {imagenet()}, {"pixels", DType::float16, Layout::chw});
    uyvy(34, 17, {ChannelsSpec{PixelFormat::bgr}}, {});
    uyvy(66, 31, {resize_to(20, 12)}, {});
    uyvy(66, 31, {resize_to(20, 12, ResizeProfile::exact4), PadSpec{0, 0, 0, 0, 32, 32, {1, 2, 3}}}, {});
    uyvy(34, 17, {CropSpec{3, -2, 17, 12}}, {"pixels", {}, Layout::chw});
    uyvy(11'000, 2, {resize_to(7, 2)}, {});  // rows longer than a block
  }
}

TEST_P(EveryFormat, MappedPixelsStreamIntoAResize) {
  const LookupSpec invert = [] {
    LookupSpec lookup;
    for (int i = 0; i < 256; ++i) lookup.data.push_back(static_cast<uint8_t>(255 - i));
    return lookup;
  }();
  expect_pipeline_streams(pipeline(31, 19, GetParam(), {invert, resize_to(12, 14)}), 6);
}

TEST(Streaming, PartialSumsStream) {
  const PipelineSpec spec = pipeline(6, 120, PixelFormat::rgba, one(resize_to(40, 3)));
  const ProgramPtr program = must_bind(must_compile(spec));
  ASSERT_EQ(program->explain()[0].state.find("incomplete rows and partial sums"), 0u)
      << program->explain()[0].state;
  expect_pipeline_streams(spec, 7);
}

TEST(Streaming, SelectedChannelsStreamAtAnyByte) {
  for (const Layout layout : {Layout::hwc, Layout::chw}) {
    for (const PixelFormat to : {PixelFormat::rgb, PixelFormat::bgr, PixelFormat::rgba, PixelFormat::rgbx}) {
      expect_pipeline_streams(
          pipeline(19, 7, PixelFormat::bgra, one(ChannelsSpec{to}), {"pixels", DType::bfloat16, layout}), 8);
    }
    expect_pipeline_streams(
        pipeline(19, 7, PixelFormat::gray, one(ChannelsSpec{PixelFormat::rgb}), {"pixels", {}, layout}), 9);
  }
}

TEST(Streaming, RowsLongerThanAMapBlockStream) {
  const PipelineSpec spec =
      pipeline(7001, 3, PixelFormat::bgr, {ChannelsSpec{PixelFormat::rgb}, resize_to(11, 2)});
  expect_pipeline_streams(spec, 10);
}

TEST(Streaming, UsualModelPipelineStreams) {
  expect_pipeline_streams(
      pipeline(320, 240, PixelFormat::rgb,
               {resize_to(75, 56), CenterCropSpec{48, 48, OffsetRule::torchvision}, imagenet()},
               {"pixels", DType::float16, Layout::chw}),
      11);
}

TEST(Streaming, RandomPipelinesStream) {
  const uint64_t seed = test_seed();
  std::printf("seed %llu (set ONPATH_TEST_SEED for another)\n", static_cast<unsigned long long>(seed));
  Random random(seed);
  for (int i = 0; i < 240; ++i) {
    const uint64_t case_seed = random.next();
    Random own(case_seed);
    const PipelineSpec spec = random_pipeline(own, i % 8 == 0 ? 70 : 24);
    SCOPED_TRACE("pipeline " + std::to_string(i));
    expect_pipeline_streams(spec, case_seed);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace onpath::testing
