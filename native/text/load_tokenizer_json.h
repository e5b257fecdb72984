// The parts of a tokenizer.json, each in a file of its own.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "text/load_json.h"

namespace onpath::text {

/// Appends; nested sequences are flattened.
Result<void> read_normalizer(const JsonObject& component, std::vector<NormalizerDef>& out);
Result<void> read_pre_tokenizer(const JsonObject& component, std::vector<PreTokenizerDef>& out);
Result<void> read_decoder(const JsonObject& component, std::vector<DecoderDef>& out);
/// The templates that a tokenizer without post-processor has.
PostProcessorDef default_post_processor();
Result<void> read_post_processor(const JsonObject& component, PostProcessorDef& out);
Result<Pattern> read_pattern(const JsonObject& component);

/// Fills tokens and model.
Result<void> read_model(const JsonObject& model, TokenizerDefinition& out);
/// After the model. Ids are given as tokenizers gives them: those of the model's vocabulary where it has the
/// text, further ones behind it; the file's own "id" is not asked.
Result<void> read_added_tokens(const JsonValue& array, TokenizerDefinition& out);

using TokenIds = std::unordered_map<std::string_view, TokenId>;

}  // namespace onpath::text
