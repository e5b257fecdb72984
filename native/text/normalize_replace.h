// Replace: a literal, a run of a class of characters, or any regex.
#pragma once

#include "base/result.h"
#include "text/definition.h"
#include "text/normalize_stage.h"

namespace onpath::text {

/// Errors: INVALID_VOCABULARY, UNSUPPORTED.
Result<NormalizerStagePtr> make_replace_stage(const ReplaceDef& definition);
/// Of any regex; the other takes the common ones itself.
Result<NormalizerStagePtr> make_replace_regex_stage(const ReplaceDef& definition);

}  // namespace onpath::text
