// What is left of Prepend and Replace where a text keeps its spaces for U+2581: U+2581 of the text becomes a
// space, and a prefix may come before it.
#pragma once

#include <string_view>

#include "text/normalizer.h"

namespace onpath::text {

NormalizerPtr make_alias_normalizer(std::string_view prefix);

/// Bytes of text[0, size), whole code points, before the first U+2581.
size_t without_low_line(const uint8_t* text, size_t size);

}  // namespace onpath::text
