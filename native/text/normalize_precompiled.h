// Precompiled as Hugging Face reads it: by grapheme clusters, each looked up by its shortest key.
#pragma once

#include <string_view>

#include "base/result.h"
#include "text/normalize_stage.h"

namespace onpath::text {

/// Errors: INVALID_VOCABULARY.
Result<NormalizerStagePtr> make_precompiled_stage(std::string_view charsmap);

}  // namespace onpath::text
