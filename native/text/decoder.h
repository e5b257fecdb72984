// From ids back to text.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"
#include "text/definition.h"
#include "text/vocabulary.h"

namespace onpath::text {

/// Immutable; used by many threads.
class Decoder {
 public:
  virtual ~Decoder() = default;
  /// UTF-8, as the format's reference decodes; bytes that are no UTF-8 become U+FFFD as there.
  /// Errors: INVALID_ARGUMENT (an id that is no token, where the reference refuses it).
  virtual Result<std::string> decode(std::span<const TokenId> ids, bool skip_special) const = 0;
  virtual uint64_t bytes() const = 0;
};

/// Text as ids come. The pieces together equal Decoder::decode of all ids; no piece ends inside a character,
/// or inside something that a later id could still change.
class DecodeStream {
 public:
  virtual ~DecodeStream() = default;
  virtual Result<std::string> push(std::span<const TokenId> ids) = 0;
  virtual std::string end() = 0;
};

/// `vocabulary` outlives it. Errors: UNSUPPORTED, INVALID_VOCABULARY.
Result<std::unique_ptr<const Decoder>> make_decoder(const TokenizerDefinition& definition,
                                                    const Vocabulary& vocabulary);
std::unique_ptr<DecodeStream> make_decode_stream(const Decoder& decoder, bool skip_special);

}  // namespace onpath::text
