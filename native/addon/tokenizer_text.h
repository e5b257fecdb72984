// Texts of JavaScript as UTF-8, ids and spans as typed arrays. Must not know how a text becomes tokens.
#pragma once

#include <napi.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "addon/input.h"
#include "text/tokenizer.h"

namespace onpath::addon {

/// Room for the UTF-8 of one text, used again for the next.
class TextRoom {
 public:
  /// A string's UTF-8, lone surrogates as U+FFFD, or the memory of a Uint8Array: good until the next read, or
  /// until JavaScript runs. Nothing for any other value.
  std::optional<std::span<const uint8_t>> read(napi_env env, napi_value value);
  /// The same of an argument called "text"; throws INVALID_ARGUMENT for any other value.
  std::optional<std::span<const uint8_t>> read_argument(napi_env env, napi_value value);
  /// Gives up room that only an unusually long text needs.
  void shrink() {
    if (capacity_ > kKeptBytes) *this = TextRoom();
  }

  static constexpr size_t kKeptBytes = size_t{32} << 20;

 private:
  /// Units of UTF-16 that are taken at once of a long string.
  static constexpr size_t kPartUnits = 16384;

  /// Room for so many bytes; `kept` of those that are there stay.
  void grow(size_t bytes, size_t kept = 0);
  /// A long string's UTF-8, part by part; false if JavaScript does not run any more.
  bool read_parts(napi_env env, napi_value value, size_t units, size_t& length);

  std::unique_ptr<char[]> memory_;
  size_t capacity_ = 0;
  std::unique_ptr<char16_t[]> part_;
};

/// Texts are counted in 32 bits.
inline constexpr size_t kMostTextBytes = 0xFFFFFFFF;

/// How places in a text are counted.
enum class OffsetUnit : uint8_t { byte, utf16, codepoint };
inline constexpr Choice<OffsetUnit> kOffsetUnits[] = {
    {"byte", OffsetUnit::byte}, {"utf16", OffsetUnit::utf16}, {"codepoint", OffsetUnit::codepoint}};

/// Turns places in bytes of a text into another unit: linear in the text once, then constant for each place.
/// A place inside a character is that character's beginning, as the end of a span its end. Bytes that are no
/// UTF-8 count as the U+FFFD that stands for them.
class OffsetMap {
 public:
  OffsetMap(std::span<const uint8_t> text, OffsetUnit unit);
  text::ByteSpan convert(text::ByteSpan span) const;

 private:
  struct Word {
    uint64_t starts = 0;  // of characters
    uint64_t wide = 0;    // of characters that take two units of UTF-16
    uint32_t before = 0;  // units in all words to the left
  };
  bool is_start(uint64_t place) const;
  uint32_t before(uint64_t place) const;

  OffsetUnit unit_;
  uint64_t size_;
  std::vector<Word> words_;
};

/// A new Uint32Array; null, with an exception pending, if it could not be made.
napi_value js_ids(napi_env env, const uint32_t* ids, size_t count);

/// Writes all ids to words [from, to) of the ArrayBuffer `target`, or none of them if they find no room
/// there. How many were written; nothing, with INVALID_ARGUMENT thrown, if there is no such range.
std::optional<size_t> write_ids(napi_env env, napi_value target, napi_value from, napi_value to,
                                const text::TokenBuffer& ids);

inline bool is_refusal(text::StreamStatus status) {
  return status != text::StreamStatus::ok && status != text::StreamStatus::stopped;
}

/// What a refusal says. `text`: in which a refused special token stands, if all of it is there.
Error refusal(text::StreamStatus status, const text::Tokenizer& tokenizer, const text::TextStream& stream,
              uint64_t cap_bytes, std::optional<std::span<const uint8_t>> text = std::nullopt,
              OffsetUnit unit = OffsetUnit::byte);

}  // namespace onpath::addon
