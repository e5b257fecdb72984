#include "text/normalize_replace.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "text/normalize_characters.h"
#include "text/normalize_class.h"
#include "text/utf8.h"

namespace onpath::text {
namespace {

const uint8_t* bytes_of(const std::string& text) { return reinterpret_cast<const uint8_t*>(text.data()); }

uint32_t replacement_expansion(const std::string& content, size_t least_match) {
  return static_cast<uint32_t>(content.size() / least_match) + 1;
}

/// What a part's replacement begins with.
NextCharacter first_of(const std::string& content) {
  if (content.empty()) return NextCharacter::unknown();
  return {NextCharacter::Kind::known, decode_utf8(bytes_of(content)).code, 1};
}

/// A literal of several code points.
class LiteralStage final : public NormalizerStage {
 public:
  LiteralStage(std::string pattern, std::string content)
      : pattern_(std::move(pattern)), content_(std::move(content)) {}

  bool apply(const StageText& in, const BlockPlace& place, StageScratch&, StageText& out) const override {
    size_t copied = 0;
    size_t at = 0;
    const size_t size = pattern_.size();
    while (at + size <= in.size()) {
      const void* found = std::memchr(in.bytes() + at, pattern_[0], in.size() - at - size + 1);
      if (!found) break;
      at = static_cast<size_t>(static_cast<const uint8_t*>(found) - in.bytes());
      if (std::memcmp(found, pattern_.data(), size) != 0) {
        ++at;
        continue;
      }
      out.copy(in, copied, at);
      at += size;
      out.append(bytes_of(content_), content_.size(), in.from(at - 1));
      copied = at;
    }
    if (!place.next.is_end() && may_go_on(in, copied, place.next)) return false;
    out.copy(in, copied, in.size());
    return true;
  }
  NextCharacter behind(const NextCharacter& next, StageText&) const override {
    return next.may_be(decode_utf8(bytes_of(pattern_)).code) ? NextCharacter::unknown() : next;
  }
  Alone stand_alone(const StageText& in, StageText& out) const override {
    out.copy(in, 0, in.size());
    const std::string_view text(reinterpret_cast<const char*>(in.bytes()), in.size());
    for (size_t at = 0; at < text.size();) {
      const size_t size = utf8_size(in.bytes()[at]);
      // A match needs a second character of the pattern beside this one.
      if (pattern_.find(text.substr(at, size)) != std::string::npos)
        return size == text.size() ? Alone::between : Alone::no;
      at += size;
    }
    return Alone::yes;
  }
  uint32_t expansion() const override { return replacement_expansion(content_, pattern_.size()); }

 private:
  /// The pattern may begin in the block and end behind it.
  bool may_go_on(const StageText& in, size_t from, const NextCharacter& next) const {
    for (size_t size = std::min(pattern_.size() - 1, in.size() - from); size > 0; --size) {
      if (std::memcmp(in.bytes() + in.size() - size, pattern_.data(), size) != 0) continue;
      if (is_continuation(static_cast<uint8_t>(pattern_[size]))) continue;  // not a whole code point
      if (next.may_be(decode_utf8(bytes_of(pattern_) + size).code)) return true;
    }
    return false;
  }
  std::string pattern_, content_;
};

/// Runs of at least so many characters of a class become one content each. A block may end inside a run: the
/// run's part before the cut becomes nothing, what is behind makes the content.
class RunStage final : public NormalizerStage {
 public:
  RunStage(ClassPattern pattern, std::string content)
      : pattern_(std::move(pattern)), content_(std::move(content)) {}

  bool apply(const StageText& in, const BlockPlace& place, StageScratch&, StageText& out) const override {
    size_t copied = 0;
    for (size_t at = 0; at < in.size();) {
      CodePoint c = decode_utf8(in.bytes() + at);
      if (!pattern_.characters.contains(c.code)) {
        at += c.size;
        continue;
      }
      const size_t begin = at;
      size_t count = 0;
      do {
        at += c.size;
        ++count;
        if (at == in.size()) break;
        c = decode_utf8(in.bytes() + at);
      } while (pattern_.characters.contains(c.code));
      bool replaced = count >= pattern_.at_least;
      const Membership next = at < in.size() ? Membership::outside : membership(place.next);
      if (next == Membership::unknown) return false;
      if (next == Membership::inside) {
        if (place.next.repeats < pattern_.at_least) return false;
        out.copy(in, copied, begin);
        return true;
      }
      if (!replaced) continue;
      out.copy(in, copied, begin);
      out.append(bytes_of(content_), content_.size(), in.from(at - 1));
      copied = at;
    }
    out.copy(in, copied, in.size());
    return true;
  }
  NextCharacter behind(const NextCharacter& next, StageText&) const override {
    switch (membership(next)) {
      case Membership::outside:
        return next;
      case Membership::inside:
        return pattern_.at_least == 1 ? first_of(content_) : NextCharacter::unknown();
      default:
        return NextCharacter::unknown();
    }
  }
  Alone stand_alone(const StageText& in, StageText& out) const override {
    for (size_t at = 0; at < in.size();) {
      const CodePoint c = decode_utf8(in.bytes() + at);
      if (pattern_.characters.contains(c.code)) {
        if (c.size != in.size()) return Alone::no;
        if (pattern_.at_least == 1)
          out.append(bytes_of(content_), content_.size(), {});
        else
          out.copy(in, 0, in.size());
        return Alone::between;
      }
      at += c.size;
    }
    out.copy(in, 0, in.size());
    return Alone::yes;
  }
  uint32_t expansion() const override { return replacement_expansion(content_, pattern_.at_least); }

 private:
  enum class Membership : uint8_t { outside, inside, unknown };
  Membership membership(const NextCharacter& next) const {
    if (next.is_end()) return Membership::outside;
    if (next.kind == NextCharacter::Kind::unknown) return Membership::unknown;
    const bool contained = pattern_.characters.contains(next.code);
    if (next.kind == NextCharacter::Kind::known) return contained ? Membership::inside : Membership::outside;
    // Compositions are neither ASCII nor whitespace.
    return !contained && pattern_.characters.ascii_or_white() ? Membership::outside : Membership::unknown;
  }
  ClassPattern pattern_;
  std::string content_;
};

/// Every character of a class becomes the content.
class ClassStage final : public NormalizerStage {
 public:
  ClassStage(CharacterClass characters, std::string content)
      : characters_(std::move(characters)), content_(std::move(content)) {}

  bool apply(const StageText& in, const BlockPlace&, StageScratch&, StageText& out) const override {
    replace(in, out);
    return true;
  }
  Alone stand_alone(const StageText& in, StageText& out) const override {
    replace(in, out);
    return Alone::yes;
  }
  NextCharacter behind(const NextCharacter& next, StageText&) const override {
    if (next.kind != NextCharacter::Kind::known) return NextCharacter::unknown();
    return characters_.contains(next.code) ? first_of(content_) : next;
  }
  bool asks_for_next() const override { return false; }
  uint32_t expansion() const override { return replacement_expansion(content_, 1); }

 private:
  void replace(const StageText& in, StageText& out) const {
    size_t copied = 0;
    for (size_t at = 0; at < in.size();) {
      const CodePoint c = decode_utf8(in.bytes() + at);
      if (characters_.contains(c.code)) {
        out.copy(in, copied, at);
        out.append(bytes_of(content_), content_.size(), in.from(at));
        copied = at + c.size;
      }
      at += c.size;
    }
    out.copy(in, copied, in.size());
  }

  CharacterClass characters_;
  std::string content_;
};

}  // namespace

Result<NormalizerStagePtr> make_replace_stage(const ReplaceDef& definition) {
  const std::string& pattern = definition.pattern.text;
  if (pattern.empty())
    return Error{ErrorCode::UNSUPPORTED,
                 "The normalizer Replace has an empty pattern; give one of at least one character"};
  for (const std::string* text : {&pattern, &definition.content}) {
    if (!is_utf8(*text))
      return Error{ErrorCode::INVALID_VOCABULARY,
                   "The pattern or content of a normalizer Replace is not valid UTF-8"};
  }
  if (!definition.pattern.regex) {
    const CodePoint first = decode_utf8(bytes_of(pattern));
    if (first.size == pattern.size()) return make_replace_character_stage(first.code, definition.content);
    return NormalizerStagePtr(std::make_unique<LiteralStage>(pattern, definition.content));
  }
  if (std::optional<ClassPattern> parsed = parse_class_pattern(pattern)) {
    if (!parsed->run)
      return NormalizerStagePtr(
          std::make_unique<ClassStage>(std::move(parsed->characters), definition.content));
    return NormalizerStagePtr(std::make_unique<RunStage>(std::move(*parsed), definition.content));
  }
  return make_replace_regex_stage(definition);
}

}  // namespace onpath::text
