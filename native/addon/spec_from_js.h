// A pipeline specification of JavaScript as the compiler takes it. Checks types and ranges of numbers; what
// the numbers mean is compile()'s to judge.
#pragma once

#include "addon/input.h"
#include "plan/plan.h"
#include "plan/spec.h"

namespace onpath::addon {

/// Anything if reading failed.
PipelineSpec spec_from_js(const Input& input);

/// The serialized form of images of this size, as a plan for them would state it. Errors: INVALID_ARGUMENT.
Result<SampleFormat> sample_format(uint32_t width, uint32_t height, PixelFormat format);

}  // namespace onpath::addon
