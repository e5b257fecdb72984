// DeepSeek V3: three splits one after the other, each of the pieces of the one before, everything kept:
//   \p{N}{1,3}, then [\u4E00-\u9FA5\u3040-\u309F\u30A0-\u30FF]+, then a regex like cl100k's.
// For the third, text ends where a number or a character of the other script begins.
#include "text/pre_tokenizer_rules.h"

namespace onpath::text::rules {
namespace {

using namespace scan;

constexpr uint32_t kWord = kLetters | kMarks;

bool is_east_asian(uint32_t code) {
  return (code >= 0x4E00 && code <= 0x9FA5) || (code >= 0x3040 && code <= 0x30FF);
}

bool is_ascii_letter(uint8_t byte) { return (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z'; }

/// The segment that the second split leaves: east Asian or not, without numbers.
struct Segment {
  const Text& text;
  bool east_asian;

  bool has(const Character& character) const {
    return is_east_asian(character.code) == east_asian && character.kind != Kind::number;
  }
  size_t run(size_t at, uint32_t set) const {
    while (at < text.size) {
      const Character character = character_at(text, at);
      if (!character.in(set) || !has(character)) break;
      at += character.size;
    }
    return at;
  }
  /// Whether the character at `at` is there and of the segment and of `set`.
  bool at_is(size_t at, uint32_t set) const {
    if (at >= text.size) return false;
    const Character character = character_at(text, at);
    return character.in(set) && has(character);
  }
};

size_t blanks(const Segment& segment, size_t at) {
  return end_of_blanks(segment.text, at,
                       [&segment](const Character& character) { return segment.has(character); });
}

/// Characters that nothing in the regex takes: up to one that begins a word, or to one that is taken.
size_t gap(const Segment& segment, size_t at) {
  const Text& text = segment.text;
  while (at < text.size) {
    const Character character = character_at(text, at);
    if (character.kind != Kind::other || !segment.has(character)) return at;
    const size_t next = at + character.size;
    if (next == text.size && !text.last) return kUndecided;
    if (segment.at_is(next, kWord)) return at;
    at = next;
  }
  return end_of_run(text, at);
}

}  // namespace

size_t deepseek3(const Text& text, size_t at) {
  const Character first = character_at(text, at);
  if (first.kind == Kind::number) return end_of_numbers(text, at, 3);
  const Segment segment{text, is_east_asian(first.code)};
  if (first.in(kWord)) return end_of_run(text, segment.run(at, kWord));
  if (first.kind == Kind::newline) return blanks(segment, at);
  const size_t next = at + first.size;
  if (next == text.size) return end_of_run(text, next);
  if (first.in(kPunctuation)) {
    if (first.code < 0x80 && is_ascii_letter(text.bytes[next])) {
      size_t end = next;
      while (end < text.size && is_ascii_letter(text.bytes[end])) ++end;
      return end_of_run(text, end);
    }
  } else if (segment.at_is(next, kWord)) {
    return end_of_run(text, segment.run(next, kWord));
  }
  if (first.in(kPunctuation) || (first.code == ' ' && segment.at_is(next, kPunctuation))) {
    return end_of_run(text, segment.run(segment.run(next, kPunctuation), kNewlines));
  }
  return first.in(kBlanks) ? blanks(segment, at) : gap(segment, next);
}

}  // namespace onpath::text::rules
