// The families by masks where the CPU has vectors, with their automata where masks cannot tell.
#pragma once

#include "text/pre_tokenizer.h"

namespace onpath::text {

/// Null if `kernels` names a set that this CPU lacks.
PreTokenizerPtr make_mask_pre_tokenizer(Family family, std::string_view kernels);
/// Whitespace dropped, each punctuation character a piece. "scalar": without masks.
PreTokenizerPtr make_bert_pre_tokenizer(std::string_view kernels = {});

}  // namespace onpath::text
