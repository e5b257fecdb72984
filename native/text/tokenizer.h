// A tokenizer, and the stream of one text through it. The way of a text:
//   bytes -> [repair of invalid UTF-8] -> added tokens (raw) -> normalizer -> added tokens (normalized) ->
//   pieces -> model
// A whole text is a stream of one push: the same code, so the same ids for every way of cutting.
//
// space_alias: where the file replaces every space by U+2581 (SentencePiece's models in all formats,
// Metaspace), the text keeps its spaces, U+2581 in the input becomes a space, and the tokens' bytes have a
// space for U+2581: the same ids without growing the text threefold.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/decoder.h"
#include "text/definition.h"
#include "text/tokens.h"
#include "text/vocabulary.h"

namespace onpath::text {

/// What becomes of special tokens that stand in the text.
///   parse: they become their ids (Hugging Face's default, SentencePiece's user-defined symbols)
///   refuse: such a text is refused (tiktoken's default)
///   text: they are text like any other (for applications that forbid them in what users write)
enum class SpecialPolicy : uint8_t { parse = 0, refuse = 1, text = 2 };

struct StreamOptions {
  bool detailed = false;                 // spans and words beside ids
  std::optional<SpecialPolicy> special;  // default: the format's own
  std::vector<TokenId> allowed_special;  // parsed although the policy is refuse or text
  bool add_special_tokens = false;       // the template's tokens around a single text
  bool truncate = false;                 // as the definition's truncation says; right side only in streams
  bool pad = false;                      // to the definition's fixed length
  /// Bytes that may wait for a decision. A text that needs more is refused (StreamStatus::over_cap).
  uint64_t cap_bytes = 1u << 20;
  /// Whole texts only: no cap.
  bool whole = false;
};

enum class StreamStatus : uint8_t {
  ok,
  over_cap,         // more than cap_bytes wait for a decision: the text is refused
  special_refused,  // a special token stands in the text
  stopped,          // most_tokens was reached (only where it was asked for)
};

/// A worker's memory: caches and buffers of one thread, for any number of streams of one tokenizer.
class Workspace {
 public:
  virtual ~Workspace() = default;
  virtual uint64_t bytes() const = 0;
  /// Forgets the words it has learnt: for measuring text never seen.
  virtual void reset() = 0;
};

/// One text at a time. Memory: cap_bytes and a little, taken when it is made.
class TextStream {
 public:
  virtual ~TextStream() = default;
  /// Starts the next text.
  virtual void begin() = 0;
  /// Takes the next bytes and appends all tokens that no continuation can change to `out`. Spans count from
  /// the text's first byte (modulo 2^32 for texts beyond 4 GiB). After a status but ok the text is over.
  virtual StreamStatus push(std::span<const uint8_t> bytes, Workspace& workspace, TokenBuffer& out) = 0;
  /// The text ends: appends the rest.
  virtual StreamStatus end(Workspace& workspace, TokenBuffer& out) = 0;
  /// Bytes that wait for a decision.
  virtual uint64_t held_bytes() const = 0;
  virtual uint64_t state_bytes() const = 0;
  /// After special_refused: which.
  virtual std::optional<TokenId> refused() const = 0;
};

class Tokenizer;
using TokenizerPtr = std::shared_ptr<const Tokenizer>;

/// Immutable; used by many threads, each with a workspace of its own.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  virtual Format format() const = 0;
  virtual const Vocabulary& vocabulary() const = 0;
  virtual const TokenizerDefinition& settings() const = 0;  // without tokens and merges
  virtual const Decoder& decoder() const = 0;

  virtual std::unique_ptr<Workspace> make_workspace(uint64_t cache_bytes = 16u << 20) const = 0;
  /// Errors: UNSUPPORTED (left truncation in a stream, ...), INVALID_ARGUMENT, OUT_OF_MEMORY.
  virtual Result<std::unique_ptr<TextStream>> make_stream(const StreamOptions& options) const = 0;
  /// Like begin, push, end on a stream with `whole`, stopping once `out` has `most_tokens`.
  virtual StreamStatus encode(std::span<const uint8_t> text, TextStream& stream, Workspace& workspace,
                              TokenBuffer& out, size_t most_tokens = SIZE_MAX) const = 0;

  /// The compiled form; tokenizer_from_compiled reads it where it lies.
  virtual std::vector<uint8_t> save() const = 0;
  /// SHA-256 of the compiled form: the version.
  virtual const std::array<uint8_t, 32>& hash() const = 0;
  /// A tokenizer with further added tokens. Errors: INVALID_ARGUMENT.
  virtual Result<TokenizerPtr> with_added(std::span<const AddedTokenDef> tokens) const = 0;

  struct Part {
    std::string name;  // "vocabulary", "bpe tables", "cache seeds", ...
    uint64_t bytes = 0;
  };
  /// Shared memory by part; workspaces and streams tell their own.
  virtual std::vector<Part> memory() const = 0;
  /// Which pre-tokenizer, model, improper tokens, ...: lines for people.
  virtual std::string explain() const = 0;
};

/// Errors: INVALID_VOCABULARY, UNSUPPORTED, LIMIT_EXCEEDED, OUT_OF_MEMORY.
Result<TokenizerPtr> build(const TokenizerDefinition& definition);
/// `bytes` (aligned to 64) live until `keep` is released; every field is checked. Errors: INVALID_VOCABULARY.
Result<TokenizerPtr> tokenizer_from_compiled(std::span<const uint8_t> bytes,
                                             std::shared_ptr<const void> keep);

}  // namespace onpath::text
