// What a sender does with a plan: puts images into the order that it takes, and chooses between orders.
#pragma once

#include "plan/program.h"

namespace onpath {

/// The same steps with another order of input. Its state grows by one image at most.
/// Errors: UNSUPPORTED, INVALID_SPEC, as of compile.
Result<PlanPtr> with_order(const Plan& plan, SerializationOrder order, bool skip_unread);

/// Writes the plan's input().bytes of the sample that `image` is. Rows of the image begin `stride` bytes
/// apart, at least width * bytes per pixel. Only for plans made by compile, plan_from_bytes or with_order.
void serialize_image(const Plan& plan, const uint8_t* image, uint64_t stride, uint8_t* out);

/// How many chunks of `chunk_bytes` (whole elements), in order, it takes until an output byte that depends on
/// input is final; 0 if none does. Found by running a sample. Errors: OUT_OF_MEMORY.
Result<uint64_t> chunks_to_first_output(const Program& program, uint64_t chunk_bytes);

}  // namespace onpath
