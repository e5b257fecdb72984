// Ids and bytes of tokens, in arrays that can lie in a compiled form.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "text/definition.h"
#include "text/flat.h"
#include "text/tokens.h"
#include "text/utf8.h"

namespace onpath::text {

/// All tokens, added ones included, by id and by text as the file has it. Immutable.
class Vocabulary {
 public:
  /// Errors: INVALID_VOCABULARY (an added token with another token's id), LIMIT_EXCEEDED.
  static Result<Vocabulary> make(const TokenizerDefinition& definition);
  static Result<Vocabulary> read(const FlatReader& form);
  void write(FlatWriter& form) const;

  /// One more than the largest id; ids below may be unused.
  TokenId id_limit() const;
  /// Tokens that exist.
  size_t size() const;
  /// Empty if the id is unused. For byte-level tokenizer.json in the GPT-2 alphabet.
  std::optional<std::string_view> text(TokenId id) const;
  std::optional<TokenId> id(std::string_view text) const;
  uint64_t bytes() const;

 private:
  size_t count() const;

  Flat<char> texts_;
  Flat<uint32_t> ends_;   // of each id in texts_
  Flat<uint8_t> used_;    // of each id
  Flat<uint32_t> slots_;  // open hashing by text: id, or kNoToken
  size_t size_ = 0;
};

/// LIMIT_EXCEEDED: an id that is not below kMaxTokens, a token of more than kMaxTokenBytes.
Error too_large_id(uint64_t id);
Error too_long_token(TokenId id, size_t bytes);

/// The GPT-2 alphabet: printable stand-ins of bytes (U+0021.. and U+0100..). Empty if a code point of `text`
/// is none of them, as in added tokens.
std::optional<std::string> bytes_of_byte_level(std::string_view text);
std::string byte_level_of_bytes(std::string_view bytes);

/// The text with `content` for each `pattern`, which is not empty.
std::string replace_all(std::string_view text, std::string_view pattern, std::string_view content);
inline std::string with_spaces(std::string_view text) { return replace_all(text, kSpaceSymbol, " "); }

/// The byte of <0x00> to <0xFF>, as tokens that fall back are called, or -1.
int byte_of_piece(std::string_view text);

}  // namespace onpath::text
