#include "text/pre_tokenizer_rules.h"

namespace onpath::text::rules {

using namespace scan;

size_t gpt2(const Text& text, size_t at) {
  const Character first = character_at(text, at);
  if (first.code == '\'') {
    const Contraction contraction = contraction_at(text, at, false);
    if (contraction.undecided) return kUndecided;
    if (contraction.size != 0) return at + contraction.size;
  }
  Kind kind = first.kind;
  size_t core = at;
  if (first.code == ' ') {
    if (at + 1 == text.size) return end_of_run(text, at + 1);
    kind = character_at(text, at + 1).kind;
    core = at + 1;
  }
  if (in(kind, kBlanks)) {
    const size_t end = run(text, core, kBlanks);
    if (end == text.size) return end_of_run(text, end);
    return blanks_before(text, at, end, true);
  }
  const uint32_t set = in(kind, kLetters) ? kLetters : in(kind, kNumbers) ? kNumbers : kOthers;
  return end_of_run(text, run(text, core, set));
}

namespace {

/// What the regexes from cl100k on differ in.
struct Rules {
  bool contraction_first;   // (?i:'s|...) as a piece of its own
  bool by_case;             // words by case, with marks
  bool contraction_behind;  // (?i:'s|...)? behind a word
  uint32_t numbers;         // most in a piece
  bool slash;               // [\r\n/]* behind punctuation
};
constexpr Rules kCl100k{true, false, false, 3, false};
constexpr Rules kQwen2{true, false, false, 1, false};
constexpr Rules kO200k{false, true, true, 3, true};
constexpr Rules kTekken{false, true, false, 1, true};

/// [Lu Lt Lm Lo M]*[Ll Lm Lo M]+ | [Lu Lt Lm Lo M]+[Ll Lm Lo M]*, where at least one of them is at `at`.
/// Letters without case and marks are in both classes: if no lower-case letter ends the first class, the
/// first alternative gives back as far as the last of them; if there is none, the second takes all.
size_t word_by_case(const Text& text, size_t at) {
  constexpr uint32_t kShared = bit(Kind::letter) | kMarks;
  size_t last_shared = 0;
  while (at < text.size) {
    const Character character = character_at(text, at);
    if (!character.in(kShared | bit(Kind::upper))) {
      if (!character.in(bit(Kind::lower))) break;
      return end_of_run(text, run(text, at, kShared | bit(Kind::lower)));
    }
    at += character.size;
    if (character.in(kShared)) last_shared = at;
  }
  if (at == text.size && !text.last) return kUndecided;
  return last_shared != 0 ? last_shared : at;
}

template <Rules kRules>
size_t word(const Text& text, size_t at) {
  if constexpr (!kRules.by_case) return end_of_run(text, run(text, at, kLetters));
  const size_t end = word_by_case(text, at);
  if (!kRules.contraction_behind || end == kUndecided || end == text.size || text.bytes[end] != '\'') {
    return end;
  }
  const Contraction contraction = contraction_at(text, end, true);
  return contraction.undecided ? kUndecided : end + contraction.size;
}

size_t behind_punctuation(const Text& text, size_t at, bool slash) {
  while (at < text.size &&
         (text.bytes[at] == '\r' || text.bytes[at] == '\n' || (slash && text.bytes[at] == '/'))) {
    ++at;
  }
  return end_of_run(text, at);
}

template <Rules kRules>
size_t advance(const Text& text, size_t at) {
  constexpr uint32_t kInWord = kLetters | (kRules.by_case ? kMarks : 0u);
  const Character first = character_at(text, at);
  if (kRules.contraction_first && first.code == '\'') {
    const Contraction contraction = contraction_at(text, at, true);
    if (contraction.undecided) return kUndecided;
    if (contraction.size != 0) return at + contraction.size;
  }
  if (first.in(kInWord)) return word<kRules>(text, at);
  if (first.kind == Kind::number) return end_of_numbers(text, at, kRules.numbers);
  size_t punctuation = at;
  if (first.kind != Kind::newline) {
    const size_t next = at + first.size;
    if (next == text.size) return end_of_run(text, next);
    const Character second = character_at(text, next);
    if (second.in(kInWord)) return word<kRules>(text, next);
    if (first.code == ' ' && second.in(kOthers)) punctuation = next;
  }
  if (first.in(kBlanks) && punctuation == at) {
    return end_of_blanks(text, at, [](const Character&) { return true; });
  }
  return behind_punctuation(text, run(text, punctuation, kOthers), kRules.slash);
}

}  // namespace

size_t cl100k(const Text& text, size_t at) { return advance<kCl100k>(text, at); }
size_t qwen2(const Text& text, size_t at) { return advance<kQwen2>(text, at); }
size_t o200k(const Text& text, size_t at) { return advance<kO200k>(text, at); }
size_t tekken(const Text& text, size_t at) { return advance<kTekken>(text, at); }

ClipPiece clip(const Text& text, size_t at) {
  const Character first = character_at(text, at);
  if (first.code == '\'') {
    const Contraction contraction = contraction_at(text, at, false);
    if (contraction.undecided) return {};
    if (contraction.size != 0) return {at + contraction.size};
  }
  if (first.code == '<') {
    const std::string_view rest(reinterpret_cast<const char*>(text.bytes + at), text.size - at);
    for (const std::string_view special : {"<|startoftext|>", "<|endoftext|>"}) {
      if (rest.starts_with(special)) return {at + special.size(), false, true};
      if (!text.last && special.starts_with(rest)) return {};
    }
  }
  if (first.kind == Kind::number) return {at + first.size};
  if (first.in(kBlanks)) return {end_of_run(text, run(text, at, kBlanks)), true};
  return {end_of_run(text, run(text, at, first.in(kLetters) ? kLetters : kOthers))};
}

}  // namespace onpath::text::rules
