#include "plan/family.h"

#include <algorithm>
#include <string>
#include <utility>

#include "plan/explain_text.h"

namespace onpath {
namespace {

std::string shape_text(const OutputFormat& format) {
  std::string text(dtype_name(format.dtype));
  text += " [";
  for (size_t i = 0; i < format.shape.size(); ++i) {
    text += (i > 0 ? ", " : "") + std::to_string(format.shape[i]);
  }
  return text + "]";
}

bool same(const OutputFormat& a, const OutputFormat& b) {
  return a.name == b.name && a.dtype == b.dtype && a.layout == b.layout && a.format == b.format &&
         a.shape == b.shape && a.bytes == b.bytes;
}

/// Half of a side, in whole pixel groups.
uint32_t half(uint32_t side, uint32_t group) { return std::max(side / 2 / group, 1u) * group; }

Result<void> check_family_input(const ImageInput& input) {
  if (input.order == SerializationOrder::row_major && !input.skip_unread) return {};
  return Error{ErrorCode::INVALID_SPEC,
               "A pipeline for images of many sizes takes whole row-major images; its input has " +
                   std::string(input.skip_unread ? "skipUnread" : "another order") +
                   ", which lays the bytes of every size out differently. Leave it out, or compile one "
                   "pipeline for each size."};
}

}  // namespace

Result<PlanFamilyPtr> PlanFamily::make(PipelineSpec spec, std::string_view kernels) {
  if (const auto ok = check_family_input(spec.input); !ok) return ok.error();
  auto plan = compile(spec);
  if (!plan) return plan.error();
  auto largest = bind(std::move(plan).value(), kernels);
  if (!largest) return largest.error();
  const ImageInput input = spec.input;
  PlanFamilyPtr family(new PlanFamily(std::move(spec), std::move(largest).value()));
  const uint32_t group = pixel_group_pixels(input.format);
  const std::pair<uint32_t, uint32_t> others[] = {{half(input.width, group), input.height},
                                                  {input.width, half(input.height, 1)}};
  for (const auto& [width, height] : others) {
    const auto other = family->program(width, height);
    // A size for which there is no plan at all is refused when it comes.
    if (!other && other.error().code == ErrorCode::INVALID_SPEC) return other.error();
  }
  return family;
}

Result<PlanFamilyPtr> PlanFamily::of(PipelineSpec spec, ProgramPtr largest) {
  if (const auto ok = check_family_input(spec.input); !ok) return ok.error();
  return PlanFamilyPtr(new PlanFamily(std::move(spec), std::move(largest)));
}

bool PlanFamily::allows(uint32_t width, uint32_t height) const {
  return width >= 1 && height >= 1 && width <= spec_.input.width && height <= spec_.input.height &&
         width % pixel_group_pixels(spec_.input.format) == 0;
}

Result<ProgramPtr> PlanFamily::program(uint32_t width, uint32_t height) const {
  const ImageInput& most = spec_.input;
  if (!allows(width, height)) {
    const bool odd = width % pixel_group_pixels(most.format) != 0;
    return Error{ErrorCode::INVALID_SPEC,
                 "Images of " + size_text(width, height) + " are not in the family, which takes 1x1 to " +
                     size_text(most.width, most.height) + (odd ? ", of an even width" : "") +
                     ". Raise maxWidth or maxHeight, or scale the image before."};
  }
  if (width == most.width && height == most.height) return largest_;
  PipelineSpec spec = spec_;
  spec.input.width = width;
  spec.input.height = height;
  auto plan = compile(spec);
  if (!plan) return plan.error();
  const auto outputs = plan.value()->outputs();
  const auto expected = largest_->plan().outputs();
  if (!std::equal(outputs.begin(), outputs.end(), expected.begin(), expected.end(), same)) {
    return Error{ErrorCode::INVALID_SPEC,
                 "Images of " + size_text(width, height) + " become " + shape_text(outputs[0]) +
                     ", but those of " + size_text(most.width, most.height) + " become " +
                     shape_text(expected[0]) +
                     ". The output must be the same for every size: end the geometry with a resize to width "
                     "and height, or with a centerCrop."};
  }
  return bind(std::move(plan).value(), largest_->kernels());
}

}  // namespace onpath
