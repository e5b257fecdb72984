#include "addon/spec_from_js.h"

#include "addon/names.h"

namespace onpath::addon {

namespace {

constexpr size_t kMostStages = 1024;
constexpr size_t kMostChannels = 64;
constexpr size_t kMostTableBytes = size_t{kMostChannels} * 256 * 4;

std::vector<double> numbers(const Input& input) {
  std::vector<double> values;
  input.each(kMostChannels, [&](const Input& element) { values.push_back(element.number()); });
  return values;
}

StageSpec resize(const Input& stage) {
  return ResizeSpec{.width = stage["width"].integer<uint32_t>(),
                    .height = stage["height"].integer<uint32_t>(),
                    .profile = stage["profile"].choice(kProfiles),
                    .filter = stage["filter"].choice(kFilters),
                    .shortest_edge = stage["shortestEdge"].integer<uint32_t>(),
                    .longest_edge = stage["longestEdge"].integer<uint32_t>()};
}

StageSpec crop(const Input& stage) {
  return CropSpec{.left = stage["left"].integer<int64_t>(),
                  .top = stage["top"].integer<int64_t>(),
                  .width = stage["width"].integer<uint32_t>(),
                  .height = stage["height"].integer<uint32_t>()};
}

StageSpec center_crop(const Input& stage) {
  return CenterCropSpec{.width = stage["width"].integer<uint32_t>(),
                        .height = stage["height"].integer<uint32_t>(),
                        .rule = stage["rule"].choice(kOffsetRules)};
}

StageSpec pad(const Input& stage) {
  PadSpec spec;
  spec.left = stage["left"].integer<uint32_t>();
  spec.top = stage["top"].integer<uint32_t>();
  spec.right = stage["right"].integer<uint32_t>();
  spec.bottom = stage["bottom"].integer<uint32_t>();
  spec.width = stage["width"].integer<uint32_t>();
  spec.height = stage["height"].integer<uint32_t>();
  stage["value"].each(kMostChannels,
                      [&](const Input& element) { spec.value.push_back(element.integer<uint32_t>()); });
  return spec;
}

StageSpec to_rgb(const Input& stage) {
  return ToRgbSpec{.matrix = stage["matrix"].choice(kYcbcrMatrices),
                   .range = stage["range"].choice(kYcbcrRanges)};
}

StageSpec channels(const Input& stage) { return ChannelsSpec{.to = stage["to"].choice(kPixelFormats)}; }

StageSpec normalize(const Input& stage) {
  return NormalizeSpec{.scale = stage["scale"].number(),
                       .mean = numbers(stage["mean"]),
                       .std = numbers(stage["std"]),
                       .recipe = stage["recipe"].choice(kRecipes)};
}

StageSpec lookup(const Input& stage) {
  return LookupSpec{.dtype = stage["dtype"].choice(kDTypes),
                    .tables = stage["tables"].integer<uint32_t>(),
                    .data = stage["data"].bytes(kMostTableBytes)};
}

StageSpec quantize(const Input& stage) {
  return QuantizeSpec{.scale = stage["scale"].number(), .zero_point = stage["zeroPoint"].integer<int32_t>()};
}

using ReadStage = StageSpec (*)(const Input&);
constexpr Choice<ReadStage> kStages[] = {
    {"resize", resize},    {"crop", crop},         {"centerCrop", center_crop}, {"pad", pad},
    {"toRgb", to_rgb},     {"channels", channels}, {"normalize", normalize},    {"lookup", lookup},
    {"quantize", quantize}};

}  // namespace

PipelineSpec spec_from_js(const Input& input) {
  PipelineSpec spec;
  const Input image = input["input"];
  spec.input.width = image["width"].integer<uint32_t>();
  spec.input.height = image["height"].integer<uint32_t>();
  spec.input.format = image["format"].choice(kPixelFormats);
  spec.input.order = image["order"].choice(kOrders);
  spec.input.skip_unread = image["skipUnread"].boolean();
  input["stages"].each(kMostStages, [&](const Input& stage) {
    const ReadStage read = stage["stage"].choice(kStages);
    if (!stage.failed()) spec.stages.push_back(read(stage));
  });
  const Input output = input["output"];
  spec.output.name = output["name"].text();
  if (const Input dtype = output["dtype"]; !dtype.is_undefined()) spec.output.dtype = dtype.choice(kDTypes);
  spec.output.layout = output["layout"].choice(kLayouts);
  spec.max_state_bytes = input["maxStateBytes"].integer<uint64_t>();
  return spec;
}

Result<SampleFormat> sample_format(uint32_t width, uint32_t height, PixelFormat format) {
  if (width == 0 || height == 0) {
    return Error{ErrorCode::INVALID_ARGUMENT, "A sample of " + std::to_string(width) + "x" +
                                                  std::to_string(height) +
                                                  " pixels is empty. Width and height are at least 1."};
  }
  if (uint64_t{width} * height > uint64_t{1} << 48) {
    return Error{ErrorCode::LIMIT_EXCEEDED, "A sample of " + std::to_string(width) + "x" +
                                                std::to_string(height) +
                                                " pixels has more than 2^48 of them. Send it in parts."};
  }
  if (width % pixel_group_pixels(format) != 0) {
    return Error{ErrorCode::INVALID_ARGUMENT,
                 "A sample of uyvy is " + std::to_string(width) +
                     " pixels wide; expected an even number, as two pixels share "
                     "their chroma."};
  }
  return row_major_format(width, height, format);
}

}  // namespace onpath::addon
