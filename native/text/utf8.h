// UTF-8: checking, reading, writing, and repair of what is none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace onpath::text {

inline constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
/// U+2581, which stands for a space in SentencePiece's tokens.
inline constexpr uint32_t kSpaceMark = 0x2581;
inline constexpr std::string_view kSpaceSymbol = "\xE2\x96\x81";

/// A byte of a code point behind its first.
inline constexpr bool is_continuation(uint8_t byte) { return (byte & 0xC0) == 0x80; }

/// The front of some bytes.
struct Utf8Run {
  size_t valid = 0;    // bytes of whole, valid code points at the front
  size_t invalid = 0;  // bytes of the maximal invalid subpart behind them; 0: there is none
  /// 1 to 3 bytes behind `valid` begin a code point that the bytes end in, or 0. `invalid` is 0 then.
  size_t cut = 0;
};

/// Reads up to the first byte that is no valid UTF-8. A maximal invalid subpart is what WHATWG's decoder
/// makes one U+FFFD of.
Utf8Run check_utf8(const uint8_t* text, size_t size);
inline bool is_utf8(std::string_view text) {
  return check_utf8(reinterpret_cast<const uint8_t*>(text.data()), text.size()).valid == text.size();
}

/// Makes valid UTF-8 of bytes that come in chunks: each maximal invalid subpart becomes U+FFFD. Keeps the
/// bytes of a code point that a chunk ends in.
class Utf8Repair {
 public:
  /// Most bytes that push(n bytes) writes.
  static constexpr size_t room_for(size_t n) { return 3 * (n + 1); }
  /// Writes to `out` (not the input's memory) and returns how much. `last`: nothing follows.
  size_t push(const uint8_t* bytes, size_t size, bool last, uint8_t* out);
  /// Bytes kept from chunks before: 0 to 3. If 0, a chunk that check_utf8 finds valid need not be pushed.
  size_t held() const { return held_; }
  void begin() { held_ = 0; }

 private:
  uint8_t bytes_[4] = {};
  uint8_t held_ = 0;
};

struct CodePoint {
  uint32_t code = 0;
  uint32_t size = 0;  // bytes
};

/// Bytes of the code point that `lead` begins, of valid UTF-8.
inline constexpr uint32_t utf8_size(uint8_t lead) {
  return lead < 0x80 ? 1u : lead < 0xE0 ? 2u : lead < 0xF0 ? 3u : 4u;
}

/// The code point at `at`, of valid UTF-8.
inline constexpr CodePoint decode_utf8(const uint8_t* at) {
  const uint32_t a = at[0];
  if (a < 0x80) return {a, 1};
  const uint32_t b = at[1] & 0x3Fu;
  if (a < 0xE0) return {(a & 0x1Fu) << 6 | b, 2};
  const uint32_t c = at[2] & 0x3Fu;
  if (a < 0xF0) return {(a & 0x0Fu) << 12 | b << 6 | c, 3};
  return {(a & 0x07u) << 18 | b << 12 | c << 6 | (at[3] & 0x3Fu), 4};
}

/// The code point that ends before `end`, of valid UTF-8.
inline constexpr CodePoint decode_utf8_before(const uint8_t* end) {
  const uint8_t* at = end - 1;
  while (is_continuation(*at)) --at;
  return decode_utf8(at);
}

/// Writes 1 to 4 bytes and returns how many. `code` is a scalar value.
inline constexpr uint32_t encode_utf8(uint32_t code, uint8_t* out) {
  if (code < 0x80) {
    out[0] = static_cast<uint8_t>(code);
    return 1;
  }
  if (code < 0x800) {
    out[0] = static_cast<uint8_t>(0xC0 | code >> 6);
    out[1] = static_cast<uint8_t>(0x80 | (code & 0x3F));
    return 2;
  }
  if (code < 0x10000) {
    out[0] = static_cast<uint8_t>(0xE0 | code >> 12);
    out[1] = static_cast<uint8_t>(0x80 | (code >> 6 & 0x3F));
    out[2] = static_cast<uint8_t>(0x80 | (code & 0x3F));
    return 3;
  }
  out[0] = static_cast<uint8_t>(0xF0 | code >> 18);
  out[1] = static_cast<uint8_t>(0x80 | (code >> 12 & 0x3F));
  out[2] = static_cast<uint8_t>(0x80 | (code >> 6 & 0x3F));
  out[3] = static_cast<uint8_t>(0x80 | (code & 0x3F));
  return 4;
}

/// Writes UTF-16 as UTF-8, lone surrogates as U+FFFD, and returns its bytes: at most 3 for each unit.
size_t utf8_of_utf16(const char16_t* units, size_t count, uint8_t* out);

/// Bytes of text[0, size) without a code point that the end cuts. Valid but for that cut.
inline size_t whole_code_points(const uint8_t* text, size_t size) {
  for (size_t back = 1; back <= 3 && back <= size; ++back) {
    const uint8_t byte = text[size - back];
    if (is_continuation(byte)) continue;
    return byte >= 0x80 && utf8_size(byte) > back ? size - back : size;
  }
  return size;
}

}  // namespace onpath::text
