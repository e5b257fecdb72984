// What compile accepts, refuses (with which sentence), removes and folds.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "support/pipelines.h"
#include "support/streaming_property.h"

namespace onpath::testing {
namespace {

void expect_refused(const PipelineSpec& spec, ErrorCode code, std::vector<std::string> words) {
  const auto plan = compile(spec);
  ASSERT_FALSE(plan.ok()) << "was accepted; expected a sentence with " << words[0];
  EXPECT_EQ(error_code_name(plan.error().code), std::string(error_code_name(code))) << plan.error().message;
  for (const std::string& word : words) {
    EXPECT_NE(plan.error().message.find(word), std::string::npos)
        << "'" << word << "' is not in: " << plan.error().message;
  }
}

PipelineSpec rgb(std::vector<StageSpec> stages, OutputSpec output = {}) {
  return pipeline(64, 48, PixelFormat::rgb, std::move(stages), std::move(output));
}

LookupSpec lookup_of(DType dtype, uint32_t tables = 1) {
  LookupSpec lookup;
  lookup.dtype = dtype;
  lookup.tables = tables;
  lookup.data.assign(size_t{tables} * 256 * dtype_bytes(dtype), 7);
  return lookup;
}

TEST(Compile, SizesAreNamedWithTheirField) {
  expect_refused(pipeline(0, 5, PixelFormat::rgb), ErrorCode::INVALID_SPEC,
                 {"input.width is 0", "1 to 65535"});
  expect_refused(pipeline(5, 65536, PixelFormat::rgb), ErrorCode::INVALID_SPEC,
                 {"input.height is 65536", "1 to 65535"});
  expect_refused(rgb({resize_to(8, 8), resize_to(0, 8)}), ErrorCode::INVALID_SPEC, {"stages[1].width is 0"});
  expect_refused(rgb({resize_to(8, UINT32_MAX)}), ErrorCode::INVALID_SPEC,
                 {"stages[0].height is 4294967295"});
  expect_refused(rgb({CropSpec{0, 0, 8, 0}}), ErrorCode::INVALID_SPEC, {"stages[0].height is 0"});
  expect_refused(rgb({CropSpec{INT64_MIN, 0, 8, 8}}), ErrorCode::INVALID_SPEC,
                 {"stages[0].left is -9223372036854775808"});
  expect_refused(rgb({CropSpec{0, INT64_MAX, 8, 8}}), ErrorCode::INVALID_SPEC,
                 {"stages[0].top is 9223372036854775807"});
  expect_refused(rgb({CenterCropSpec{70000, 8}}), ErrorCode::INVALID_SPEC, {"stages[0].width is 70000"});
}

TEST(Compile, UnknownEnumeratorsAreRefused) {
  expect_refused(pipeline(5, 5, static_cast<PixelFormat>(9)), ErrorCode::INVALID_SPEC, {"input.format"});
  expect_refused(rgb({resize_to(8, 8, static_cast<ResizeProfile>(7))}), ErrorCode::INVALID_SPEC,
                 {"stages[0].profile"});
  expect_refused(rgb({resize_to(8, 8, ResizeProfile::pillow, static_cast<ResizeFilter>(7))}),
                 ErrorCode::UNSUPPORTED, {"stages[0].filter"});
  expect_refused(rgb({CenterCropSpec{8, 8, static_cast<OffsetRule>(7)}}), ErrorCode::INVALID_SPEC,
                 {"stages[0].rule"});
  expect_refused(rgb({ChannelsSpec{static_cast<PixelFormat>(7)}}), ErrorCode::INVALID_SPEC, {"stages[0].to"});
  expect_refused(rgb({}, {"pixels", static_cast<DType>(77), Layout::hwc}), ErrorCode::INVALID_SPEC,
                 {"output.dtype"});
  expect_refused(rgb({}, {"pixels", {}, static_cast<Layout>(7)}), ErrorCode::INVALID_SPEC, {"output.layout"});
  expect_refused(rgb({}, {"", {}, Layout::hwc}), ErrorCode::INVALID_SPEC, {"output.name"});
}

TEST(Compile, FiltersThatAProfileDoesNotHaveAreRefusedByName) {
  const auto resize = [](ResizeProfile profile, ResizeFilter filter) {
    return rgb({resize_to(4, 4, profile, filter)});
  };
  using enum ResizeFilter;
  for (const ResizeFilter filter : {nearest, box, hamming, lanczos3}) {
    expect_refused(resize(ResizeProfile::torch, filter), ErrorCode::UNSUPPORTED,
                   {"stages[0].filter is ", "the profile torch has bilinear or bicubic"});
  }
  for (const ResizeFilter filter : {box, hamming, bicubic, lanczos3}) {
    expect_refused(resize(ResizeProfile::opencv, filter), ErrorCode::UNSUPPORTED,
                   {"stages[0].filter is ", "the profile opencv has bilinear or nearest"});
  }
  for (const ResizeFilter filter : {nearest, box, hamming, bicubic, lanczos3}) {
    expect_refused(resize(ResizeProfile::exact4, filter), ErrorCode::UNSUPPORTED,
                   {"stages[0].filter is ", "the profile exact4 has bilinear"});
  }
  expect_refused(resize(ResizeProfile::torch, lanczos3), ErrorCode::UNSUPPORTED, {"filter is lanczos3"});
  for (const ResizeKind kind : kResizes) EXPECT_TRUE(compile(resize(kind.profile, kind.filter)).ok());
}

PipelineSpec edge_of(uint32_t width, uint32_t height, uint32_t shortest, uint32_t longest) {
  ResizeSpec resize;
  resize.shortest_edge = shortest;
  resize.longest_edge = longest;
  return pipeline(width, height, PixelFormat::gray, {resize});
}

TEST(Compile, OneEdgeGivesTheOtherRoundedDown) {
  struct Case {
    uint32_t width, height, shortest, longest, out_width, out_height;
  };
  for (const Case& c : {Case{1280, 720, 224, 0, 398, 224},
                        {720, 1280, 224, 0, 224, 398},
                        {500, 375, 256, 0, 341, 256},
                        {512, 512, 224, 0, 224, 224},
                        {3, 2, 3, 0, 4, 3},
                        {1280, 720, 0, 640, 640, 360},
                        {720, 1280, 0, 640, 360, 640},
                        {512, 512, 0, 7, 7, 7},
                        {1000, 3, 0, 100, 100, 1},
                        {3, 1000, 0, 100, 1, 100},
                        {999, 500, 0, 2, 2, 1},
                        {65535, 1, 1, 0, 65535, 1}}) {
    const PlanPtr plan = must_compile(edge_of(c.width, c.height, c.shortest, c.longest));
    ASSERT_NE(plan, nullptr);
    EXPECT_EQ(plan->outputs()[0].shape, (std::vector<uint32_t>{c.out_height, c.out_width, 1}))
        << c.width << "x" << c.height << " edges " << c.shortest << ", " << c.longest;
  }
}

TEST(Compile, EdgesThatGiveNoSizeAreRefused) {
  expect_refused(edge_of(65535, 1, 2, 0), ErrorCode::INVALID_SPEC,
                 {"stages[0].shortestEdge is 2", "the other side 131070 pixels", "at most 65535"});
  expect_refused(edge_of(9, 9, 65536, 0), ErrorCode::INVALID_SPEC, {"stages[0].shortestEdge is 65536"});
  expect_refused(edge_of(9, 9, 0, 65536), ErrorCode::INVALID_SPEC, {"stages[0].longestEdge is 65536"});
  expect_refused(edge_of(9, 9, 0, 0), ErrorCode::INVALID_SPEC, {"stages[0].width is 0"});
  expect_refused(edge_of(9, 9, 5, 5), ErrorCode::INVALID_SPEC, {"stages[0] gives more than one size"});
  ResizeSpec both = resize_to(5, 5);
  both.longest_edge = 4;
  expect_refused(pipeline(9, 9, PixelFormat::gray, {both}), ErrorCode::INVALID_SPEC,
                 {"stages[0] gives more than one size"});
}

TEST(Compile, ResizeAndCropNeedBytes) {
  expect_refused(rgb({imagenet(), resize_to(8, 8)}), ErrorCode::INVALID_SPEC,
                 {"stages[1] is a resize of float32 values", "expected uint8", "before"});
  expect_refused(rgb({QuantizeSpec{1, 0}, CropSpec{0, 0, 8, 8}}), ErrorCode::INVALID_SPEC,
                 {"stages[1] is a crop of int8"});
  expect_refused(rgb({lookup_of(DType::uint16), CenterCropSpec{8, 8}}), ErrorCode::INVALID_SPEC,
                 {"stages[1] is a crop of uint16"});
}

TEST(Compile, NormalizeIsChecked) {
  NormalizeSpec n = imagenet();
  n.mean = {0.5, 0.5};
  expect_refused(rgb({n}), ErrorCode::INVALID_SPEC, {"stages[0].mean has 2 values", "1 or 3"});
  n = imagenet();
  n.std[1] = 0;
  expect_refused(rgb({n}), ErrorCode::INVALID_SPEC, {"stages[0].std[1]", "nonzero"});
  n = imagenet();
  n.std[2] = 1e-60;  // zero as float32
  expect_refused(rgb({n}), ErrorCode::INVALID_SPEC, {"stages[0].std[2]"});
  n = imagenet();
  n.mean[0] = std::numeric_limits<double>::quiet_NaN();
  expect_refused(rgb({n}), ErrorCode::INVALID_SPEC, {"stages[0].mean[0]"});
  n = imagenet();
  n.scale = std::numeric_limits<double>::infinity();
  expect_refused(rgb({n}), ErrorCode::INVALID_SPEC, {"stages[0].scale"});
  n = imagenet();
  n.mean.clear();
  expect_refused(rgb({n}), ErrorCode::INVALID_SPEC, {"stages[0].mean has 0 values"});
  expect_refused(rgb({QuantizeSpec{0.1, 0}, imagenet()}), ErrorCode::UNSUPPORTED, {"stages[1]"});
}

TEST(Compile, LookupAndQuantizeAreChecked) {
  LookupSpec lookup = lookup_of(DType::uint8, 2);
  expect_refused(rgb({lookup}), ErrorCode::INVALID_SPEC, {"stages[0] has 2 tables", "1 or 3"});
  lookup = lookup_of(DType::float32);
  lookup.data.pop_back();
  expect_refused(rgb({lookup}), ErrorCode::INVALID_SPEC, {"stages[0] has 1023 table bytes", "1024"});
  expect_refused(rgb({imagenet(), lookup_of(DType::uint8)}), ErrorCode::UNSUPPORTED, {"stages[1]"});
  expect_refused(rgb({QuantizeSpec{0, 0}}), ErrorCode::INVALID_SPEC, {"stages[0].scale"});
  expect_refused(rgb({QuantizeSpec{1, 128}}), ErrorCode::INVALID_SPEC, {"stages[0].zeroPoint is 128"});
}

TEST(Compile, OutputTypesThatWouldLoseAreRefused) {
  expect_refused(rgb({imagenet()}, {"pixels", DType::uint8, Layout::hwc}), ErrorCode::UNSUPPORTED,
                 {"output.dtype is uint8", "float32", "quantize"});
  expect_refused(rgb({}, {"pixels", DType::int8, Layout::hwc}), ErrorCode::UNSUPPORTED,
                 {"output.dtype is int8"});
  expect_refused(rgb({lookup_of(DType::uint16)}, {"pixels", DType::float32, Layout::hwc}),
                 ErrorCode::UNSUPPORTED, {"uint16"});
}

TEST(Compile, ChannelsThatAreNotThereAreRefused) {
  expect_refused(rgb({ChannelsSpec{PixelFormat::rgba}}), ErrorCode::UNSUPPORTED,
                 {"stages[0].to is rgba", "'a'"});
  expect_refused(rgb({ChannelsSpec{PixelFormat::gray}}), ErrorCode::UNSUPPORTED, {"stages[0].to is gray"});
  expect_refused(pipeline(4, 4, PixelFormat::rgbx, {ChannelsSpec{PixelFormat::rgba}}), ErrorCode::UNSUPPORTED,
                 {"rgba"});
}

TEST(Compile, LimitsAreNamed) {
  PipelineSpec spec = pipeline(1280, 720, PixelFormat::rgb, {resize_to(224, 224)});
  spec.max_state_bytes = 100'000;
  expect_refused(spec, ErrorCode::LIMIT_EXCEEDED, {"limits.stateBytes = 100000", "Raise"});
  expect_refused(pipeline(65535, 65535, PixelFormat::rgba, {resize_to(65534, 65534)}),
                 ErrorCode::LIMIT_EXCEEDED, {"limits.stateBytes"});
  expect_refused(pipeline(4, 4, PixelFormat::rgb, std::vector<StageSpec>(65, CropSpec{0, 0, 4, 4})),
                 ErrorCode::LIMIT_EXCEEDED, {"stages has 65"});
  // The largest sides that fit compile.
  EXPECT_TRUE(compile(pipeline(65535, 1, PixelFormat::rgba, {resize_to(1, 1)})).ok());
  EXPECT_TRUE(compile(pipeline(1, 65535, PixelFormat::gray, {resize_to(1, 1, ResizeProfile::exact4)})).ok());
  EXPECT_TRUE(compile(pipeline(1, 1, PixelFormat::gray, {resize_to(65535, 20)})).ok());
}

TEST(Compile, StagesThatChangeNothingAreRemoved) {
  const ProgramPtr program = must_bind(
      must_compile(rgb({resize_to(64, 48), CropSpec{0, 0, 64, 48}, CenterCropSpec{64, 48},
                        ChannelsSpec{PixelFormat::rgb}, resize_to(64, 48, ResizeProfile::exact4)})));
  EXPECT_EQ(program->explain().size(), 1u);
  EXPECT_EQ(program->plan().stage_class(), StageClass::element);
  // Colours under alpha 0 would not survive a round trip through premultiplied alpha.
  const ProgramPtr rgba = must_bind(must_compile(pipeline(2, 1, PixelFormat::rgba, {resize_to(2, 1)})));
  const std::vector<uint8_t> sample = {9, 8, 7, 0, 1, 2, 3, 4};
  EXPECT_EQ(run_whole(*rgba, sample), sample);
}

TEST(Compile, AdjacentElementStagesFoldIntoOneTablePerChannel) {
  const ProgramPtr program = must_bind(must_compile(
      rgb({lookup_of(DType::uint8), ChannelsSpec{PixelFormat::bgr}, imagenet(), QuantizeSpec{0.02, 3}},
          {"pixels", {}, Layout::chw})));
  const auto rows = program->explain();
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].step, "place lookup+channels+normalize+quantize -> int8 chw");
  EXPECT_EQ(rows[0].naive_table_entries, 3u * 256 * 4);
  EXPECT_LE(rows[0].table_entries, 3u * 256);
  const auto& shape = program->plan().outputs()[0].shape;
  EXPECT_EQ(shape, (std::vector<uint32_t>{3, 48, 64}));
}

TEST(Compile, ACropWithoutPaddingLetsTablesPassAndAPaddingOneDoesNot) {
  LookupSpec plus_one;
  for (int v = 0; v < 256; ++v) plus_one.data.push_back(static_cast<uint8_t>(v + 1));
  const auto inside =
      must_bind(must_compile(pipeline(8, 8, PixelFormat::gray, {plus_one, CropSpec{1, 1, 2, 1}})));
  EXPECT_EQ(inside->explain().size(), 2u);
  const std::vector<uint8_t> sample(64, 10);
  EXPECT_EQ(run_whole(*inside, sample), (std::vector<uint8_t>{11, 11}));
  const auto padding =
      must_bind(must_compile(pipeline(8, 8, PixelFormat::gray, {plus_one, CropSpec{-1, 0, 2, 1}})));
  EXPECT_EQ(padding->explain().size(), 3u);
  EXPECT_EQ(run_whole(*padding, sample), (std::vector<uint8_t>{0, 11}));
  // After the crop, the zeros are values like any other.
  const auto after =
      must_bind(must_compile(pipeline(8, 8, PixelFormat::gray, {CropSpec{-1, 0, 2, 1}, plus_one})));
  EXPECT_EQ(run_whole(*after, sample), (std::vector<uint8_t>{1, 11}));
}

TEST(Compile, SampleFormatIsNamedByTheHashOfItsText) {
  EXPECT_EQ(format_text(PixelFormat::bgra), "onpath-sample/1 dtype=uint8 channels=bgra order=row-major");
  const PlanPtr plan = must_compile(rgb({}));
  const std::string text = format_text(PixelFormat::rgb);
  const Hash hash = sha256({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  EXPECT_EQ(plan->input().digest, uint32_t{hash[0]} << 24 | hash[1] << 16 | hash[2] << 8 | hash[3]);
  EXPECT_EQ(plan->input().bytes, 64u * 48 * 3);
  EXPECT_EQ(plan->input().element_bytes, 3u);
}

TEST(Compile, RunSampleTakesRowsWithGaps) {
  for (const PixelFormat format : {PixelFormat::rgb, PixelFormat::uyvy}) {
    std::vector<StageSpec> stages = {resize_to(9, 7)};
    if (format == PixelFormat::uyvy) stages.insert(stages.begin(), ToRgbSpec{});
    const ProgramPtr program = must_bind(must_compile(pipeline(14, 11, format, stages)));
    const size_t row = 14 * pixel_format_channels(format);
    const std::vector<uint8_t> sample = Random(3).noise(row * 11);
    const std::vector<uint8_t> expected = run_whole(*program, sample);
    auto state = program->make_state(Granularity::element);
    for (const size_t stride : {row, row + 1, row + 22}) {
      for (const size_t tail : {size_t{0}, stride - row}) {  // the last row may be padded, too
        std::vector<uint8_t> image(stride * 10 + row + tail, 0xEE);
        for (size_t y = 0; y < 11; ++y)
          std::copy_n(sample.begin() + static_cast<std::ptrdiff_t>(y * row), row,
                      image.begin() + static_cast<std::ptrdiff_t>(y * stride));
        std::vector<uint8_t> output(expected.size());
        uint8_t* const outputs[] = {output.data()};
        ASSERT_TRUE(run_sample(*program, *state.value(), image, outputs, stride).ok()) << stride;
        EXPECT_EQ(output, expected) << stride;
      }
    }
  }
}

TEST(Compile, RunSampleAndBindRefuseWhatDoesNotFit) {
  const ProgramPtr program = must_bind(must_compile(rgb({})));
  auto state = program->make_state(Granularity::byte);
  std::vector<uint8_t> in(64 * 48 * 3 + 1), out(64 * 48 * 3);
  uint8_t* const outputs[] = {out.data()};
  const auto wrong = run_sample(*program, *state.value(), in, outputs);
  ASSERT_FALSE(wrong.ok());
  EXPECT_NE(wrong.error().message.find("9217 bytes; expected 9216"), std::string::npos)
      << wrong.error().message;
  EXPECT_FALSE(run_sample(*program, *state.value(), std::span(in).first(9216), {}).ok());
  for (const auto& [bytes, stride] : {std::pair<size_t, uint64_t>{9216, 191},
                                      {9217, 192},
                                      {9216, 193},
                                      {9216 + 46, 193},
                                      {9216, UINT64_MAX},
                                      {9216, 1}}) {
    std::vector<uint8_t> image(bytes);
    EXPECT_FALSE(run_sample(*program, *state.value(), image, outputs, stride).ok()) << bytes << " " << stride;
  }
  const auto unknown = onpath::bind(program->plan_ptr(), "mmx");
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().code, ErrorCode::UNSUPPORTED);
  EXPECT_NE(unknown.error().message.find("scalar"), std::string::npos);
  EXPECT_FALSE(onpath::bind(nullptr).ok());
}

}  // namespace
}  // namespace onpath::testing
