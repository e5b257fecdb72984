// Serialization orders: the closed form against the definition, the bits against row-major, and what a
// receiver can tell apart.
#include <gtest/gtest.h>

#include <set>

#include "plan/serialization.h"
#include "plan/step.h"
#include "stage/resize_layout.h"
#include "support/pipelines.h"
#include "support/streaming_property.h"

namespace onpath {
namespace {

using testing::in_order;
using testing::must_bind;
using testing::must_compile;
using testing::pipeline;
using testing::Random;
using testing::resize_to;

constexpr SerializationOrder kOrders[] = {SerializationOrder::row_major, SerializationOrder::planar,
                                          SerializationOrder::tile_major};

PlanPtr ordered(const PlanPtr& plan, SerializationOrder order, bool skip_unread) {
  auto made = with_order(*plan, order, skip_unread);
  EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error().message);
  return made.ok() ? made.value() : nullptr;
}

std::vector<uint8_t> serialized(const Plan& plan, std::span<const uint8_t> image) {
  std::vector<uint8_t> bytes(plan.input().bytes);
  serialize_image(plan, image.data(), image.size() / plan.input().height, bytes.data());
  return bytes;
}

const ResizeStep* first_resize(const Plan& plan) {
  for (const Step& step : dynamic_cast<const CompiledPlan&>(plan).steps()) {
    if (const auto* resize = std::get_if<NamedResizeStep>(&step.what)) return resize;
  }
  return nullptr;
}

/// Pixel numbers in the order of first use, by the definition: outputs row by row, windows row by row.
std::vector<uint32_t> first_uses(const ResizeStep& step) {
  const RowWindows rows = vertical_windows(step);
  const RowWindows columns = horizontal_windows(step);
  std::vector<uint32_t> pixels;
  std::vector<bool> seen(size_t{step.in_width} * step.in_height, false);
  for (uint32_t oy = 0; oy < step.out_height; ++oy) {
    for (uint32_t ox = 0; ox < step.out_width; ++ox) {
      for (uint32_t r = rows.first[oy]; r < rows.first[oy] + rows.count[oy]; ++r) {
        for (uint32_t c = columns.first[ox]; c < columns.first[ox] + columns.count[ox]; ++c) {
          const uint32_t pixel = r * step.in_width + c;
          if (!seen[pixel]) pixels.push_back(pixel);
          seen[pixel] = true;
        }
      }
    }
  }
  return pixels;
}

TEST(Order, TileMajorIsTheOrderOfFirstUse) {
  Random random(testing::test_seed());
  for (int i = 0; i < 60; ++i) {
    const uint32_t width = random.between(1, 40);
    const uint32_t height = random.between(1, 40);
    const auto profile = random.one_in(2) ? ResizeProfile::pillow : ResizeProfile::exact4;
    const PlanPtr plain =
        must_compile(pipeline(width, height, PixelFormat::gray,
                              {resize_to(random.between(1, 30), random.between(1, 30), profile)}));
    const ResizeStep* step = first_resize(*plain);
    if (step == nullptr) continue;
    const PlanPtr plan = ordered(plain, SerializationOrder::tile_major, true);
    const std::vector<uint8_t> image = random.noise(size_t{width} * height);
    std::vector<uint8_t> expected;
    for (const uint32_t pixel : first_uses(*step)) expected.push_back(image[pixel]);
    EXPECT_EQ(serialized(*plan, image), expected)
        << i << ": " << width << "x" << height << " -> " << step->out_width << "x" << step->out_height;
  }
}

TEST(Order, UnreadPixelsStandWithTheNextThatIsRead) {
  // 9x6 -> 3x2 with exact4 reads the middle of every 3x3 block.
  const PlanPtr plain =
      must_compile(pipeline(9, 6, PixelFormat::gray, {resize_to(3, 2, ResizeProfile::exact4)}));
  std::vector<uint8_t> image;
  for (uint8_t i = 0; i < 54; ++i) image.push_back(i);
  EXPECT_EQ(serialized(*ordered(plain, SerializationOrder::tile_major, true), image),
            (std::vector<uint8_t>{10, 13, 16, 37, 40, 43}));
  const std::vector<uint8_t> all = serialized(*ordered(plain, SerializationOrder::tile_major, false), image);
  const std::vector<uint8_t> begin = {0,  1,  9,  10,  // the first block: rows 0 and 1, columns 0 and 1
                                      2,  3,  4,  11, 12, 13,  //
                                      5,  6,  7,  14, 15, 16,  //
                                      8,  17,                  // the column that nothing follows
                                      18, 19, 27, 28, 36, 37};
  ASSERT_EQ(all.size(), image.size());
  EXPECT_EQ(std::vector<uint8_t>(all.begin(), all.begin() + 24), begin);
  EXPECT_EQ(std::vector<uint8_t>(all.end() - 9, all.end()),
            (std::vector<uint8_t>{45, 46, 47, 48, 49, 50, 51, 52, 53}));
}

TEST(Order, PlanarIsChannelAfterChannel) {
  const PlanPtr plain = must_compile(pipeline(2, 2, PixelFormat::rgb));
  const std::vector<uint8_t> image = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  const PlanPtr plan = ordered(plain, SerializationOrder::planar, false);
  EXPECT_EQ(serialized(*plan, image), (std::vector<uint8_t>{1, 4, 7, 10, 2, 5, 8, 11, 3, 6, 9, 12}));
  EXPECT_EQ(plan->input().element_bytes, 1u);
  EXPECT_EQ(plan->input().text, "onpath-sample/1 dtype=uint8 channels=rgb order=planar");
}

TEST(Order, RowsMayBeApart) {
  Random random(testing::test_seed());
  const PlanPtr plain =
      must_compile(pipeline(11, 7, PixelFormat::rgb, {resize_to(4, 3, ResizeProfile::exact4)}));
  const std::vector<uint8_t> padded = random.noise(7 * 50);
  std::vector<uint8_t> image;
  for (size_t y = 0; y < 7; ++y) {
    image.insert(image.end(), padded.begin() + static_cast<std::ptrdiff_t>(y * 50),
                 padded.begin() + static_cast<std::ptrdiff_t>(y * 50 + 33));
  }
  for (const SerializationOrder order : kOrders) {
    for (const bool skip : {false, true}) {
      const PlanPtr plan = ordered(plain, order, skip);
      std::vector<uint8_t> bytes(plan->input().bytes);
      serialize_image(*plan, padded.data(), 50, bytes.data());
      EXPECT_EQ(bytes, serialized(*plan, image));
    }
  }
}

/// Every order of one pipeline gives the bits of row-major, however its chunks come.
void expect_same_bits(const PipelineSpec& spec, uint64_t seed) {
  Random random(seed);
  const PlanPtr plain = must_compile(in_order(spec, SerializationOrder::row_major, false));
  ASSERT_NE(plain, nullptr);
  const std::vector<uint8_t> image = random.noise(plain->input().bytes);
  const std::vector<uint8_t> expected = testing::run_whole(*must_bind(plain, "scalar"), image);
  for (const SerializationOrder order : kOrders) {
    for (const bool skip : {false, true}) {
      SCOPED_TRACE("order " + std::to_string(static_cast<int>(order)) + (skip ? ", unread skipped" : ""));
      const auto made = with_order(*plain, order, skip);
      if (!made.ok()) {  // nothing is read, or pixels share bytes
        const bool shared = spec.input.format == PixelFormat::uyvy;
        EXPECT_TRUE(skip || (shared && order != SerializationOrder::row_major));
        EXPECT_EQ(made.error().code, shared ? ErrorCode::UNSUPPORTED : ErrorCode::INVALID_SPEC);
        continue;
      }
      const PlanPtr& plan = made.value();
      EXPECT_LE(plan->input().bytes, plain->input().bytes);
      EXPECT_TRUE(skip || plan->input().bytes == plain->input().bytes);
      const std::vector<uint8_t> sample = serialized(*plan, image);
      for (const std::string_view kernels : {std::string_view("scalar"), kernel_names().front()}) {
        const ProgramPtr program = must_bind(plan, kernels);
        EXPECT_EQ(testing::run_whole(*program, sample), expected);
        testing::expect_streams(*program, sample, seed);
      }
      auto again = plan_from_bytes(plan->to_bytes());
      ASSERT_TRUE(again.ok()) << again.error().message;
      EXPECT_EQ(again.value()->hash(), plan->hash());
      EXPECT_EQ(again.value()->input().text, plan->input().text);
    }
    if (::testing::Test::HasFailure()) return;
  }
}

TEST(Order, EveryOrderGivesTheBitsOfRowMajor) {
  Random random(testing::test_seed());
  for (const auto& [profile, filter] : testing::kResizes) {
    for (const PixelFormat format : {PixelFormat::gray, PixelFormat::rgb, PixelFormat::rgba}) {
      for (const int crop : {0, 1, 2}) {
        SCOPED_TRACE(std::to_string(static_cast<int>(profile)) + " " +
                     std::to_string(static_cast<int>(filter)) + ", crop " + std::to_string(crop));
        std::vector<StageSpec> stages;
        if (crop == 1) stages.push_back(CropSpec{3, 5, 31, 22});
        if (crop == 2) stages.push_back(CropSpec{-4, 9, 50, 40});
        stages.push_back(resize_to(random.between(5, 14), random.between(5, 11), profile, filter));
        if (format == PixelFormat::rgb) stages.push_back(testing::imagenet());
        expect_same_bits(pipeline(43, 37, format, stages, {"pixels", std::nullopt, Layout::chw}),
                         random.next());
        if (HasFailure()) return;
      }
    }
  }
}

TEST(Order, RandomPipelinesGiveTheBitsOfRowMajor) {
  Random random(testing::test_seed() + 1);
  for (int i = 0; i < 40; ++i) {
    SCOPED_TRACE("pipeline " + std::to_string(i));
    expect_same_bits(testing::random_pipeline(random, 24), random.next());
    if (HasFailure()) return;
  }
}

TEST(Order, TilesOfEveryShapeGiveTheBitsOfRowMajor) {
  // Tiles of one and two rows and columns, bare and with unread pixels around, with and without alpha.
  Random random(testing::test_seed() + 2);
  for (int i = 0; i < 30; ++i) {
    const uint32_t out_width = random.between(1, 6);
    const uint32_t out_height = random.between(1, 6);
    const uint32_t width = out_width * random.between(2, 5) + random.below(2);
    const uint32_t height = out_height * random.between(2, 5) + random.below(2);
    const auto format = static_cast<PixelFormat>(random.below(6));
    SCOPED_TRACE(std::to_string(width) + "x" + std::to_string(height) + " -> " + std::to_string(out_width) +
                 "x" + std::to_string(out_height));
    const PipelineSpec spec =
        pipeline(width, height, format, {resize_to(out_width, out_height, ResizeProfile::exact4)});
    expect_same_bits(spec, random.next());
    if (HasFailure()) return;
  }
}

/// Counts the bytes told of.
class Told final : public EmitListener {
 public:
  void emitted(uint32_t, uint64_t, uint64_t n) override { bytes += n; }
  uint64_t bytes = 0;
};

TEST(Order, EveryTileIsFinishedByItsLastPixel) {
  Random random(testing::test_seed());
  for (const bool skip : {false, true}) {
    const PlanPtr plan =
        ordered(must_compile(pipeline(40, 30, PixelFormat::rgb, {resize_to(9, 7, ResizeProfile::exact4)})),
                SerializationOrder::tile_major, skip);
    const ResizeStep& step = *first_resize(*plan);
    const RowWindows rows = vertical_windows(step);
    const RowWindows columns = horizontal_windows(step);
    // Which output reads a serialized pixel: the serialized form of the image of answers.
    std::vector<uint8_t> reader(40 * 30 * 3, 255);
    std::vector<uint32_t> missing(9 * 7, 0);
    for (uint32_t r = 0; r < 30; ++r) {
      for (uint32_t c = 0; c < 40; ++c) {
        if (rows.reader_begin[r] == rows.reader_end[r] || columns.reader_begin[c] == columns.reader_end[c])
          continue;
        const uint32_t output = rows.reader_begin[r] * 9 + columns.reader_begin[c];
        reader[(r * 40 + c) * 3] = static_cast<uint8_t>(output);
        ++missing[output];
      }
    }
    const std::vector<uint8_t> readers = serialized(*plan, reader);
    const std::vector<uint8_t> sample = serialized(*plan, random.noise(40 * 30 * 3));
    std::vector<uint64_t> order;
    for (uint64_t at = 0; at < sample.size(); at += 3) order.push_back(at);
    random.shuffle(order);
    const ProgramPtr program = must_bind(plan);
    auto state = program->make_state(Granularity::element);
    std::vector<uint8_t> output(9 * 7 * 3);
    uint8_t* const outputs[] = {output.data()};
    state.value()->begin(outputs);
    for (const uint64_t at : order) {
      Told told;
      state.value()->push(at, std::span(sample).subspan(at, 3), &told);
      const bool last = readers[at] != 255 && --missing[readers[at]] == 0;
      ASSERT_EQ(told.bytes, last ? 3u : 0u) << "pixel at " << at;
    }
    EXPECT_TRUE(state.value()->complete());
  }
}

TEST(Order, ACommonResizeSendsAFifthAndStartsAtOnce) {
  const PipelineSpec spec =
      pipeline(1280, 720, PixelFormat::rgb, {resize_to(224, 224, ResizeProfile::exact4)});
  const PlanPtr plain = must_compile(spec);
  const PlanPtr plan = ordered(plain, SerializationOrder::tile_major, true);
  EXPECT_EQ(plan->input().bytes, 4u * 224 * 224 * 3);
  EXPECT_LE(plan->input().bytes * 100, plain->input().bytes * 22);
  EXPECT_LT(plan->state_bytes(), plain->state_bytes());
  EXPECT_EQ(chunks_to_first_output(*must_bind(plan), 1356).value(), 1u);
  const PlanPtr unskipped = ordered(plain, SerializationOrder::tile_major, false);
  EXPECT_EQ(chunks_to_first_output(*must_bind(unskipped), 1356).value(), 1u);
  // Row by row, the first output row waits for row 2 to be read to its last window.
  EXPECT_EQ(chunks_to_first_output(*must_bind(plain), 1356).value(), 9u);
  Random random(testing::test_seed());
  const std::vector<uint8_t> image = random.noise(plain->input().bytes);
  const std::vector<uint8_t> expected = testing::run_whole(*must_bind(plain), image);
  EXPECT_EQ(testing::run_whole(*must_bind(plan), serialized(*plan, image)), expected);
  EXPECT_EQ(testing::run_whole(*must_bind(unskipped), serialized(*unskipped, image)), expected);
}

TEST(Order, ARowIsCompleteOnceAllThatIsReadOfItHasCome) {
  // exact4 4x2 -> 1x1 reads columns 1 and 2 of both rows.
  const PlanPtr plan =
      must_compile(pipeline(4, 2, PixelFormat::gray, {resize_to(1, 1, ResizeProfile::exact4)}));
  const uint8_t image[] = {0, 10, 20, 0, 0, 30, 40, 0};
  const ProgramPtr program = must_bind(plan);
  auto state = program->make_state(Granularity::byte);
  uint8_t output = 0;
  uint8_t* const outputs[] = {&output};
  state.value()->begin(outputs);
  Told told;
  state.value()->push(5, std::span(image).subspan(5, 2), &told);
  state.value()->push(1, std::span(image).subspan(1, 1), &told);
  EXPECT_EQ(told.bytes, 0u);
  state.value()->push(2, std::span(image).subspan(2, 1), &told);
  EXPECT_EQ(told.bytes, 1u);
  EXPECT_EQ(output, 25);
  EXPECT_FALSE(state.value()->complete());
  for (const uint64_t at : {0u, 3u, 4u, 7u}) state.value()->push(at, std::span(image).subspan(at, 1), &told);
  EXPECT_EQ(told.bytes, 1u);
  EXPECT_TRUE(state.value()->complete());
}

TEST(Order, TheTextTellsSerializationsApart) {
  std::set<std::string> texts;
  std::set<uint32_t> digests;
  size_t count = 0;
  const auto add = [&](const PipelineSpec& spec, SerializationOrder order, bool skip) {
    const PlanPtr plan = ordered(must_compile(spec), order, skip);
    EXPECT_EQ(plan->input().order, order);
    EXPECT_EQ(plan->input().skip_unread, skip);
    texts.insert(plan->input().text);
    digests.insert(plan->input().digest);
    ++count;
  };
  for (const uint32_t size : {8u, 9u, 10u}) {
    const auto spec = [&](uint32_t width, ResizeProfile profile) {
      return pipeline(width, 36, PixelFormat::rgb, {resize_to(size, size, profile)});
    };
    for (const uint32_t width : {40u, 44u}) {
      add(spec(width, ResizeProfile::exact4), SerializationOrder::tile_major, true);
      add(spec(width, ResizeProfile::exact4), SerializationOrder::tile_major, false);
      add(spec(width, ResizeProfile::exact4), SerializationOrder::row_major, true);
      add(spec(width, ResizeProfile::exact4), SerializationOrder::planar, true);
      add(spec(width, ResizeProfile::pillow), SerializationOrder::tile_major, true);
    }
  }
  add(pipeline(40, 36, PixelFormat::rgb), SerializationOrder::planar, false);
  add(pipeline(40, 36, PixelFormat::rgb), SerializationOrder::row_major, false);
  EXPECT_EQ(texts.size(), count);
  EXPECT_EQ(digests.size(), count);
}

TEST(Order, WhatIsRowMajorIsCalledSo) {
  const std::string row_major = "onpath-sample/1 dtype=uint8 channels=gray order=row-major";
  // One channel has one plane; without a resize a tile is a row; nothing is unread.
  for (const SerializationOrder order : kOrders) {
    for (const bool skip : {false, true}) {
      const PlanPtr plan = ordered(must_compile(pipeline(20, 10, PixelFormat::gray)), order, skip);
      EXPECT_EQ(plan->input().text, row_major);
      EXPECT_TRUE(plan->input().row_major);
      EXPECT_TRUE(plan->works_in_place());
    }
  }
  const PlanPtr crop = must_compile(pipeline(20, 10, PixelFormat::gray, {CropSpec{2, 3, 5, 6}}));
  EXPECT_EQ(ordered(crop, SerializationOrder::tile_major, false)->input().text, row_major);
  const PlanPtr skipped = ordered(crop, SerializationOrder::tile_major, true);
  EXPECT_EQ(skipped->input().bytes, 30u);
  EXPECT_EQ(skipped->input().text, ordered(crop, SerializationOrder::row_major, true)->input().text);
  EXPECT_TRUE(skipped->input().text.starts_with(row_major + " unread=skipped bands="))
      << skipped->input().text;
}

TEST(Order, WhatCannotBeSentIsRefused) {
  PipelineSpec spec = pipeline(8, 8, PixelFormat::rgb, {CropSpec{20, 0, 4, 4}});
  spec.input.skip_unread = true;
  const auto nothing = compile(spec);
  ASSERT_FALSE(nothing.ok());
  EXPECT_EQ(nothing.error().code, ErrorCode::INVALID_SPEC);
  EXPECT_NE(nothing.error().message.find("skipUnread"), std::string::npos);
  spec = pipeline(8, 8, PixelFormat::rgb);
  spec.input.order = static_cast<SerializationOrder>(3);
  EXPECT_EQ(compile(spec).error().code, ErrorCode::INVALID_SPEC);
  EXPECT_EQ(
      with_order(*must_compile(pipeline(8, 8, PixelFormat::rgb)), static_cast<SerializationOrder>(9), false)
          .error()
          .code,
      ErrorCode::INVALID_SPEC);
  spec.input.format = PixelFormat::uyvy;
  for (const SerializationOrder order : {SerializationOrder::planar, SerializationOrder::tile_major}) {
    spec.input.order = order;
    EXPECT_EQ(compile(spec).error().code, ErrorCode::UNSUPPORTED);
  }
  spec.input.order = SerializationOrder::row_major;
  spec.input.skip_unread = true;
  EXPECT_EQ(compile(spec).error().code, ErrorCode::UNSUPPORTED);
}

TEST(Order, APlanInAnyOrderExplainsItself) {
  for (const SerializationOrder order : kOrders) {
    for (const bool skip : {false, true}) {
      const PlanPtr plan =
          ordered(must_compile(pipeline(1280, 720, PixelFormat::rgb, {resize_to(224, 224)})), order, skip);
      const ProgramPtr program = must_bind(plan);
      uint64_t state = 0;
      uint64_t window = 0;
      for (const StepExplanation& row : program->explain()) {
        state += row.state_bytes;
        window += row.window_bytes;
      }
      EXPECT_LT(state, plan->state_bytes());
      EXPECT_LT(plan->state_bytes() - state, 1280u * 720 * 4 / 8 + 4096);
      EXPECT_LT(window, order == SerializationOrder::planar ? 1280u * 720 * 2 + 12'000 : 40'000u);
    }
  }
}

}  // namespace
}  // namespace onpath
