// Normalizers that look at where a segment begins and ends.
#pragma once

#include <string_view>

#include "text/normalize_stage.h"

namespace onpath::text {

/// Removes whitespace at the segment's ends.
NormalizerStagePtr make_strip_stage(bool left, bool right);
/// Puts `text` before a segment that is not empty.
NormalizerStagePtr make_prepend_stage(std::string_view text);

}  // namespace onpath::text
