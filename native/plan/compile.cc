// Specification -> plan: checks every field, folds element stages, makes tables, and chooses state layouts.
#include <cmath>
#include <string>

#include "plan/compile_resize.h"
#include "plan/fold.h"
#include "plan/order.h"
#include "plan/plan.h"
#include "plan/step.h"

namespace onpath {
namespace {

constexpr size_t kMaxStages = 64;

/// Walks the stages with the image as it is at each place: steps made so far, and element stages not yet made
/// into one.
class Compiler {
 public:
  explicit Compiler(const PipelineSpec& spec)
      : spec_(spec), width_(spec.input.width), height_(spec.input.height), fold_(spec.input.format) {}

  Result<PlanPtr> run();

 private:
  Result<void> stage(const ResizeSpec& spec, const std::string& field);
  Result<void> stage(const CropSpec& spec, const std::string& field);
  Result<void> stage(const CenterCropSpec& spec, const std::string& field);
  Result<void> stage(const PadSpec& spec, const std::string& field);
  Result<void> stage(const ToRgbSpec& spec, const std::string& field);
  Result<void> stage(const ChannelsSpec& spec, const std::string& field) {
    return fold_.channels(spec, field);
  }
  Result<void> stage(const NormalizeSpec& spec, const std::string& field) {
    return fold_.normalize(spec, field);
  }
  Result<void> stage(const LookupSpec& spec, const std::string& field) { return fold_.lookup(spec, field); }
  Result<void> stage(const QuantizeSpec& spec, const std::string& field) {
    return fold_.quantize(spec, field);
  }

  Result<void> crop(int64_t left, int64_t top, uint32_t width, uint32_t height, const std::string& field);
  Result<void> needs_bytes(const char* name, const std::string& field) const;
  /// Makes a step of the element stages folded so far.
  void flush();

  const PipelineSpec& spec_;
  uint32_t width_;
  uint32_t height_;
  Fold fold_;
  PixelFormat edge_ = PixelFormat::rgb;  // format before the folded stages
  std::vector<Step> steps_;
};

Result<void> check_input(const ImageInput& input) {
  if (pixel_format_name(input.format) == "unknown") {
    return invalid_spec("input.format is unknown; expected gray, rgb, bgr, rgba, bgra, rgbx or uyvy.");
  }
  if (input.width % pixel_group_pixels(input.format) != 0) {
    return invalid_spec(
        "input.width is " + std::to_string(input.width) +
        "; expected an even number, as uyvy has two pixels in a group. Crop at the sender, or send "
        "another format.");
  }
  if (auto ok = check_side(input.width, "input.width"); !ok) return ok;
  if (auto ok = check_side(input.height, "input.height"); !ok) return ok;
  return check_order(input);
}

Result<PlanPtr> Compiler::run() {
  edge_ = spec_.input.format;
  for (size_t i = 0; i < spec_.stages.size(); ++i) {
    const std::string field = "stages[" + std::to_string(i) + "]";
    if (fold_.format() == PixelFormat::uyvy && !std::holds_alternative<ToRgbSpec>(spec_.stages[i])) {
      return invalid_spec(field +
                          " would take uyvy pixels, which only toRgb takes. Put { stage: 'toRgb' } first.");
    }
    const auto ok =
        std::visit([&](const auto& stage_spec) { return stage(stage_spec, field); }, spec_.stages[i]);
    if (!ok) return ok.error();
  }
  if (fold_.format() == PixelFormat::uyvy) {
    return invalid_spec("The output would have uyvy pixels, which only toRgb takes. Add { stage: 'toRgb' }.");
  }
  if (spec_.output.dtype) {
    if (auto ok = fold_.convert(*spec_.output.dtype, "output.dtype"); !ok) return ok.error();
  }
  if (spec_.output.layout != Layout::hwc && spec_.output.layout != Layout::chw) {
    return invalid_spec("output.layout is unknown; expected hwc or chw.");
  }
  if (spec_.output.name.empty() || spec_.output.name.size() > kMaxNameBytes) {
    return invalid_spec("output.name has " + std::to_string(spec_.output.name.size()) +
                        " bytes; expected 1 to " + std::to_string(kMaxNameBytes) +
                        ". Give a short name such as 'pixels'.");
  }
  steps_.push_back({fold_.finish(width_, height_, spec_.output.layout)});
  auto plan =
      std::make_shared<const CompiledPlan>(spec_.input, spec_.output.name, fold_.format(), std::move(steps_));
  if (auto ok = check_order(*plan); !ok) return ok.error();
  if (plan->state_bytes() > spec_.max_state_bytes) {
    return Error{ErrorCode::LIMIT_EXCEEDED,
                 "One sample could need " + std::to_string(plan->state_bytes()) +
                     " bytes of state (all rows incomplete at once); expected at most limits.stateBytes = " +
                     std::to_string(spec_.max_state_bytes) +
                     ". Raise limits.stateBytes or crop before resizing."};
  }
  if (plan->edge_bytes() > kMaxEdgeBytes) {
    return Error{ErrorCode::LIMIT_EXCEEDED, edge_limit_text(plan->edge_bytes())};
  }
  return PlanPtr(std::move(plan));
}

Result<void> Compiler::stage(const ResizeSpec& spec, const std::string& field) {
  const auto size = resized(spec, width_, height_, field);
  if (!size) return size.error();
  if (auto ok = needs_bytes("resize", field); !ok) return ok;
  const auto [width, height] = size.value();
  if (width == width_ && height == height_) return {};  // nothing to do, alpha included
  flush();
  auto step = make_resize_step(spec, {width_, height_}, size.value(), edge_, field);
  if (!step) return step.error();
  steps_.push_back(std::move(step).value());
  width_ = width;
  height_ = height;
  return {};
}

Result<void> Compiler::stage(const CropSpec& spec, const std::string& field) {
  if (auto ok = check_side(spec.width, field + ".width"); !ok) return ok;
  if (auto ok = check_side(spec.height, field + ".height"); !ok) return ok;
  // Beyond these bounds the window holds nothing of any image, so they lose no crop.
  const auto check_offset = [](int64_t offset, const std::string& name) -> Result<void> {
    if (offset >= -int64_t{kMaxSide} && offset <= int64_t{kMaxSide}) return {};
    return invalid_spec(name + " is " + std::to_string(offset) + "; expected -" + std::to_string(kMaxSide) +
                        " to " + std::to_string(kMaxSide) + " pixels. Give an offset in that range.");
  };
  if (auto ok = check_offset(spec.left, field + ".left"); !ok) return ok;
  if (auto ok = check_offset(spec.top, field + ".top"); !ok) return ok;
  return crop(spec.left, spec.top, spec.width, spec.height, field);
}

/// Where a centred window of `crop` pixels begins in `size` pixels.
int64_t centered(int64_t size, int64_t crop, OffsetRule rule) {
  const int64_t d = size - crop;
  if (rule == OffsetRule::floor) return d >= 0 ? d / 2 : -((1 - d) / 2);
  // torchvision first pads a smaller image by d/2 rounded down on the left, so only a larger one is rounded
  // half to even.
  if (d < 0) return -(-d / 2);
  return d / 2 + (d % 2 != 0 && d / 2 % 2 != 0 ? 1 : 0);
}

Result<void> Compiler::stage(const CenterCropSpec& spec, const std::string& field) {
  if (auto ok = check_side(spec.width, field + ".width"); !ok) return ok;
  if (auto ok = check_side(spec.height, field + ".height"); !ok) return ok;
  if (spec.rule != OffsetRule::torchvision && spec.rule != OffsetRule::floor) {
    return invalid_spec(field + ".rule is unknown; expected torchvision or floor.");
  }
  return crop(centered(width_, spec.width, spec.rule), centered(height_, spec.height, spec.rule), spec.width,
              spec.height, field);
}

/// Pixels that a pad puts on each side.
struct Sides {
  uint32_t left, top, right, bottom;
};

Result<Sides> sides_of(const PadSpec& spec, uint32_t width, uint32_t height, const std::string& field) {
  if (spec.width == 0 && spec.height == 0) return Sides{spec.left, spec.top, spec.right, spec.bottom};
  if (spec.left != 0 || spec.top != 0 || spec.right != 0 || spec.bottom != 0) {
    return invalid_spec(field +
                        " has sides and a size; expected either some of left, top, right and bottom, or "
                        "width and height. Leave one of them out.");
  }
  if (auto ok = check_side(spec.width, field + ".width"); !ok) return ok.error();
  if (auto ok = check_side(spec.height, field + ".height"); !ok) return ok.error();
  const auto smaller = [&](const char* side, uint32_t wanted, uint32_t there) {
    return invalid_spec(field + "." + side + " is " + std::to_string(wanted) + "; expected at least " +
                        std::to_string(there) + ", the " + side +
                        " of the image at this place. Resize or crop before.");
  };
  if (spec.width < width) return smaller("width", spec.width, width);
  if (spec.height < height) return smaller("height", spec.height, height);
  // round(d - 0.1) and round(d + 0.1), where d may be half an integer: then the odd pixel goes right or
  // below.
  const uint32_t left = (spec.width - width) / 2;
  const uint32_t top = (spec.height - height) / 2;
  return Sides{left, top, spec.width - width - left, spec.height - height - top};
}

/// A side of the image with what is added to it.
Result<uint32_t> padded(uint32_t before, uint32_t size, uint32_t after, const char* name,
                        const std::string& field) {
  const uint64_t side = uint64_t{before} + size + after;
  if (side <= kMaxSide) return static_cast<uint32_t>(side);
  return invalid_spec(field + " makes the image " + std::to_string(side) + " pixels " + name +
                      "; expected at most " + std::to_string(kMaxSide) + ". Pad less.");
}

Result<void> Compiler::stage(const PadSpec& spec, const std::string& field) {
  if (auto ok = needs_bytes("pad", field); !ok) return ok;
  const uint32_t channels = pixel_format_channels(fold_.format());
  if (spec.value.size() != 1 && spec.value.size() != channels) {
    return invalid_spec(field + ".value has " + std::to_string(spec.value.size()) +
                        " values; expected 1 or " + std::to_string(channels) +
                        " (one per channel at this place). Give one value for all or " +
                        std::to_string(channels) + ".");
  }
  SelectStep step{width_, height_, channels, 0, 0, 0, 0, {}};
  for (uint32_t c = 0; c < channels; ++c) {
    const uint32_t value = spec.value[spec.value.size() == 1 ? 0 : c];
    if (value > 255) {
      return invalid_spec(field + ".value is " + std::to_string(value) +
                          "; expected 0 to 255. Correct the value.");
    }
    step.fill[c] = static_cast<uint8_t>(value);
  }
  const auto sides = sides_of(spec, width_, height_, field);
  if (!sides) return sides.error();
  const auto [left, top, right, bottom] = sides.value();
  const auto out_width = padded(left, width_, right, "wide", field);
  if (!out_width) return out_width.error();
  const auto out_height = padded(top, height_, bottom, "high", field);
  if (!out_height) return out_height.error();
  step.out_width = out_width.value();
  step.out_height = out_height.value();
  if (step.out_width == width_ && step.out_height == height_) return {};
  step.left = -int64_t{left};
  step.top = -int64_t{top};
  flush();  // the values are added after the stages before the pad
  width_ = step.out_width;
  height_ = step.out_height;
  steps_.push_back({step});
  return {};
}

Result<void> Compiler::stage(const ToRgbSpec& spec, const std::string& field) {
  if (spec.matrix != YcbcrMatrix::bt601 && spec.matrix != YcbcrMatrix::bt709) {
    return invalid_spec(field + ".matrix is unknown; expected bt601 or bt709.");
  }
  if (spec.range != YcbcrRange::studio && spec.range != YcbcrRange::full) {
    return invalid_spec(field + ".range is unknown; expected studio or full.");
  }
  if (fold_.format() != PixelFormat::uyvy) {
    return invalid_spec(field + " is a toRgb of " + std::string(pixel_format_name(fold_.format())) +
                        " pixels; expected uyvy. Leave it out, or use a channels stage.");
  }
  steps_.push_back({make_ycbcr_step(width_, height_, spec.matrix, spec.range)});
  edge_ = PixelFormat::rgb;
  fold_ = Fold(edge_);
  return {};
}

Result<void> Compiler::crop(int64_t left, int64_t top, uint32_t width, uint32_t height,
                            const std::string& field) {
  if (auto ok = needs_bytes("crop", field); !ok) return ok;
  if (left == 0 && top == 0 && width == width_ && height == height_) return {};
  SelectStep step{width_, height_, 0, left, top, width, height, {}};
  // Padding is zero after the stages before the crop, so they may not move behind it; without padding they
  // may.
  if (step.pads()) flush();
  step.channels = pixel_format_channels(edge_);
  steps_.push_back({step});
  width_ = width;
  height_ = height;
  return {};
}

Result<void> Compiler::needs_bytes(const char* name, const std::string& field) const {
  if (fold_.dtype() == DType::uint8) return {};
  return invalid_spec(field + " is a " + name + " of " + std::string(dtype_name(fold_.dtype())) +
                      " values; expected uint8. " + "Put the " + name + " before the stages that produce " +
                      std::string(dtype_name(fold_.dtype())) + ".");
}

void Compiler::flush() {
  if (!fold_.empty()) steps_.push_back({fold_.finish(width_, height_, Layout::hwc)});
  edge_ = fold_.format();
  fold_ = Fold(edge_);
}

}  // namespace

Result<PlanPtr> compile(const PipelineSpec& spec) {
  if (auto ok = check_input(spec.input); !ok) return ok.error();
  if (spec.stages.size() > kMaxStages) {
    return Error{ErrorCode::LIMIT_EXCEEDED, "stages has " + std::to_string(spec.stages.size()) +
                                                " entries; expected at most " + std::to_string(kMaxStages) +
                                                ". Fold lookups into one table."};
  }
  return Compiler(spec).run();
}

}  // namespace onpath
