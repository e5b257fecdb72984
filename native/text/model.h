// From a piece to tokens.
#pragma once

#include <cstdint>
#include <memory>

#include "base/result.h"
#include "text/definition.h"
#include "text/flat.h"
#include "text/pre_tokenizer.h"
#include "text/tokens.h"

namespace onpath::text {

/// Memory a model works in; of one worker. Grows only when a piece is longer than any before.
class ModelScratch {
 public:
  virtual ~ModelScratch() = default;
  virtual uint64_t bytes() const = 0;
  /// What the pieces so far leave to those behind them in the same segment: a sum that runs along the text. A
  /// stream keeps it while others use this scratch; a segment begins with 0. Only models that are not
  /// cacheable() have one.
  virtual uint64_t run() const { return 0; }
  virtual void set_run(uint64_t) {}
};

/// Immutable; used by many threads.
class Model {
 public:
  virtual ~Model() = default;
  virtual std::unique_ptr<ModelScratch> make_scratch() const = 0;
  /// Appends the tokens of one piece (valid UTF-8; bytes as after normalizing). At most `size` times
  /// tokens_per_byte() tokens, room for them was reserved. Spans count from the piece's first byte; words are
  /// the caller's.
  virtual void encode(const uint8_t* piece, size_t size, ModelScratch& scratch, TokenBuffer& out) const = 0;
  /// More than 1 where a space that is no token becomes the bytes of U+2581.
  virtual uint32_t tokens_per_byte() const { return 1; }
  /// Are the texts of its tokens in the GPT-2 alphabet?
  virtual bool byte_level_texts() const { return false; }
  /// The same tokens for the same bytes wherever the piece stands: false for sums that run along the text.
  virtual bool cacheable() const { return true; }
  /// Where there is no pre-tokenizer: cuts that no token of this vocabulary can span, so that pieces between
  /// them are encoded one by one with the same result. Null if the model has none to offer.
  virtual const PreTokenizer* cuts() const { return nullptr; }
  virtual void write(FlatWriter& form) const = 0;
  virtual uint64_t bytes() const = 0;
};
using ModelPtr = std::unique_ptr<const Model>;

/// What models are made with beside their definition.
struct ModelContext {
  Format format = Format::tokenizer_json;
  /// Bytes of tokens have a space where the file has U+2581; tokens that have both or a real space are never
  /// produced (normalizing has removed spaces). A space that is no token falls back to the bytes of U+2581.
  bool space_alias = false;
};

/// Errors: INVALID_VOCABULARY (merges out of range, or whose result is not their parts together, cycles),
/// LIMIT_EXCEEDED.
Result<ModelPtr> make_bpe(const TokenizerDefinition& definition, const ModelContext& context);
Result<ModelPtr> make_word_piece(const TokenizerDefinition& definition, const ModelContext& context);
Result<ModelPtr> make_unigram(const TokenizerDefinition& definition, const ModelContext& context);
/// From a compiled form; everything is checked, whatever the checksum says. Errors: INVALID_VOCABULARY.
Result<ModelPtr> read_bpe(const FlatReader& form);
Result<ModelPtr> read_word_piece(const FlatReader& form);
Result<ModelPtr> read_unigram(const FlatReader& form);

}  // namespace onpath::text
