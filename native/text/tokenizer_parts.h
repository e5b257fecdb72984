// What a tokenizer is made of, whether built just now or read from a compiled form.
#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "text/added_tokens.h"
#include "text/model.h"
#include "text/normalizer.h"
#include "text/piece_encoder.h"
#include "text/pre_tokenizer.h"
#include "text/text_stream_stages.h"
#include "text/tokenizer.h"

namespace onpath::text {

/// How a definition is carried out: what the pre-tokenizers come down to, and how spaces are kept.
struct Plan {
  std::vector<PreTokenizerDef> pre_tokenizers;
  bool alias_by_normalizer = false;
  bool alias_by_metaspace = false;
  bool words = false;  // WhitespaceSplit before Metaspace
  PrefixSpace prefix = PrefixSpace::never;
  bool space_alias() const { return alias_by_normalizer || alias_by_metaspace; }
};
/// Errors: UNSUPPORTED (components in an order that cannot be carried out exactly).
Result<Plan> make_plan(const TokenizerDefinition& definition);

/// Shared by a tokenizer and those made of it with further added tokens.
struct TokenizerParts {
  Plan plan;
  ModelPtr model;
  PreTokenizerPtr pre_tokenizer;
  PieceEncoderPtr encoder;
  NormalizerPtr normalizer;
  std::shared_ptr<const void> keep;  // the memory of a compiled form
};

/// Added tokens by the text they are looked for in.
struct AddedMatchers {
  AddedMatcher raw;
  AddedMatcher normalized;
};
/// Errors: INVALID_VOCABULARY.
Result<AddedMatchers> make_added_matchers(const TokenizerDefinition& settings, const TokenizerParts& parts);
TokenTrim make_token_trim(const Vocabulary& vocabulary);

/// What is made of a template around a single text.
struct SingleTemplate {
  std::vector<TokenId> before;
  std::vector<TokenId> behind;
};
/// Errors: UNSUPPORTED (a template without the text, or with the text twice).
Result<SingleTemplate> make_single_template(const PostProcessorDef& post);

/// Settings (all but tokens, merges, ranks and scores) in a checked byte form.
std::vector<uint8_t> write_settings(const TokenizerDefinition& definition);
/// Takes any bytes. Errors: INVALID_VOCABULARY.
Result<TokenizerDefinition> read_settings(std::span<const uint8_t> bytes);
/// A copy without tokens, merges, ranks and scores.
TokenizerDefinition settings_of(const TokenizerDefinition& definition);

/// All that the streams of a tokenizer read.
struct TokenizerView {
  const TokenizerParts* parts = nullptr;
  const TokenizerDefinition* settings = nullptr;
  const AddedMatchers* matchers = nullptr;
  const TokenTrim* trim = nullptr;  // null: offsets are not trimmed
  const SingleTemplate* single = nullptr;
  std::shared_ptr<const void> keep;  // the tokenizer
};
Result<std::unique_ptr<TextStream>> make_text_stream(const TokenizerView& view, const StreamOptions& options);

/// `stream` was made by make_text_stream.
StreamStatus encode_whole(std::span<const uint8_t> text, TextStream& stream, Workspace& workspace,
                          TokenBuffer& out, size_t most_tokens);

/// Of one thread, for the streams of one tokenizer.
struct StreamWorkspace : Workspace {
  std::unique_ptr<EncoderMemory> memory;
  NormalizedText normalized;
  BuiltText marked;
  BuiltText repaired;
  uint64_t bytes() const override;
  void reset() override { memory->reset(); }
};

}  // namespace onpath::text
