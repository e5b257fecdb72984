#include "text/pre_tokenizer_component.h"

#include <algorithm>
#include <utility>

#include "text/pre_tokenizer_rules.h"

namespace onpath::text {
namespace {

using scan::Text;

/// A match, or a stretch without one that goes up to the next match.
struct Element {
  size_t end = 0;  // as in ComponentPiece
  bool match = false;
  bool decided = false;
  bool failed = false;
};

/// A stretch without a match that nothing in the text ends.
Element open_stretch(const Text& text, size_t known_end) {
  return text.last ? Element{text.size, false, true} : Element{known_end};
}

class ClassMatcher {
 public:
  /// Whatever is in the middle of a stretch or a run of it is so wherever one begins.
  static constexpr bool resumable() { return true; }
  explicit ClassMatcher(uint8_t bits) : bits_(bits) {}
  Element operator()(const Text& text, size_t at) const {
    const CodePoint first = decode_utf8(text.bytes + at);
    if ((components_of(first.code) & bits_) != 0) return {at + first.size, true, true};
    for (at += first.size; at < text.size;) {
      const CodePoint point = decode_utf8(text.bytes + at);
      if ((components_of(point.code) & bits_) != 0) return {at, false, true};
      at += point.size;
    }
    return open_stretch(text, at);
  }
  uint64_t bytes() const { return 0; }

 private:
  uint8_t bits_;
};

class LiteralMatcher {
 public:
  bool resumable() const { return false; }
  explicit LiteralMatcher(std::string literal) : literal_(std::move(literal)) {}
  Element operator()(const Text& text, size_t at) const {
    const std::string_view whole(reinterpret_cast<const char*>(text.bytes), text.size);
    const size_t found = whole.find(literal_, at);
    if (found == at) return {at + literal_.size(), true, true};
    if (found != std::string_view::npos) return {found, false, true};
    // The text may end in the front of a match.
    size_t known = text.size - std::min(literal_.size() - 1, text.size);
    while (known > at && known < text.size && is_continuation(text.bytes[known])) --known;
    return open_stretch(text, std::max(known, at));
  }
  uint64_t bytes() const { return literal_.size(); }

 private:
  std::string literal_;
};

class RegexMatcher {
 public:
  bool resumable() const { return regex_.is_class_run(); }
  explicit RegexMatcher(Regex regex) : regex_(std::move(regex)) {}
  Element operator()(const Text& text, size_t at) const {
    const RegexMatch found = regex_.find(text.bytes, text.size, at, !text.last);
    switch (found.outcome) {
      case RegexMatch::Outcome::match:
        return found.begin == at ? Element{found.end, true, true} : Element{found.begin, false, true};
      case RegexMatch::Outcome::partial:
        return {found.begin};
      case RegexMatch::Outcome::none:
        return open_stretch(text, text.size);
      case RegexMatch::Outcome::failed:
        break;
    }
    return {at, false, false, true};
  }
  uint64_t bytes() const { return regex_.bytes(); }

 private:
  Regex regex_;
};

template <class Matcher>
class Splitter final : public PreTokenizerComponent {
 public:
  Splitter(std::string name, Matcher matcher, SplitBehavior behavior, bool invert)
      : name_(std::move(name)), matcher_(std::move(matcher)), behavior_(behavior), invert_(invert) {}

  ComponentPiece next(const Text& text, size_t at) const override {
    const Element first = matcher_(text, at);
    ComponentPiece piece{first.end, first.decided, false, matcher_.resumable() || !first.match, first.failed};
    if (!first.decided) return piece;
    const bool match = first.match != invert_;
    switch (behavior_) {
      case SplitBehavior::isolated:
        return piece;
      case SplitBehavior::removed:
        piece.dropped = match;
        return piece;
      case SplitBehavior::merged_with_previous:
        return match ? piece : merged(text, piece, true);
      case SplitBehavior::merged_with_next:
        return match ? merged(text, piece, false) : piece;
      case SplitBehavior::contiguous:
        return run_of(text, piece, match);
    }
    return piece;
  }
  std::string name() const override { return name_; }
  uint64_t bytes() const override { return matcher_.bytes(); }

 private:
  /// `piece` and the element behind it, if that is one with `match`.
  ComponentPiece merged(const Text& text, ComponentPiece piece, bool match) const {
    piece.resumable = matcher_.resumable();
    if (piece.end == text.size) {
      piece.decided = text.last;
      return piece;
    }
    const Element second = matcher_(text, piece.end);
    piece.failed = second.failed;
    piece.decided = second.decided;
    if (!second.decided || (second.match != invert_) == match) piece.end = second.end;
    return piece;
  }
  ComponentPiece run_of(const Text& text, ComponentPiece piece, bool match) const {
    piece.resumable = matcher_.resumable();
    while (piece.end < text.size) {
      const Element more = matcher_(text, piece.end);
      piece.failed = more.failed;
      piece.decided = more.decided;
      if (!more.decided || (more.match != invert_) != match) return piece;
      piece.end = more.end;
    }
    piece.decided = text.last;
    return piece;
  }

  std::string name_;
  Matcher matcher_;
  SplitBehavior behavior_;
  bool invert_;
};

class WhitespaceComponent final : public PreTokenizerComponent {
 public:
  ComponentPiece next(const Text& text, size_t at) const override {
    const uint8_t kind = kind_at(text, at);
    while (at < text.size && kind_at(text, at) == kind) at += utf8_size(text.bytes[at]);
    return {at, at < text.size || text.last, kind == component::kRegexWhitespace, true};
  }
  std::string name() const override { return "whitespace"; }

 private:
  static uint8_t kind_at(const Text& text, size_t at) {
    const uint8_t bits = components_of(decode_utf8(text.bytes + at).code);
    return bits & (component::kWord | component::kRegexWhitespace);
  }
};

class Gpt2Component final : public PreTokenizerComponent {
 public:
  ComponentPiece next(const Text& text, size_t at) const override {
    const size_t end = rules::gpt2(text, at);
    return {end == scan::kUndecided ? at : end, end != scan::kUndecided, false, true};
  }
  std::string name() const override { return "byte_level"; }
};

template <class Matcher>
ComponentPtr make_splitter(std::string name, Matcher matcher, SplitBehavior behavior, bool invert) {
  return std::make_unique<Splitter<Matcher>>(std::move(name), std::move(matcher), behavior, invert);
}

}  // namespace

ComponentPtr make_class_component(std::string name, uint8_t bits, SplitBehavior behavior) {
  return make_splitter(std::move(name), ClassMatcher(bits), behavior, false);
}

ComponentPtr make_character_component(std::string name, uint32_t code, SplitBehavior behavior) {
  std::string character(4, 0);
  character.resize(encode_utf8(code, reinterpret_cast<uint8_t*>(character.data())));
  return make_splitter(std::move(name), LiteralMatcher(std::move(character)), behavior, false);
}

ComponentPtr make_whitespace_component() { return std::make_unique<WhitespaceComponent>(); }
ComponentPtr make_gpt2_component() { return std::make_unique<Gpt2Component>(); }

Result<ComponentPtr> make_split_component(const SplitDef& split, RegexEngine engine) {
  const auto refuse = [&split](const char* what) {
    constexpr size_t kMostShown = 200;
    return Error{ErrorCode::UNSUPPORTED,
                 "Pre-tokenizer Split by \"" + split.pattern.text.substr(0, kMostShown) + "\": " + what};
  };
  if (!split.pattern.regex) {
    if (split.pattern.text.empty()) return refuse("an empty string is not supported.");
    return make_splitter("split", LiteralMatcher(split.pattern.text), split.behavior, split.invert);
  }
  Result<Regex> regex = Regex::compile(split.pattern.text, engine);
  if (!regex.ok()) return regex.error();
  if (regex.value().matches_empty()) return refuse("a regex that matches the empty text is not supported.");
  // Text is given again from a cut on, without what was before.
  if (regex.value().looks_behind()) return refuse("a regex that looks behind is not supported.");
  return make_splitter("regex", RegexMatcher(std::move(regex).value()), split.behavior, split.invert);
}

}  // namespace onpath::text
