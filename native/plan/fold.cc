// Folding of element stages: each stage's own rounding is kept, because every stage is applied to all 256
// values in turn.
#include "plan/fold.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

namespace onpath {
namespace {

/// What each channel of a format means, in order: r, g, b, a (alpha), x (fourth, ordinary), y (gray).
std::string_view components(PixelFormat format) {
  switch (format) {
    case PixelFormat::gray:
      return "y";
    case PixelFormat::rgb:
      return "rgb";
    case PixelFormat::bgr:
      return "bgr";
    case PixelFormat::rgba:
      return "rgba";
    case PixelFormat::bgra:
      return "bgra";
    case PixelFormat::rgbx:
      return "rgbx";
    case PixelFormat::uyvy:
      break;  // no byte of it is a channel of one pixel
  }
  return {};
}

/// The channel of `from` that gives component `wanted`, if there is one.
std::optional<uint8_t> source_of(char wanted, PixelFormat from) {
  const std::string_view have = components(from);
  if (const size_t at = have.find(wanted); at != have.npos) return static_cast<uint8_t>(at);
  // Gray is its own red, green and blue; alpha may become an ordinary channel, but nothing becomes alpha.
  if (from == PixelFormat::gray && wanted != 'a' && wanted != 'x') return uint8_t{0};
  if (wanted == 'x' && have.find('a') != have.npos) return static_cast<uint8_t>(have.find('a'));
  return std::nullopt;
}

Result<void> check_per_channel(const std::vector<double>& values, uint32_t channels, bool zero_allowed,
                               const std::string& field) {
  if (values.size() != 1 && values.size() != channels) {
    return invalid_spec(field + " has " + std::to_string(values.size()) + " values; expected 1 or " +
                        std::to_string(channels) +
                        " (one per channel at this place). Give one value for all channels or " +
                        std::to_string(channels) + ".");
  }
  for (size_t i = 0; i < values.size(); ++i) {
    const bool fits = std::isfinite(values[i]) && std::abs(values[i]) <= std::numeric_limits<float>::max();
    if (fits && (zero_allowed || static_cast<float>(values[i]) != 0.0F)) continue;
    return invalid_spec(field + "[" + std::to_string(i) + "] is " + std::to_string(values[i]) +
                        "; expected a finite " + (zero_allowed ? "" : "nonzero ") +
                        "number within float32. Correct that value.");
  }
  return {};
}

std::vector<double> one_per_channel(const std::vector<double>& values, uint32_t channels) {
  return values.size() == channels ? values : std::vector<double>(channels, values.front());
}

}  // namespace

std::string_view pixel_format_name(PixelFormat format) {
  static constexpr std::string_view kNames[] = {"gray", "rgb", "bgr", "rgba", "bgra", "rgbx", "uyvy"};
  return static_cast<size_t>(format) < std::size(kNames) ? kNames[static_cast<size_t>(format)] : "unknown";
}

Fold::Fold(PixelFormat edge)
    : in_channels_(pixel_format_channels(edge)),
      format_(edge),
      map_(identity_map(pixel_format_channels(edge))) {
  for (uint32_t c = 0; c < in_channels_; ++c) select_.push_back(static_cast<uint8_t>(c));
}

Result<void> Fold::channels(const ChannelsSpec& spec, const std::string& field) {
  if (pixel_format_name(spec.to) == "unknown" || spec.to == PixelFormat::uyvy) {
    return invalid_spec(field + ".to is " + std::string(pixel_format_name(spec.to)) +
                        "; expected gray, rgb, bgr, rgba, bgra or rgbx.");
  }
  if (spec.to == format_) return {};
  std::vector<uint8_t> pick;
  for (const char wanted : components(spec.to)) {
    const std::optional<uint8_t> source = source_of(wanted, format_);
    if (!source) {
      return unsupported(
          field + ".to is " + std::string(pixel_format_name(spec.to)) + ", but " +
          std::string(pixel_format_name(format_)) + " pixels have no channel for its '" + wanted +
          "'; expected a format whose channels can be picked from what is there. Channels are " +
          "reordered, dropped or replicated, never computed.");
    }
    pick.push_back(*source);
  }
  std::vector<uint8_t> select;
  for (const uint8_t source : pick) select.push_back(select_[source]);
  map_ = select_tables(map_, pick);
  select_ = std::move(select);
  format_ = spec.to;
  folded_.push_back(FoldedStage::channels);
  return {};
}

Result<void> Fold::normalize(const NormalizeSpec& spec, const std::string& field) {
  const uint32_t channels = channel_count();
  if (!std::isfinite(spec.scale) || spec.scale == 0) {
    return invalid_spec(field + ".scale is " + std::to_string(spec.scale) +
                        "; expected a finite nonzero number such as 1/255. Correct the scale.");
  }
  if (auto ok = check_per_channel(spec.mean, channels, true, field + ".mean"); !ok) return ok;
  if (auto ok = check_per_channel(spec.std, channels, false, field + ".std"); !ok) return ok;
  if (spec.recipe != NormalizeRecipe::torchvision && spec.recipe != NormalizeRecipe::fused) {
    return invalid_spec(field + ".recipe is unknown; expected torchvision or fused.");
  }
  return become(then_normalize(map_, spec.scale, one_per_channel(spec.mean, channels),
                               one_per_channel(spec.std, channels), spec.recipe == NormalizeRecipe::fused),
                FoldedStage::normalize, field);
}

Result<void> Fold::lookup(const LookupSpec& spec, const std::string& field) {
  if (dtype_bytes(spec.dtype) == 0)
    return invalid_spec(field + ".dtype is unknown; expected uint8, int8, uint16, float16, ...");
  if (spec.tables != 1 && spec.tables != channel_count()) {
    return invalid_spec(field + " has " + std::to_string(spec.tables) + " tables; expected 1 or " +
                        std::to_string(channel_count()) +
                        " (one per channel at this place). Give one table for all channels or " +
                        std::to_string(channel_count()) + ".");
  }
  const size_t expected = size_t{spec.tables} * 256 * dtype_bytes(spec.dtype);
  if (spec.data.size() != expected) {
    return invalid_spec(field + " has " + std::to_string(spec.data.size()) + " table bytes; expected " +
                        std::to_string(expected) + " (" + std::to_string(spec.tables) + " tables of 256 " +
                        std::string(dtype_name(spec.dtype)) + "). Give exactly 256 entries per table.");
  }
  return become(then_lookup(map_, ValueMap{spec.dtype, spec.tables, spec.data}), FoldedStage::lookup, field);
}

Result<void> Fold::quantize(const QuantizeSpec& spec, const std::string& field) {
  if (!std::isfinite(spec.scale) || static_cast<float>(spec.scale) <= 0.0F ||
      spec.scale > std::numeric_limits<float>::max()) {
    return invalid_spec(field + ".scale is " + std::to_string(spec.scale) +
                        "; expected a positive number within float32. Correct the scale.");
  }
  if (spec.zero_point < -128 || spec.zero_point > 127) {
    return invalid_spec(field + ".zeroPoint is " + std::to_string(spec.zero_point) +
                        "; expected -128 to 127, the range of int8. Correct the zero point.");
  }
  return become(then_quantize(map_, spec.scale, spec.zero_point), FoldedStage::quantize, field);
}

Result<void> Fold::convert(DType dtype, const std::string& field) {
  if (dtype_bytes(dtype) == 0)
    return invalid_spec(field + " is unknown; expected uint8, int8, float16, bfloat16 or float32.");
  if (dtype == map_.dtype) return {};
  const bool from_byte = map_.dtype == DType::uint8;
  const bool half = dtype == DType::float16 || dtype == DType::bfloat16;
  if (!(from_byte && (half || dtype == DType::float32)) && !(map_.dtype == DType::float32 && half)) {
    return unsupported(
        field + " is " + std::string(dtype_name(dtype)) + ", but the last stage gives " +
        std::string(dtype_name(map_.dtype)) + "; expected " + std::string(dtype_name(map_.dtype)) +
        " or a conversion without choice: uint8 to a float type, float32 to float16 or bfloat16. " +
        "Use a quantize stage for int8, or a lookup stage for any other table.");
  }
  return become(then_convert(map_, dtype), FoldedStage::convert, field);
}

Result<void> Fold::become(Result<ValueMap> map, FoldedStage stage, const std::string& field) {
  if (!map) return Error{map.error().code, field + ": " + map.error().message};
  map_ = std::move(map).value();
  folded_.push_back(stage);
  return {};
}

FoldedMapStep Fold::finish(uint32_t width, uint32_t height, Layout layout) const {
  FoldedMapStep step;
  step.width = width;
  step.height = height;
  step.in_channels = in_channels_;
  step.out_channels = channel_count();
  step.select = {0, 0, 0, 0};
  std::copy(select_.begin(), select_.end(), step.select.begin());
  step.planar = layout == Layout::chw;
  step.map = map_;
  step.folded = folded_;
  return step;
}

}  // namespace onpath
