// A chain of normalizers as one: finds where a text may be cut, and takes block by block through all parts.
#pragma once

#include <vector>

#include "text/normalize_stage.h"
#include "text/normalizer.h"

namespace onpath::text {

/// Null if there are no stages.
NormalizerPtr make_chain(std::vector<NormalizerStagePtr> stages, bool table);

}  // namespace onpath::text
