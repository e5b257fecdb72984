// The path of bytes takes nothing from the heap, and a state takes no more than its plan says.
#include <gtest/gtest.h>

#include "support/allocation_count.h"
#include "support/pipelines.h"
#include "support/streaming_property.h"

namespace onpath::testing {
namespace {

class CountListener : public EmitListener {
 public:
  void emitted(uint32_t, uint64_t, uint64_t bytes) override { told += bytes; }
  uint64_t told = 0;
};

TEST(Allocation, TheCounterCounts) {
  const AllocationCount count;
  const auto memory = std::make_unique<std::vector<uint8_t>>(1000);
  EXPECT_EQ(memory->size(), 1000u);
  EXPECT_EQ(count.calls(), 2u);
  EXPECT_GE(count.bytes(), 1000u);
}

TEST(Allocation, BeginAndPushTakeNothing) {
  const std::vector<std::pair<const char*, PipelineSpec>> specs = {
      {"copy", pipeline(64, 48, PixelFormat::rgb)},
      {"planes", pipeline(64, 48, PixelFormat::rgba, {ChannelsSpec{PixelFormat::rgb}, imagenet()},
                          {"pixels", DType::float16, Layout::chw})},
      {"crop", pipeline(64, 48, PixelFormat::rgb, {CropSpec{-5, 3, 80, 20}})},
      {"pad", pipeline(64, 48, PixelFormat::rgb, {PadSpec{0, 0, 0, 0, 64, 64, {114}}})},
      {"toRgb", pipeline(64, 48, PixelFormat::uyvy, {ToRgbSpec{}})},
      {"toRgb and resize", pipeline(64, 48, PixelFormat::uyvy, {ToRgbSpec{}, resize_to(20, 30)})},
      {"pillow", pipeline(64, 48, PixelFormat::rgba, {resize_to(20, 30)})},
      {"sums", pipeline(6, 120, PixelFormat::rgb, {resize_to(40, 3)})},
      {"opencv", pipeline(64, 48, PixelFormat::rgb, {resize_to(20, 100, ResizeProfile::opencv)})},
      {"nearest",
       pipeline(64, 48, PixelFormat::rgb, {resize_to(90, 30, ResizeProfile::pillow, ResizeFilter::nearest)})},
      {"lanczos3", pipeline(64, 48, PixelFormat::rgba,
                            {resize_to(90, 30, ResizeProfile::pillow, ResizeFilter::lanczos3)})},
      {"exact4", pipeline(64, 48, PixelFormat::rgb, {resize_to(20, 100, ResizeProfile::exact4)})},
      {"all",
       pipeline(64, 48, PixelFormat::bgra,
                {ChannelsSpec{PixelFormat::rgb}, resize_to(40, 30), CenterCropSpec{28, 28}, imagenet()},
                {"pixels", DType::bfloat16, Layout::chw})},
      {"planar in", in_order(pipeline(64, 48, PixelFormat::rgb, {CropSpec{5, 3, 40, 20}}),
                             SerializationOrder::planar, true)},
      {"tiles", in_order(pipeline(64, 48, PixelFormat::rgb, {resize_to(20, 30)}),
                         SerializationOrder::tile_major, false)},
      {"tiles of exact4", in_order(pipeline(64, 48, PixelFormat::rgba,
                                            {CropSpec{5, 3, 40, 40}, resize_to(9, 7, ResizeProfile::exact4)}),
                                   SerializationOrder::tile_major, true)},
  };
  for (const auto& [name, spec] : specs) {
    const ProgramPtr program = must_bind(must_compile(spec));
    for (const Granularity granularity : {Granularity::byte, Granularity::element}) {
      auto state = program->make_state(granularity);
      ASSERT_TRUE(state.ok());
      Random random(1);
      const std::vector<uint8_t> sample = random.noise(program->plan().input().bytes);
      const uint64_t unit = granularity == Granularity::byte ? 1 : program->plan().input().element_bytes;
      std::vector<Cut> cuts = random_cuts(random, sample.size(), unit, 40);
      std::vector<uint8_t> output(program->plan().outputs()[0].bytes);
      uint8_t* const outputs[] = {output.data()};
      CountListener listener;
      const AllocationCount count;
      for (int round = 0; round < 3; ++round) {
        state.value()->begin(outputs, &listener);
        for (const Cut& cut : cuts) {
          state.value()->push(cut.begin, std::span(sample).subspan(cut.begin, cut.end - cut.begin),
                              &listener);
        }
        random.shuffle(cuts);
      }
      EXPECT_EQ(count.calls(), 0u) << name;
      EXPECT_TRUE(state.value()->complete()) << name;
      EXPECT_EQ(listener.told, 3 * output.size()) << name;
    }
  }
}

TEST(Allocation, StateTakesAtMostWhatThePlanSays) {
  Random random(test_seed());
  for (int i = 0; i < 300; ++i) {
    Random own(random.next());
    const PlanPtr plan = must_compile(random_pipeline(own, i % 10 == 0 ? 300 : 40));
    ASSERT_NE(plan, nullptr);
    const ProgramPtr program = must_bind(plan);
    for (const Granularity granularity : {Granularity::byte, Granularity::element}) {
      const bool bytes = granularity == Granularity::byte;
      const uint64_t promised = bytes ? plan->state_bytes() : plan->packet_state_bytes();
      const AllocationCount count;
      const auto state = program->make_state(granularity);
      ASSERT_TRUE(state.ok());
      EXPECT_LE(count.bytes(), promised) << i;
      // Coverage of groups takes less than that of bytes, which is what is promised.
      const uint64_t coverage = bytes ? 0 : plan->input().bytes / 8;
      EXPECT_GE(count.bytes() + 4096 + coverage, promised) << i << ": promised far more than was taken";
    }
  }
}

}  // namespace
}  // namespace onpath::testing
