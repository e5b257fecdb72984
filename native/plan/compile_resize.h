// The resize stage of a specification, checked and made into a step. Used by compile() only.
#pragma once

#include <string>

#include "plan/spec.h"
#include "plan/step.h"

namespace onpath {

/// INVALID_SPEC unless `side` is 1 to kMaxSide pixels.
Result<void> check_side(uint32_t side, const std::string& field);

struct ImageSize {
  uint32_t width = 0;   // pixels
  uint32_t height = 0;  // pixels
};

/// The size to which `spec` brings an image of width x height pixels. Errors: INVALID_SPEC for sizes, edges
/// and enumerators that are none; UNSUPPORTED for a filter that the profile does not have.
Result<ImageSize> resized(const ResizeSpec& spec, uint32_t width, uint32_t height, const std::string& field);

/// The step from one size to another, of which at least one side differs. `spec` has passed resized().
/// Errors: LIMIT_EXCEEDED if tables became too large.
Result<Step> make_resize_step(const ResizeSpec& spec, ImageSize from, ImageSize to, PixelFormat format,
                              const std::string& field);

}  // namespace onpath
