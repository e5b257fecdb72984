// The plan's byte form: round trips, and refusal of everything that is not one.
#include <gtest/gtest.h>

#include <algorithm>
#include <climits>
#include <cstring>

#include "kernel/kernels.h"
#include "support/pipelines.h"
#include "support/plan_bytes.h"
#include "support/streaming_property.h"
#include "table/resample_weights.h"

namespace onpath::testing {
namespace {

std::vector<PipelineSpec> some_specs() {
  return {
      pipeline(5, 4, PixelFormat::rgb),
      pipeline(9, 8, PixelFormat::rgba, {resize_to(4, 5)}),
      pipeline(9, 8, PixelFormat::rgb, {resize_to(9, 5)}),
      pipeline(9, 9, PixelFormat::gray, {resize_to(5, 5), resize_to(7, 8, ResizeProfile::exact4)}),
      pipeline(9, 8, PixelFormat::bgra, {ChannelsSpec{PixelFormat::rgb}, CropSpec{-1, 2, 6, 7}, imagenet()},
               {"tensor", DType::float16, Layout::chw}),
      pipeline(3, 60, PixelFormat::gray, {resize_to(20, 2)}),
      pipeline(5, 9, PixelFormat::rgba, {resize_to(4, 5, ResizeProfile::opencv)}),
      pipeline(5, 9, PixelFormat::rgb, {resize_to(7, 5, ResizeProfile::pillow, ResizeFilter::nearest)}),
      pipeline(5, 9, PixelFormat::rgb, {resize_to(7, 5, ResizeProfile::opencv, ResizeFilter::nearest)}),
      pipeline(9, 5, PixelFormat::rgba, {resize_to(6, 7, ResizeProfile::torch, ResizeFilter::bicubic)}),
      pipeline(9, 5, PixelFormat::rgb, {resize_to(6, 7, ResizeProfile::pillow, ResizeFilter::lanczos3)}),
      pipeline(6, 3, PixelFormat::uyvy, {ToRgbSpec{}, PadSpec{1, 0, 0, 2, 0, 0, {7, 8, 9}}}),
      pipeline(6, 3, PixelFormat::uyvy,
               {ToRgbSpec{YcbcrMatrix::bt709, YcbcrRange::full}, CropSpec{1, 1, 9, 1}}),
      pipeline(5, 3, PixelFormat::gray, {PadSpec{0, 0, 0, 0, 6, 6, {114}}}),
      in_order(pipeline(5, 4, PixelFormat::rgb), SerializationOrder::planar, false),
      in_order(pipeline(9, 8, PixelFormat::rgb, {resize_to(3, 2, ResizeProfile::exact4)}),
               SerializationOrder::tile_major, true),
      in_order(pipeline(9, 8, PixelFormat::rgb, {CropSpec{2, 1, 6, 7}, resize_to(3, 2)}),
               SerializationOrder::tile_major, false),
  };
}

void expect_invalid(const std::vector<uint8_t>& bytes, const std::string& why) {
  const auto plan = plan_from_bytes(bytes);
  ASSERT_FALSE(plan.ok()) << why;
  EXPECT_EQ(plan.error().code, ErrorCode::INVALID_PLAN);
  EXPECT_NE(plan.error().message.find("Compile the pipeline again"), std::string::npos);
}

TEST(PlanBytes, RoundTripGivesEqualBytesHashAndResults) {
  Random random(test_seed());
  std::vector<PipelineSpec> specs = some_specs();
  for (int i = 0; i < 200; ++i) specs.push_back(random_pipeline(random, 30));
  for (const PipelineSpec& spec : specs) {
    const PlanPtr plan = must_compile(spec);
    ASSERT_NE(plan, nullptr);
    const std::vector<uint8_t> bytes = plan->to_bytes();
    const auto read = plan_from_bytes(bytes);
    ASSERT_TRUE(read.ok()) << read.error().message;
    const Plan& again = *read.value();
    EXPECT_EQ(again.to_bytes(), bytes);
    EXPECT_EQ(again.hash(), plan->hash());
    EXPECT_EQ(again.state_bytes(), plan->state_bytes());
    EXPECT_EQ(again.table_bytes(), plan->table_bytes());
    EXPECT_EQ(again.input().digest, plan->input().digest);
    EXPECT_EQ(again.outputs()[0].shape, plan->outputs()[0].shape);
    EXPECT_EQ(again.outputs()[0].name, plan->outputs()[0].name);
    const std::vector<uint8_t> sample = random.noise(plan->input().bytes);
    EXPECT_EQ(run_whole(*must_bind(read.value()), sample), run_whole(*must_bind(plan), sample));
  }
}

TEST(PlanBytes, EqualSpecificationsHaveEqualHashesAndOthersDoNot) {
  const auto specs = some_specs();
  for (size_t i = 0; i < specs.size(); ++i) {
    for (size_t j = 0; j < specs.size(); ++j) {
      EXPECT_EQ(must_compile(specs[i])->hash() == must_compile(specs[j])->hash(), i == j) << i << " " << j;
    }
  }
}

TEST(PlanBytes, EqualTablesAreStoredOnce) {
  const uint64_t square =
      must_compile(pipeline(90, 90, PixelFormat::gray, {resize_to(50, 50)}))->to_bytes().size();
  const uint64_t oblong =
      must_compile(pipeline(90, 91, PixelFormat::gray, {resize_to(50, 50)}))->to_bytes().size();
  EXPECT_LT(square * 3 / 2, oblong);
}

TEST(PlanBytes, EveryCutIsRefused) {
  for (const PipelineSpec& spec : some_specs()) {
    const std::vector<uint8_t> bytes = must_compile(spec)->to_bytes();
    for (size_t n = 0; n < bytes.size(); ++n) {
      std::vector<uint8_t> cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n));
      expect_invalid(cut, "cut at " + std::to_string(n));
      fix_hash(cut);
      expect_invalid(cut, "cut at " + std::to_string(n) + " with a matching hash");
    }
  }
}

TEST(PlanBytes, EveryFlippedBitIsRefused) {
  for (const PipelineSpec& spec : some_specs()) {
    const std::vector<uint8_t> bytes = must_compile(spec)->to_bytes();
    for (size_t i = 0; i < bytes.size(); ++i) {
      std::vector<uint8_t> damaged = bytes;
      damaged[i] = static_cast<uint8_t>(damaged[i] ^ 1 << i % 8);
      expect_invalid(damaged, "byte " + std::to_string(i));
    }
  }
}

/// With a matching hash a damaged plan may be another valid one; then it must run within its bounds.
TEST(PlanBytes, DamageWithAMatchingHashIsRefusedOrRunsSafely) {
  int accepted = 0;
  for (const PipelineSpec& spec : some_specs()) {
    const std::vector<uint8_t> bytes = must_compile(spec)->to_bytes();
    for (size_t i = 0; i < bytes.size(); ++i) {
      for (const uint8_t value : std::vector<uint8_t>{0, 1, 2, 0x7f, 0x80, 0xff}) {
        std::vector<uint8_t> damaged = bytes;
        if (damaged[i] == value) continue;
        damaged[i] = value;
        fix_hash(damaged);
        const auto plan = plan_from_bytes(damaged, 1 << 20);
        if (!plan) continue;
        ++accepted;
        EXPECT_EQ(plan.value()->to_bytes(), damaged);
        const uint64_t outputs = plan.value()->outputs()[0].bytes;
        if (plan.value()->input().bytes > 100'000 || outputs > 1'000'000) continue;
        const std::vector<uint8_t> sample(plan.value()->input().bytes, 0xff);
        EXPECT_EQ(run_whole(*must_bind(plan.value()), sample).size(), outputs);
      }
    }
  }
  EXPECT_GT(accepted, 100);  // other table values, offsets and the like
}

/// The plan of a resize from 2x1 to 1x1 pixels with other weights than its two halves.
std::vector<uint8_t> with_weights(int32_t first, int32_t second) {
  std::vector<uint8_t> bytes = must_compile(pipeline(2, 1, PixelFormat::gray, {resize_to(1, 1)}))->to_bytes();
  const int32_t halves[] = {1 << 21, 1 << 21}, others[] = {first, second};
  const auto* pattern = reinterpret_cast<const uint8_t*>(halves);
  const auto at = std::search(bytes.begin(), bytes.end(), pattern, pattern + sizeof(halves));
  EXPECT_NE(at, bytes.end());
  if (at != bytes.end()) std::memcpy(&*at, others, sizeof(others));
  fix_hash(bytes);
  return bytes;
}

TEST(PlanBytes, WeightsAreTakenAsFarAsTheirSumsFit32Bits) {
  constexpr auto kMost = static_cast<int32_t>(kMostWeight), kLeast = static_cast<int32_t>(kLeastWeight);
  for (const auto& [first, second] : {std::pair{kMost + 1, 0},
                                      {kMost, 1},
                                      {0, kLeast - 1},
                                      {kLeast, -1},
                                      {INT32_MAX, INT32_MAX},
                                      {INT32_MIN, INT32_MIN},
                                      {INT32_MAX, INT32_MIN}}) {
    expect_invalid(with_weights(first, second), std::to_string(first) + " " + std::to_string(second));
  }
  for (const auto& [first, second] :
       {std::pair{kMost, kLeast}, {kLeast, kMost}, {kMost - 5, 5}, {-7, kLeast + 7}, {5 << 20, -(1 << 20)}}) {
    const auto plan = plan_from_bytes(with_weights(first, second));
    ASSERT_TRUE(plan.ok()) << plan.error().message;
    for (const auto& [left, right] : {std::pair{255, 255}, {255, 0}, {0, 255}, {3, 200}}) {
      const int64_t sum = int64_t{first} * left + int64_t{second} * right + (1 << 21);
      const auto expected = static_cast<uint8_t>(std::clamp<int64_t>(sum >> 22, 0, 255));
      const std::vector<uint8_t> sample = {static_cast<uint8_t>(left), static_cast<uint8_t>(right)};
      for (const KernelSet* kernels : available_kernels()) {
        EXPECT_EQ(run_whole(*must_bind(plan.value(), kernels->name), sample), std::vector<uint8_t>{expected})
            << kernels->name << " " << first << " " << second;
      }
    }
  }
}

TEST(PlanBytes, OrdersThatDoNotFitAreRefused) {
  constexpr size_t kOrder = 8 + 4 + 4 + 4 + 1;  // after magic, version, sides and format
  const auto change = [&](const PipelineSpec& spec, size_t at, uint8_t value) {
    std::vector<uint8_t> bytes = must_compile(spec)->to_bytes();
    bytes[at] = value;
    fix_hash(bytes);
    return bytes;
  };
  const PipelineSpec crop = pipeline(8, 8, PixelFormat::rgb, {CropSpec{20, 0, 4, 4}});
  expect_invalid(change(crop, kOrder, 3), "an unknown order");
  expect_invalid(change(crop, kOrder + 1, 2), "skipUnread that is neither true nor false");
  expect_invalid(change(crop, kOrder + 1, 1), "a sample without bytes");
  EXPECT_TRUE(plan_from_bytes(change(crop, kOrder, 2)).ok());
}

TEST(PlanBytes, StateBeyondTheLimitIsRefused) {
  const PlanPtr plan = must_compile(pipeline(300, 300, PixelFormat::rgb, {resize_to(100, 100)}));
  const auto refused = plan_from_bytes(plan->to_bytes(), plan->state_bytes() - 1);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::LIMIT_EXCEEDED);
  EXPECT_TRUE(plan_from_bytes(plan->to_bytes(), plan->state_bytes()).ok());
}

}  // namespace
}  // namespace onpath::testing
