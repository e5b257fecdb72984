// Specification -> plan: checks every field, folds element stages, makes tables, and chooses state layouts.
#include <cmath>
#include <string>

#include "plan/fold.h"
#include "plan/order.h"
#include "plan/plan.h"
#include "plan/step.h"

namespace onpath {
namespace {

constexpr size_t kMaxStages = 64;

Error invalid(std::string message) { return {ErrorCode::INVALID_SPEC, std::move(message)}; }

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

Result<void> check_side(uint32_t side, const std::string& field) {
  if (side >= 1 && side <= kMaxSide) return {};
  return invalid(field + " is " + std::to_string(side) + "; expected 1 to " + std::to_string(kMaxSide) +
                 " pixels. Give a size in that range.");
}

Result<void> check_input(const ImageInput& input) {
  if (pixel_format_name(input.format) == "unknown") {
    return invalid("input.format is unknown; expected gray, rgb, bgr, rgba, bgra or rgbx.");
  }
  if (auto ok = check_side(input.width, "input.width"); !ok) return ok;
  if (auto ok = check_side(input.height, "input.height"); !ok) return ok;
  return check_order(input);
}

Result<PlanPtr> Compiler::run() {
  edge_ = spec_.input.format;
  for (size_t i = 0; i < spec_.stages.size(); ++i) {
    const std::string field = "stages[" + std::to_string(i) + "]";
    const auto ok =
        std::visit([&](const auto& stage_spec) { return stage(stage_spec, field); }, spec_.stages[i]);
    if (!ok) return ok.error();
  }
  if (spec_.output.dtype) {
    if (auto ok = fold_.convert(*spec_.output.dtype, "output.dtype"); !ok) return ok.error();
  }
  if (spec_.output.layout != Layout::hwc && spec_.output.layout != Layout::chw) {
    return invalid("output.layout is unknown; expected hwc or chw.");
  }
  if (spec_.output.name.empty() || spec_.output.name.size() > kMaxNameBytes) {
    return invalid("output.name has " + std::to_string(spec_.output.name.size()) + " bytes; expected 1 to " +
                   std::to_string(kMaxNameBytes) + ". Give a short name such as 'pixels'.");
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
  if (auto ok = check_side(spec.width, field + ".width"); !ok) return ok;
  if (auto ok = check_side(spec.height, field + ".height"); !ok) return ok;
  if (spec.profile != ResizeProfile::pillow && spec.profile != ResizeProfile::exact4) {
    return invalid(field + ".profile is unknown; expected pillow or exact4.");
  }
  if (spec.filter != ResizeFilter::bilinear) {
    return Error{ErrorCode::UNSUPPORTED,
                 field + ".filter is unknown; this version resizes with bilinear only."};
  }
  if (auto ok = needs_bytes("resize", field); !ok) return ok;
  if (spec.width == width_ && spec.height == height_) return {};  // nothing to do, alpha included
  flush();

  ResizeStep step;
  step.in_width = width_;
  step.in_height = height_;
  step.out_width = spec.width;
  step.out_height = spec.height;
  step.channels = pixel_format_channels(edge_);
  step.premultiply = edge_ == PixelFormat::rgba || edge_ == PixelFormat::bgra;
  const auto failed = [&field](const Error& error) {
    return Error{error.code, field + ": " + error.message};
  };
  if (spec.profile == ResizeProfile::pillow) {
    if (width_ != spec.width) {
      auto weights = pillow_bilinear_weights(width_, spec.width);
      if (!weights) return failed(weights.error());
      step.x = std::make_shared<const ResampleWeights>(std::move(weights).value());
    }
    if (height_ != spec.height) {
      auto weights = pillow_bilinear_weights(height_, spec.height);
      if (!weights) return failed(weights.error());
      step.y = std::make_shared<const ResampleWeights>(std::move(weights).value());
    }
  } else {
    auto x = exact4_weights(width_, spec.width);
    if (!x) return failed(x.error());
    auto y = exact4_weights(height_, spec.height);
    if (!y) return failed(y.error());
    if (uint64_t{x.value().denominator} * y.value().denominator > kMaxDenominator) {
      return Error{ErrorCode::LIMIT_EXCEEDED,
                   field + ": the common denominator " +
                       std::to_string(uint64_t{x.value().denominator} * y.value().denominator) +
                       " of the exact4 weights is above " + std::to_string(kMaxDenominator) +
                       ". Choose sizes with a larger common divisor, or the pillow profile."};
    }
    step.lerp_x = std::make_shared<const LerpWeights>(std::move(x).value());
    step.lerp_y = std::make_shared<const LerpWeights>(std::move(y).value());
  }
  step.state = choose_row_state(step);
  steps_.push_back({std::move(step)});
  width_ = spec.width;
  height_ = spec.height;
  return {};
}

Result<void> Compiler::stage(const CropSpec& spec, const std::string& field) {
  if (auto ok = check_side(spec.width, field + ".width"); !ok) return ok;
  if (auto ok = check_side(spec.height, field + ".height"); !ok) return ok;
  // Beyond these bounds the window holds nothing of any image, so they lose no crop.
  const auto check_offset = [](int64_t offset, const std::string& name) -> Result<void> {
    if (offset >= -int64_t{kMaxSide} && offset <= int64_t{kMaxSide}) return {};
    return invalid(name + " is " + std::to_string(offset) + "; expected -" + std::to_string(kMaxSide) +
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
    return invalid(field + ".rule is unknown; expected torchvision or floor.");
  }
  return crop(centered(width_, spec.width, spec.rule), centered(height_, spec.height, spec.rule), spec.width,
              spec.height, field);
}

Result<void> Compiler::stage(const PadSpec&, const std::string& field) {
  return Error{ErrorCode::UNSUPPORTED, field + " is a pad, which this version does not have."};
}

Result<void> Compiler::stage(const ToRgbSpec&, const std::string& field) {
  return Error{ErrorCode::UNSUPPORTED, field + " is a toRgb, which this version does not have."};
}

Result<void> Compiler::crop(int64_t left, int64_t top, uint32_t width, uint32_t height,
                            const std::string& field) {
  if (auto ok = needs_bytes("crop", field); !ok) return ok;
  if (left == 0 && top == 0 && width == width_ && height == height_) return {};
  SelectStep step{width_, height_, 0, left, top, width, height};
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
  return invalid(field + " is a " + name + " of " + std::string(dtype_name(fold_.dtype())) +
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
