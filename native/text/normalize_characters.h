// Normalizers that take each code point by itself.
#pragma once

#include <string_view>

#include "text/normalize_stage.h"

namespace onpath::text {

NormalizerStagePtr make_lowercase_stage();
NormalizerStagePtr make_nmt_stage();
NormalizerStagePtr make_strip_accents_stage();
NormalizerStagePtr make_byte_level_stage();
/// BertNormalizer before its decomposition, and after it.
NormalizerStagePtr make_bert_clean_stage(bool clean_text, bool chinese_spaces);
NormalizerStagePtr make_bert_accents_stage(bool strip_accents, bool lowercase);
/// Replaces one code point.
NormalizerStagePtr make_replace_character_stage(uint32_t code, std::string_view content);

}  // namespace onpath::text
