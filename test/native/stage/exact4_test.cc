// exact4 against its definition in rational numbers: half-pixel centres, borders clamped, four terms, one
// rounding half to even.
#include <gtest/gtest.h>

#include <algorithm>

#include "kernel/kernels.h"
#include "support/pipelines.h"
#include "support/streaming_property.h"

namespace onpath::testing {
namespace {

__extension__ typedef __int128 Int;

/// One axis in exact fractions over 2 * out: position = ((2 i + 1) in - out) / (2 out).
struct Axis {
  uint32_t i0, i1;
  Int w0, w1;  // over 2 * out
};
Axis axis(uint32_t in, uint32_t out, uint32_t i) {
  const Int unit = Int{2} * out;
  const Int position = (Int{2} * i + 1) * in - out;
  Int whole = position / unit;
  if (position < 0 && position % unit != 0) --whole;
  const Int rest = position - whole * unit;
  const auto clamp = [in](Int v) { return static_cast<uint32_t>(std::clamp<Int>(v, 0, Int{in} - 1)); };
  return {clamp(whole), clamp(whole + 1), unit - rest, rest};
}

uint8_t round_half_even(Int numerator, Int denominator) {
  Int quotient = numerator / denominator;
  const Int twice = 2 * (numerator % denominator);
  if (twice > denominator || (twice == denominator && quotient % 2 != 0)) ++quotient;
  return static_cast<uint8_t>(quotient);
}

std::vector<uint8_t> model(const std::vector<uint8_t>& in, uint32_t w, uint32_t h, uint32_t ow, uint32_t oh,
                           uint32_t channels) {
  std::vector<uint8_t> out;
  for (uint32_t y = 0; y < oh; ++y) {
    const Axis v = axis(h, oh, y);
    for (uint32_t x = 0; x < ow; ++x) {
      const Axis u = axis(w, ow, x);
      for (uint32_t c = 0; c < channels; ++c) {
        const auto at = [&](uint32_t column, uint32_t row) {
          return Int{in[(size_t{row} * w + column) * channels + c]};
        };
        const Int sum = at(u.i0, v.i0) * u.w0 * v.w0 + at(u.i1, v.i0) * u.w1 * v.w0 +
                        at(u.i0, v.i1) * u.w0 * v.w1 + at(u.i1, v.i1) * u.w1 * v.w1;
        out.push_back(round_half_even(sum, (u.w0 + u.w1) * (v.w0 + v.w1)));
      }
    }
  }
  return out;
}

void expect_model(uint32_t w, uint32_t h, uint32_t ow, uint32_t oh, PixelFormat format,
                  const std::vector<uint8_t>& sample) {
  const PlanPtr plan = must_compile(pipeline(w, h, format, {resize_to(ow, oh, ResizeProfile::exact4)}));
  ASSERT_NE(plan, nullptr);
  const std::vector<uint8_t> expected = model(sample, w, h, ow, oh, plan->input().element_bytes);
  for (const KernelSet* kernels : available_kernels()) {
    ASSERT_EQ(run_whole(*must_bind(plan, kernels->name), sample), expected)
        << kernels->name << " " << w << "x" << h << " -> " << ow << "x" << oh;
  }
}

TEST(Exact4, EqualsTheRationalModel) {
  Random random(test_seed());
  static constexpr PixelFormat kFormats[] = {PixelFormat::gray, PixelFormat::rgb, PixelFormat::rgbx};
  for (int i = 0; i < 150; ++i) {
    const auto side = [&] { return random.between(1, i % 10 == 0 ? 300 : 40); };
    const PixelFormat format = kFormats[random.below(3)];
    const uint32_t w = side(), h = side(), ow = side(), oh = side();
    expect_model(w, h, ow, oh, format, random.noise(size_t{w} * h * pixel_format_channels(format)));
  }
}

TEST(Exact4, RoundsTiesToEven) {
  // Doubling a width puts 1/4 and 3/4 between neighbours, halving puts 1/2: neighbours of odd sum are ties.
  std::vector<uint8_t> sample;
  for (int v = 0; v < 256; ++v) {
    sample.push_back(static_cast<uint8_t>(v));
    sample.push_back(static_cast<uint8_t>(std::min(255, v + 1)));
  }
  expect_model(512, 1, 256, 1, PixelFormat::gray, sample);
  expect_model(1, 512, 1, 256, PixelFormat::gray, sample);
  expect_model(32, 16, 16, 8, PixelFormat::gray, sample);
}

TEST(Exact4, KeepsExtremesAtLargePrimeSides) {
  // The common denominator is near its largest; white must stay white.
  for (const uint8_t value : {uint8_t{255}, uint8_t{254}, uint8_t{1}}) {
    expect_model(5, 3, 65521, 2, PixelFormat::gray, std::vector<uint8_t>(15, value));
    expect_model(3, 5, 2, 65521, PixelFormat::gray, std::vector<uint8_t>(15, value));
  }
  expect_model(7, 5, 1999, 1009, PixelFormat::gray, Random(3).noise(35));
}

TEST(Exact4, PremultipliesAlphaAroundTheResize) {
  const uint32_t w = 13, h = 9, ow = 5, oh = 14;
  const std::vector<uint8_t> sample = Random(4).noise(w * h * 4);
  const KernelSet& scalar = *find_kernels("scalar");
  std::vector<uint8_t> premultiplied(sample.size());
  scalar.premultiply(sample.data(), w * h, premultiplied.data());
  const std::vector<uint8_t> resized = model(premultiplied, w, h, ow, oh, 4);
  std::vector<uint8_t> expected(resized.size());
  scalar.unpremultiply(resized.data(), ow * oh, expected.data());
  const PlanPtr plan =
      must_compile(pipeline(w, h, PixelFormat::rgba, {resize_to(ow, oh, ResizeProfile::exact4)}));
  EXPECT_EQ(run_whole(*must_bind(plan), sample), expected);
}

}  // namespace
}  // namespace onpath::testing
