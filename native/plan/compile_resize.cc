// What is refused of a resize, the size it leads to, and its tables.
#include "plan/compile_resize.h"

#include <algorithm>
#include <utility>

#include "plan/resize_names.h"

namespace onpath {
namespace {

Result<void> check_filter(const ResizeSpec& spec, const std::string& field) {
  if (resize_profile_name(spec.profile).empty()) {
    return invalid_spec(field + ".profile is unknown; expected pillow, torch, opencv or exact4.");
  }
  if (resize_filter_name(spec.filter).empty()) {
    return Error{
        ErrorCode::UNSUPPORTED,
        field + ".filter is unknown; expected nearest, box, bilinear, hamming, " + "bicubic or lanczos3."};
  }
  if (resize_has(spec.profile, spec.filter)) return {};
  const char* has = spec.profile == ResizeProfile::torch    ? "bilinear or bicubic"
                    : spec.profile == ResizeProfile::opencv ? "bilinear or nearest"
                                                            : "bilinear";
  return Error{ErrorCode::UNSUPPORTED,
               field + ".filter is " + std::string(resize_filter_name(spec.filter)) + "; the profile " +
                   std::string(resize_profile_name(spec.profile)) + " has " + has +
                   ". Choose one of them, or the profile pillow, which " + "has all filters."};
}

/// edge * numerator / denominator, rounded down, at least 1.
Result<uint32_t> other_side(uint32_t edge, uint32_t numerator, uint32_t denominator,
                            const std::string& field) {
  const uint64_t side = std::max<uint64_t>(1, uint64_t{edge} * numerator / denominator);
  if (side <= kMaxSide) return static_cast<uint32_t>(side);
  return invalid_spec(field + " is " + std::to_string(edge) + ", which makes the other side " +
                      std::to_string(side) + " pixels; expected at most " + std::to_string(kMaxSide) +
                      ". Give a smaller edge.");
}

/// The window of a filter other than nearest.
WindowFilter window_of(ResizeFilter filter) {
  switch (filter) {
    case ResizeFilter::box:
      return WindowFilter::box;
    case ResizeFilter::hamming:
      return WindowFilter::hamming;
    case ResizeFilter::bicubic:
      return WindowFilter::bicubic;
    case ResizeFilter::lanczos3:
      return WindowFilter::lanczos3;
    default:
      return WindowFilter::bilinear;
  }
}

template <class Table>
Result<void> keep(Result<Table> made, std::shared_ptr<const Table>* table) {
  if (!made) return made.error();
  *table = std::make_shared<const Table>(std::move(made).value());
  return {};
}

Result<void> make_tables(ImageSize from, ImageSize to, NamedGatherStep* step) {
  const auto make = step->profile == ResizeProfile::opencv ? opencv_nearest : pillow_nearest;
  if (auto ok = keep(make(from.width, to.width), &step->x); !ok) return ok;
  return keep(make(from.height, to.height), &step->y);
}

Result<void> make_windows(ImageSize from, ImageSize to, NamedResizeStep* step) {
  const auto make = step->profile == ResizeProfile::torch ? torch_weights : pillow_weights;
  const WindowFilter filter = window_of(step->filter);
  if (from.width != to.width) {
    if (auto ok = keep(make(from.width, to.width, filter), &step->x); !ok) return ok;
  }
  if (from.height != to.height) return keep(make(from.height, to.height, filter), &step->y);
  return {};
}

Result<void> make_lerps(ImageSize from, ImageSize to, NamedResizeStep* step) {
  if (step->profile == ResizeProfile::opencv) {
    step->arithmetic = LerpArithmetic::fixed11;
    if (auto ok = keep(opencv_weights(from.width, to.width, true), &step->lerp_x); !ok) return ok;
    return keep(opencv_weights(from.height, to.height, false), &step->lerp_y);
  }
  if (auto ok = keep(exact4_weights(from.width, to.width), &step->lerp_x); !ok) return ok;
  if (auto ok = keep(exact4_weights(from.height, to.height), &step->lerp_y); !ok) return ok;
  const uint64_t denominator = uint64_t{step->lerp_x->denominator} * step->lerp_y->denominator;
  if (denominator <= kMaxDenominator) return {};
  return Error{ErrorCode::LIMIT_EXCEEDED,
               "the common denominator " + std::to_string(denominator) + " of the exact4 weights is above " +
                   std::to_string(kMaxDenominator) +
                   ". Choose sizes with a larger common divisor, or the pillow profile."};
}

}  // namespace

Result<void> check_side(uint32_t side, const std::string& field) {
  if (side >= 1 && side <= kMaxSide) return {};
  return invalid_spec(field + " is " + std::to_string(side) + "; expected 1 to " + std::to_string(kMaxSide) +
                      " pixels. Give a size in that range.");
}

Result<ImageSize> resized(const ResizeSpec& spec, uint32_t width, uint32_t height, const std::string& field) {
  if (auto ok = check_filter(spec, field); !ok) return ok.error();
  const bool sides = spec.width != 0 || spec.height != 0;
  if (sides + (spec.shortest_edge != 0) + (spec.longest_edge != 0) > 1) {
    return invalid_spec(field + " gives more than one size; expected width and height, or shortestEdge, or " +
                        "longestEdge. Give one of them.");
  }
  if (spec.shortest_edge == 0 && spec.longest_edge == 0) {
    if (auto ok = check_side(spec.width, field + ".width"); !ok) return ok.error();
    if (auto ok = check_side(spec.height, field + ".height"); !ok) return ok.error();
    return ImageSize{spec.width, spec.height};
  }
  const bool shortest = spec.shortest_edge != 0;
  const uint32_t edge = shortest ? spec.shortest_edge : spec.longest_edge;
  const std::string name = field + (shortest ? ".shortestEdge" : ".longestEdge");
  if (auto ok = check_side(edge, name); !ok) return ok.error();
  const bool width_is_edge = (width <= height) == shortest;
  const auto other =
      width_is_edge ? other_side(edge, height, width, name) : other_side(edge, width, height, name);
  if (!other) return other.error();
  return width_is_edge ? ImageSize{edge, other.value()} : ImageSize{other.value(), edge};
}

Result<Step> make_resize_step(const ResizeSpec& spec, ImageSize from, ImageSize to, PixelFormat format,
                              const std::string& field) {
  const auto failed = [&field](const Error& error) {
    return Error{error.code, field + ": " + error.message};
  };
  const uint32_t channels = pixel_format_channels(format);
  if (spec.filter == ResizeFilter::nearest) {
    NamedGatherStep step;
    step.channels = channels;
    step.profile = spec.profile;
    if (auto ok = make_tables(from, to, &step); !ok) return failed(ok.error());
    return Step{std::move(step)};
  }
  NamedResizeStep step;
  step.in_width = from.width;
  step.in_height = from.height;
  step.out_width = to.width;
  step.out_height = to.height;
  step.channels = channels;
  step.profile = spec.profile;
  step.filter = spec.filter;
  // As the references do: Pillow multiplies alpha in, and so does exact4; tensors and OpenCV know no alpha.
  const bool knows_alpha = spec.profile == ResizeProfile::pillow || spec.profile == ResizeProfile::exact4;
  step.premultiply = knows_alpha && (format == PixelFormat::rgba || format == PixelFormat::bgra);
  const bool lerps = spec.profile == ResizeProfile::exact4 || spec.profile == ResizeProfile::opencv;
  if (auto ok = lerps ? make_lerps(from, to, &step) : make_windows(from, to, &step); !ok) {
    return failed(ok.error());
  }
  step.state = choose_row_state(step);
  return Step{std::move(step)};
}

}  // namespace onpath
