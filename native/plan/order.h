// What a plan's steps make of a serialization order: which pixels travel, in which bands, and the text that
// both ends know it by.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "plan/program.h"
#include "plan/step.h"
#include "stage/sample_order.h"

namespace onpath {

/// The order of the samples of a plan with these steps; null if they are row-major images and taken so.
/// Without a pixel to send its bytes() is 0, which check_order() refuses.
///   read:       some output depends on the pixel: it is inside the crops that come before the first resize,
///               and in its windows. What later steps drop counts as read.
///   row_major,  pixels that travel row by row; planar: the same, channel after channel.
///   planar
///   tile_major  in the order of their first use by the outputs of the first resize, taken row by row. A row
///               (column) that none reads, if it travels, stands with the next one that is read, what comes
///               after the last of these in a band of its own.
std::shared_ptr<const SampleOrder> make_order(const ImageInput& input, std::span<const Step> steps);

/// Whether the serialized bytes are those of the row-major image.
bool is_row_major(const SampleOrder* order);

/// Whether an input can be asked for in its order, and whether a plan has a pixel to send.
/// Errors: INVALID_SPEC, UNSUPPORTED.
Result<void> check_order(const ImageInput& input);
Result<void> check_order(const CompiledPlan& plan);

/// The canonical text of samples in this order, which is null for row-major images.
std::string format_text(PixelFormat format, const SampleOrder* order);

std::string_view order_name(SerializationOrder order);

/// The number of the resize step that can take the serialized sample tile by tile, if the plan's first
/// geometric steps are crops that pad nothing and then that.
std::optional<size_t> find_tile_step(const ImageInput& input, std::span<const Step> steps);

}  // namespace onpath
