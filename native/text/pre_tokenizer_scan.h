// What the automata of the families are made of: text with an end that may not be the last word, and runs.
#pragma once

#include <cstddef>
#include <cstdint>

#include "text/unicode.h"
#include "text/utf8.h"

namespace onpath::text::scan {

/// Whole code points of valid UTF-8. Unless `last`, more may follow.
struct Text {
  const uint8_t* bytes;
  size_t size;
  bool last;
};

/// Returned for the end of a piece that depends on what follows. No piece ends at 0.
inline constexpr size_t kUndecided = 0;

constexpr uint32_t bit(Kind kind) { return 1u << static_cast<uint32_t>(kind); }
inline constexpr uint32_t kLetters = bit(Kind::upper) | bit(Kind::lower) | bit(Kind::letter);
inline constexpr uint32_t kMarks = bit(Kind::mark);
inline constexpr uint32_t kNumbers = bit(Kind::number);
inline constexpr uint32_t kNewlines = bit(Kind::newline);
inline constexpr uint32_t kBlanks = bit(Kind::blank) | kNewlines;  // \s
inline constexpr uint32_t kPunctuation = bit(Kind::punctuation) | bit(Kind::symbol);
inline constexpr uint32_t kOthers = (1u << kKinds) - 1u - kLetters - kNumbers - kBlanks;  // [^\s\p{L}\p{N}]

constexpr bool in(Kind kind, uint32_t set) { return (set >> static_cast<uint32_t>(kind) & 1u) != 0; }

struct Character {
  uint32_t code;
  uint32_t size;
  Kind kind;
  bool in(uint32_t set) const { return scan::in(kind, set); }
};

/// The ASCII block is the tables' first.
inline Kind ascii_kind(uint8_t byte) { return static_cast<Kind>(tables::kKindBlocks[byte]); }

/// at < size.
inline Character character_at(const Text& text, size_t at) {
  const uint8_t byte = text.bytes[at];
  if (byte < 0x80) return {byte, 1, ascii_kind(byte)};
  const CodePoint point = decode_utf8(text.bytes + at);
  return {point.code, point.size, kind_of(point.code)};
}

/// Where the run of `set` that goes on at `at` ends.
inline size_t run(const Text& text, size_t at, uint32_t set) {
  while (at < text.size) {
    const uint8_t byte = text.bytes[at];
    if (byte < 0x80) {
      if (!in(ascii_kind(byte), set)) break;
      ++at;
    } else {
      const CodePoint point = decode_utf8(text.bytes + at);
      if (!in(kind_of(point.code), set)) break;
      at += point.size;
    }
  }
  return at;
}

/// The end of a piece that ends where a run does: undecided if the run may go on.
inline size_t end_of_run(const Text& text, size_t end) {
  return end == text.size && !text.last ? kUndecided : end;
}

/// \s+(?!\S)|\s+ over blanks [at, end): all of them if nothing follows, otherwise all but the last, but at
/// least one.
inline size_t blanks_before(const Text& text, size_t at, size_t end, bool something_follows) {
  if (!something_follows) return end;
  const size_t last = end - decode_utf8_before(text.bytes + end).size;
  return last == at ? end : last;
}

/// The end of what begins with blanks at `at`: \s*[\r\n]+|\s+(?!\S)|\s+, so up to the last newline of the
/// run, if it has one. `follows`: whether the character behind the run is of the same text.
template <class Follows>
size_t end_of_blanks(const Text& text, size_t at, const Follows& follows) {
  size_t end = at, behind_newline = 0;
  bool something_follows = false;
  while (end < text.size) {
    const Character character = character_at(text, end);
    if (!character.in(kBlanks)) {
      something_follows = follows(character);
      break;
    }
    end += character.size;
    if (character.kind == Kind::newline) behind_newline = end;
  }
  if (end == text.size && !text.last) return kUndecided;
  return behind_newline != 0 ? behind_newline : blanks_before(text, at, end, something_follows);
}

/// \p{N}{1,most}
inline size_t end_of_numbers(const Text& text, size_t at, uint32_t most) {
  for (uint32_t i = 0; i < most; ++i) {
    if (at == text.size) return end_of_run(text, at);
    const Character character = character_at(text, at);
    if (character.kind != Kind::number) return at;
    at += character.size;
  }
  return at;
}

/// Length of a contraction ('s 't 're 've 'm 'll 'd) whose apostrophe is at `at`.
struct Contraction {
  uint32_t size = 0;       // 0: none
  bool undecided = false;  // the text ends too early
};
inline Contraction contraction_at(const Text& text, size_t at, bool ignore_case) {
  const Contraction too_early{0, !text.last};
  if (at + 1 >= text.size) return too_early;
  const auto letter = [&](size_t i) -> uint32_t {
    const uint8_t byte = text.bytes[i];
    return ignore_case && byte >= 'A' && byte <= 'Z' ? byte | 0x20u : byte;
  };
  const uint32_t first = letter(at + 1);
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return {2, false};
  // U+017F, the long s, is an s without regard to case.
  if (first == 0xC5) return {ignore_case && text.bytes[at + 2] == 0xBF ? 3u : 0u, false};
  if (first != 'r' && first != 'v' && first != 'l') return {};
  if (at + 2 >= text.size) return too_early;
  return {letter(at + 2) == (first == 'l' ? 'l' : 'e') ? 3u : 0u, false};
}

}  // namespace onpath::text::scan
