// SentencePiece's own normalizer: longest keys, and its rules for spaces.
#pragma once

#include "base/result.h"
#include "text/definition.h"
#include "text/normalizer.h"

namespace onpath::text {

/// Errors: INVALID_VOCABULARY.
Result<NormalizerPtr> make_sentencepiece_normalizer(const PrecompiledDef& definition, bool space_alias);

}  // namespace onpath::text
