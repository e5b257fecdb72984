// toRgb: groups that come cut apart, what they cost, and what is refused.
#include <gtest/gtest.h>

#include "plan/coverage.h"
#include "support/pipelines.h"
#include "support/streaming_property.h"

namespace onpath::testing {
namespace {

PlanPtr uyvy(uint32_t width, uint32_t height, std::vector<StageSpec> stages = {}) {
  stages.insert(stages.begin(), ToRgbSpec{YcbcrMatrix::bt709, YcbcrRange::studio});
  return must_compile(pipeline(width, height, PixelFormat::uyvy, std::move(stages)));
}

class Runs : public EmitListener {
 public:
  void emitted(uint32_t, uint64_t offset, uint64_t bytes) override { runs.push_back({offset, bytes}); }
  std::vector<std::pair<uint64_t, uint64_t>> runs;
};

TEST(ToRgb, AGroupIsTurnedWhenItsLastByteHasCome) {
  const ProgramPtr program = must_bind(uyvy(4, 1));
  const std::vector<uint8_t> sample = {90, 81, 240, 120, 128, 16, 128, 235};
  const std::vector<uint8_t> expected = run_whole(*program, sample);
  auto state = program->make_state(Granularity::byte);
  std::vector<uint8_t> output(12, 0);
  uint8_t* const outputs[] = {output.data()};
  Runs runs;
  state.value()->begin(outputs, &runs);
  for (const uint64_t at : {5u, 3u, 4u, 7u, 0u, 2u})
    state.value()->push(at, std::span(sample).subspan(at, 1), &runs);
  EXPECT_TRUE(runs.runs.empty());
  state.value()->push(6, std::span(sample).subspan(6, 1), &runs);
  EXPECT_EQ(runs.runs, (std::vector<std::pair<uint64_t, uint64_t>>{{6, 6}}));
  state.value()->push(0, sample, &runs);
  EXPECT_EQ(runs.runs, (std::vector<std::pair<uint64_t, uint64_t>>{{6, 6}, {0, 6}}));
  EXPECT_EQ(output, expected);
}

TEST(ToRgb, WholeGroupsNeedNoMemoryForIncompleteOnes) {
  const PlanPtr plan = uyvy(640, 480);
  const uint64_t groups = 320u * 480;
  // Packets hold whole groups, so that what has come is known by a bit for each, not for each byte.
  const auto coverage = [](uint64_t bytes, uint64_t element) {
    return Coverage::memory_bytes(bytes) - Coverage::memory_bytes(bytes / element);
  };
  EXPECT_EQ(plan->state_bytes() - plan->packet_state_bytes(), groups * 5 + coverage(groups * 4, 4));
  EXPECT_EQ(plan->input().element_bytes, 4u);
  EXPECT_EQ(plan->input().bytes, groups * 4);
  EXPECT_EQ(plan->stage_class(), StageClass::element);
  EXPECT_FALSE(plan->works_in_place());
  const PlanPtr channels = must_compile(pipeline(640, 480, PixelFormat::rgb, {resize_to(10, 10)}));
  EXPECT_EQ(channels->state_bytes() - channels->packet_state_bytes(), coverage(640u * 480 * 3, 3));
}

TEST(ToRgb, MatrixAndRangeNameDifferentPlans) {
  std::vector<Hash> hashes;
  for (const YcbcrMatrix matrix : {YcbcrMatrix::bt601, YcbcrMatrix::bt709}) {
    for (const YcbcrRange range : {YcbcrRange::studio, YcbcrRange::full}) {
      const PlanPtr plan = must_compile(pipeline(4, 2, PixelFormat::uyvy, {ToRgbSpec{matrix, range}}));
      for (const Hash& other : hashes) EXPECT_NE(plan->hash(), other);
      hashes.push_back(plan->hash());
    }
  }
}

TEST(ToRgb, IsRefusedByName) {
  const auto refused = [](const PipelineSpec& spec, const std::string& words) {
    const auto plan = compile(spec);
    ASSERT_FALSE(plan.ok()) << words;
    EXPECT_EQ(plan.error().code, ErrorCode::INVALID_SPEC);
    EXPECT_NE(plan.error().message.find(words), std::string::npos) << plan.error().message;
  };
  const ToRgbSpec to_rgb;
  refused(pipeline(5, 4, PixelFormat::uyvy, {to_rgb}), "input.width is 5; expected an even number");
  refused(pipeline(4, 4, PixelFormat::uyvy), "The output would have uyvy pixels");
  for (const StageSpec& stage : std::vector<StageSpec>{
           resize_to(2, 2), CropSpec{0, 0, 2, 2}, CenterCropSpec{2, 2}, PadSpec{1, 0, 0, 0, 0, 0, {0}},
           ChannelsSpec{PixelFormat::rgb}, imagenet(), QuantizeSpec{}}) {
    refused(pipeline(4, 4, PixelFormat::uyvy, {stage, to_rgb}), "stages[0] would take uyvy pixels");
  }
  refused(pipeline(4, 4, PixelFormat::uyvy, {to_rgb, to_rgb}), "stages[1] is a toRgb of rgb pixels");
  refused(pipeline(4, 4, PixelFormat::bgra, {to_rgb}), "stages[0] is a toRgb of bgra pixels; expected uyvy");
  refused(pipeline(4, 4, PixelFormat::uyvy, {ToRgbSpec{static_cast<YcbcrMatrix>(9), YcbcrRange::full}}),
          "stages[0].matrix");
  refused(pipeline(4, 4, PixelFormat::uyvy, {ToRgbSpec{YcbcrMatrix::bt601, static_cast<YcbcrRange>(9)}}),
          "stages[0].range");
  refused(pipeline(4, 4, PixelFormat::rgb, {ChannelsSpec{PixelFormat::uyvy}}), "stages[0].to is uyvy");
}

}  // namespace
}  // namespace onpath::testing
