// Short ways to write specifications in tests, and random ones.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "plan/plan.h"
#include "plan/program.h"
#include "support/random.h"

namespace onpath::testing {

inline PipelineSpec pipeline(uint32_t width, uint32_t height, PixelFormat format,
                             std::vector<StageSpec> stages = {}, OutputSpec output = {}) {
  PipelineSpec spec;
  spec.input = {width, height, format};
  spec.stages = std::move(stages);
  spec.output = std::move(output);
  return spec;
}

inline ResizeSpec resize_to(uint32_t width, uint32_t height, ResizeProfile profile = ResizeProfile::pillow,
                            ResizeFilter filter = ResizeFilter::bilinear) {
  ResizeSpec spec;
  spec.width = width;
  spec.height = height;
  spec.profile = profile;
  spec.filter = filter;
  return spec;
}

struct ResizeKind {
  ResizeProfile profile;
  ResizeFilter filter;
};

/// Every profile with every filter that it has.
inline constexpr ResizeKind kResizes[] = {
    {ResizeProfile::pillow, ResizeFilter::nearest},  {ResizeProfile::pillow, ResizeFilter::box},
    {ResizeProfile::pillow, ResizeFilter::bilinear}, {ResizeProfile::pillow, ResizeFilter::hamming},
    {ResizeProfile::pillow, ResizeFilter::bicubic},  {ResizeProfile::pillow, ResizeFilter::lanczos3},
    {ResizeProfile::torch, ResizeFilter::bilinear},  {ResizeProfile::torch, ResizeFilter::bicubic},
    {ResizeProfile::opencv, ResizeFilter::bilinear}, {ResizeProfile::opencv, ResizeFilter::nearest},
    {ResizeProfile::exact4, ResizeFilter::bilinear}};

inline PipelineSpec in_order(PipelineSpec spec, SerializationOrder order, bool skip_unread) {
  spec.input.order = order;
  spec.input.skip_unread = skip_unread;
  return spec;
}

inline NormalizeSpec imagenet() {
  return {1.0 / 255.0, {0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}, NormalizeRecipe::torchvision};
}

inline PlanPtr must_compile(const PipelineSpec& spec) {
  auto plan = compile(spec);
  EXPECT_TRUE(plan.ok()) << (plan.ok() ? "" : plan.error().message);
  return plan.ok() ? plan.value() : nullptr;
}

inline ProgramPtr must_bind(const PlanPtr& plan, std::string_view kernels = {}) {
  auto program = bind(plan, kernels);
  EXPECT_TRUE(program.ok()) << (program.ok() ? "" : program.error().message);
  return program.ok() ? program.value() : nullptr;
}

/// A specification that compiles: up to 6 stages, sides up to about `most`, any order of input.
inline PipelineSpec random_pipeline(Random& random, uint32_t most) {
  PipelineSpec spec;
  spec.input.width = random.between(1, most);
  spec.input.height = random.between(1, most);
  spec.input.format = static_cast<PixelFormat>(random.below(7));
  PixelFormat format = spec.input.format;
  if (format == PixelFormat::uyvy) {
    spec.input.width += spec.input.width % 2;
    spec.stages.push_back(
        ToRgbSpec{static_cast<YcbcrMatrix>(random.below(2)), static_cast<YcbcrRange>(random.below(2))});
    format = PixelFormat::rgb;
  }
  DType dtype = DType::uint8;
  const uint32_t stages = random.below(6);
  const auto side = [&] { return random.between(1, most + most / 4); };
  for (uint32_t i = 0; i < stages; ++i) {
    const uint32_t channels = pixel_format_channels(format);
    switch (dtype == DType::uint8 ? random.below(9) : 9 + random.below(2)) {
      case 0:
      case 1: {
        const ResizeKind kind = kResizes[random.below(std::size(kResizes))];
        spec.stages.push_back(resize_to(side(), side(), kind.profile, kind.filter));
        break;
      }
      case 2: {
        const auto offset = [&] { return static_cast<int64_t>(random.below(most)) - most / 3; };
        spec.stages.push_back(CropSpec{offset(), offset(), side(), side()});
        break;
      }
      case 3:
        spec.stages.push_back(
            CenterCropSpec{side(), side(), random.one_in(2) ? OffsetRule::torchvision : OffsetRule::floor});
        break;
      case 4:
      case 9: {
        static constexpr PixelFormat kFromGray[] = {PixelFormat::rgb, PixelFormat::bgr};
        static constexpr PixelFormat kFromColor[] = {PixelFormat::rgb, PixelFormat::bgr};
        static constexpr PixelFormat kFromAlpha[] = {PixelFormat::rgb, PixelFormat::bgr, PixelFormat::rgba,
                                                     PixelFormat::bgra, PixelFormat::rgbx};
        format = channels == 1                                  ? kFromGray[random.below(2)]
                 : channels == 3 || format == PixelFormat::rgbx ? kFromColor[random.below(2)]
                                                                : kFromAlpha[random.below(5)];
        spec.stages.push_back(ChannelsSpec{format});
        break;
      }
      case 5: {
        LookupSpec lookup;
        lookup.tables = random.one_in(2) ? 1 : channels;
        lookup.dtype = random.one_in(3) ? static_cast<DType>(random.below(7)) : DType::uint8;
        lookup.data = random.noise(size_t{lookup.tables} * 256 * dtype_bytes(lookup.dtype));
        if (lookup.dtype == DType::float32) {  // finite values, so that what follows is defined
          for (size_t v = 0; v < lookup.data.size() / 4; ++v) {
            const float value = static_cast<float>(random.below(2001)) / 16.0F - 60.0F;
            std::memcpy(lookup.data.data() + v * 4, &value, 4);
          }
        }
        dtype = lookup.dtype;
        spec.stages.push_back(std::move(lookup));
        break;
      }
      case 6: {
        NormalizeSpec normalize;
        normalize.recipe = random.one_in(2) ? NormalizeRecipe::torchvision : NormalizeRecipe::fused;
        for (uint32_t c = 0; c < channels; ++c) {
          normalize.mean.push_back(random.below(1000) / 1000.0);
          normalize.std.push_back(random.between(1, 1000) / 1000.0);
        }
        dtype = DType::float32;
        spec.stages.push_back(std::move(normalize));
        break;
      }
      case 7:
      case 10:
        if (dtype != DType::uint8 && dtype != DType::float32) break;
        spec.stages.push_back(
            QuantizeSpec{random.between(1, 400) / 100.0, static_cast<int32_t>(random.below(256)) - 128});
        dtype = DType::int8;
        break;
      case 8: {
        PadSpec pad{random.below(5), random.below(5), random.below(5), random.below(5), 0, 0, {}};
        const uint32_t values = random.one_in(2) ? 1 : channels;
        for (uint32_t v = 0; v < values; ++v) pad.value.push_back(random.below(256));
        spec.stages.push_back(std::move(pad));
        break;
      }
      default:
        break;
    }
  }
  spec.output.layout = random.one_in(2) ? Layout::hwc : Layout::chw;
  static constexpr DType kFromByte[] = {DType::uint8, DType::float16, DType::bfloat16, DType::float32};
  static constexpr DType kFromFloat[] = {DType::float16, DType::bfloat16, DType::float32};
  if (dtype == DType::uint8 && random.one_in(2)) spec.output.dtype = kFromByte[random.below(4)];
  if (dtype == DType::float32 && random.one_in(2)) spec.output.dtype = kFromFloat[random.below(3)];
  // Pixels of uyvy share bytes, so that they have one order.
  if (spec.input.format != PixelFormat::uyvy)
    spec.input.order = static_cast<SerializationOrder>(random.below(3));
  spec.input.skip_unread = random.one_in(2);
  if (spec.input.skip_unread && !compile(spec).ok()) spec.input.skip_unread = false;  // nothing is read
  return spec;
}

}  // namespace onpath::testing
