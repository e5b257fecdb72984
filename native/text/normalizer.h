// Changing text before it is cut: Unicode forms, case, replacements.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "text/definition.h"
#include "text/tokens.h"

namespace onpath::text {

/// Normalized bytes, and where each came from: byte i comes from bytes origin[i] of the input text (as
/// Hugging Face's alignments: of a replaced or decomposed run each byte has the whole run; of an inserted
/// byte what the reference says). `origin` is filled only if `detailed`. Grows only when a text is larger
/// than any before.
struct StageScratch;
struct NormalizedText {
  bool detailed = false;
  std::vector<uint8_t> bytes;
  std::vector<ByteSpan> origin;
  /// A regex of the file gave up at its limit of steps: the text is to be refused. Stays until clear().
  bool failed = false;
  /// The normalizer's own memory.
  std::shared_ptr<StageScratch> scratch;
  void clear() {
    bytes.clear();
    origin.clear();
    failed = false;
  }
};

/// A chain of normalizers as one. Immutable; used by many threads. A segment is the text between two added
/// tokens (or the ends of the text); normalizing starts anew with each.
class Normalizer {
 public:
  virtual ~Normalizer() = default;
  struct Place {
    bool first = true;  // text[0] begins the segment
    bool last = true;   // the segment ends with text[size)
  };
  /// Bytes at the front of text[0, size) that normalizing leaves as they are and that may be cut off from
  /// what follows: 0 is always right. Cheap: meant for the usual text.
  virtual size_t unchanged(const uint8_t* text, size_t size, Place place) const = 0;
  /// Normalizes and appends to `out`; `origin` counts from `text` on. Unless `place.last`, takes only what no
  /// continuation can change. Returns the bytes of text taken. What is taken in several calls equals one
  /// call. What is held is a few characters in ordinary text; without bound are whitespace that Strip or
  /// SentencePiece may remove at an end, runs of combining marks, and text under a regex that looks behind.
  /// An empty `out` of a call that took bytes is usual.
  virtual size_t normalize(const uint8_t* text, size_t size, Place place, NormalizedText& out) const = 0;
  /// Most output bytes for an input byte; for the bounds of buffers.
  virtual uint32_t expansion() const = 0;
  virtual uint64_t bytes() const = 0;
};
using NormalizerPtr = std::unique_ptr<const Normalizer>;

/// True if the tokenizer's text can keep its spaces where the file has U+2581, with the same result: the last
/// normalizer replaces every space by U+2581 and nothing else tells the two apart. Pre-tokenizers are not
/// looked at: the caller knows which are left, and where Metaspace is one it decides, as it puts the prefix.
bool wants_space_alias(const TokenizerDefinition& definition);

/// Null if there is nothing to do. With `space_alias`, replacing " " by U+2581 is left out, and U+2581 in
/// the input becomes a space instead: what follows sees spaces where the file means U+2581 (see tokenizer.h).
/// Errors: INVALID_VOCABULARY (a damaged charsmap, a regex that does not compile), UNSUPPORTED.
/// Without `table` every character goes through all parts: the ground truth, made in no time.
Result<NormalizerPtr> make_normalizer(std::span<const NormalizerDef> definitions, bool space_alias,
                                      bool table = true);

}  // namespace onpath::text
