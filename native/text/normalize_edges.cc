#include "text/normalize_edges.h"

#include <string>

#include "text/normalize_unicode.h"

namespace onpath::text {
namespace {

class StripEdges final : public NormalizerStage {
 public:
  StripEdges(bool left, bool right) : left_(left), right_(right) {}

  bool apply(const StageText& in, const BlockPlace& place, StageScratch&, StageText& out) const override {
    size_t begin = 0;
    size_t end = in.size();
    if (left_ && place.first) {
      while (begin < end) {
        const CodePoint c = decode_utf8(in.bytes() + begin);
        if (!CodePointKind(c.code).white()) break;
        begin += c.size;
      }
    }
    if (right_ && end > begin) {
      size_t text_end = end;
      while (text_end > begin) {
        const CodePoint c = decode_utf8_before(in.bytes() + text_end);
        if (!CodePointKind(c.code).white()) break;
        text_end -= c.size;
      }
      if (place.next.is_end())
        end = text_end;
      else if (text_end < end && !surely_text(place.next))
        return false;
    }
    out.copy(in, begin, end);
    return true;
  }
  NextCharacter behind(const NextCharacter& next, StageText&) const override {
    // Whether whitespace stays is not known before the text behind it.
    return !right_ || surely_text(next) ? next : NextCharacter::unknown();
  }
  Alone stand_alone(const StageText& in, StageText& out) const override {
    out.copy(in, 0, in.size());
    for (size_t at = 0; at < in.size(); at += utf8_size(in.bytes()[at]))
      if (CodePointKind(decode_utf8(in.bytes() + at).code).white()) return Alone::between;
    return Alone::yes;
  }
  bool asks_for_next() const override { return right_; }
  bool asks_for_first() const override { return left_; }
  uint32_t expansion() const override { return 1; }

 private:
  static bool surely_text(const NextCharacter& next) {
    // Nothing that a composition begins with is whitespace but U+2000 and U+2001, which are whitespace alone.
    return next.kind != NextCharacter::Kind::unknown && !CodePointKind(next.code).white();
  }
  bool left_, right_;
};

class PrependStage final : public NormalizerStage {
 public:
  explicit PrependStage(std::string_view text) : text_(text) {}

  bool apply(const StageText& in, const BlockPlace& place, StageScratch&, StageText& out) const override {
    if (place.first && in.size() > 0)
      out.append(reinterpret_cast<const uint8_t*>(text_.data()), text_.size(), in.from(0));
    out.copy(in, 0, in.size());
    return true;
  }
  NextCharacter behind(const NextCharacter& next, StageText&) const override { return next; }
  Alone stand_alone(const StageText& in, StageText& out) const override {
    out.copy(in, 0, in.size());
    return Alone::yes;
  }
  bool asks_for_next() const override { return false; }
  bool asks_for_first() const override { return true; }
  uint32_t expansion() const override { return static_cast<uint32_t>(text_.size()) + 1; }

 private:
  std::string text_;
};

}  // namespace

NormalizerStagePtr make_strip_stage(bool left, bool right) {
  return std::make_unique<StripEdges>(left, right);
}
NormalizerStagePtr make_prepend_stage(std::string_view text) { return std::make_unique<PrependStage>(text); }

}  // namespace onpath::text
