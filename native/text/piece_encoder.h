// The inner loop: pieces of a text, each looked up in the word cache or encoded by the model.
#pragma once

#include <cstdint>
#include <memory>

#include "text/flat.h"
#include "text/model.h"
#include "text/pre_tokenizer.h"
#include "text/tokens.h"
#include "text/vocabulary.h"

namespace onpath::text {

/// A worker's cache and scratch. Not shared. The cache never grows: entries give way to new ones.
class EncoderMemory {
 public:
  virtual ~EncoderMemory() = default;
  virtual uint64_t bytes() const = 0;
  /// Back to how it was made (seeded): for measuring text never seen.
  virtual void reset() = 0;
  /// The model's sum that runs along a segment (ModelScratch::run): a stream keeps it between its calls and
  /// starts each segment with 0.
  virtual uint64_t run() const { return 0; }
  virtual void set_run(uint64_t) {}
};

struct EncodedRun {
  size_t consumed = 0;   // bytes of text whose tokens were appended
  bool stopped = false;  // `most_tokens` was reached before the text's end
};

/// Immutable; used by many threads, each with a memory of its own.
class PieceEncoder {
 public:
  virtual ~PieceEncoder() = default;
  virtual std::unique_ptr<EncoderMemory> make_memory(uint64_t cache_bytes) const = 0;
  /// Appends the tokens of all final pieces of text[0, size) (of all pieces if `last`). Spans count from
  /// text; words from `first_word` on, advanced by the pieces encoded. Detailed buffers go without the cache.
  /// Stops after the piece with which `out` holds `most_tokens` or more.
  virtual EncodedRun encode(const uint8_t* text, size_t size, bool last, uint32_t& first_word,
                            size_t most_tokens, EncoderMemory& memory, TokenBuffer& out) const = 0;
  /// The seeds of the cache, so that a compiled form needs not make them again.
  virtual void write(FlatWriter& form) const = 0;
  virtual uint64_t bytes() const = 0;
};
using PieceEncoderPtr = std::unique_ptr<const PieceEncoder>;

/// `model` and `pre_tokenizer` (null: the model's own cuts, or one piece) outlive it.
PieceEncoderPtr make_piece_encoder(const Model& model, const PreTokenizer* pre_tokenizer,
                                   const Vocabulary& vocabulary, const ModelContext& context);
Result<PieceEncoderPtr> read_piece_encoder(const FlatReader& form, const Model& model,
                                           const PreTokenizer* pre_tokenizer);

}  // namespace onpath::text
