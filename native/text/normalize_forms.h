// NFC, NFD, NFKC, NFKD.
#pragma once

#include <cstddef>
#include <cstdint>

#include "text/normalize_stage.h"
#include "text/normalize_unicode.h"

namespace onpath::text {

NormalizerStagePtr make_form_stage(UnicodeForm form);

/// Bytes at the front of whole code points that the form leaves as they are and that may be cut off from what
/// follows. `ends`: nothing follows, or something that starts anew.
size_t unchanged_by_form(UnicodeForm form, const uint8_t* text, size_t size, bool ends);

}  // namespace onpath::text
