// What is left of Prepend and Replace where a text keeps its spaces for U+2581: U+2581 of the text becomes a
// space, and a prefix may come before it.
#pragma once

#include <string_view>

#include "text/normalizer.h"

namespace onpath::text {

NormalizerPtr make_alias_normalizer(std::string_view prefix);

}  // namespace onpath::text
