#include "text/normalize_replace.h"

#include <string>
#include <utility>

#include "text/regex.h"

namespace onpath::text {
namespace {

/// Any regex. A block ends only where no match can begin before its end.
class RegexStage final : public NormalizerStage {
 public:
  RegexStage(Regex regex, std::string content) : regex_(std::move(regex)), content_(std::move(content)) {}

  bool apply(const StageText& in, const BlockPlace& place, StageScratch& scratch,
             StageText& out) const override {
    const bool more = !place.next.is_end();
    const auto* content = reinterpret_cast<const uint8_t*>(content_.data());
    size_t copied = 0;
    for (;;) {
      const RegexMatch match = regex_.find(in.bytes(), in.size(), copied, more);
      if (match.outcome == RegexMatch::Outcome::failed) {
        scratch.failed = true;
        return true;
      }
      if (match.outcome == RegexMatch::Outcome::partial) return false;
      if (match.outcome == RegexMatch::Outcome::none) break;
      out.copy(in, copied, match.begin);
      out.append(content, content_.size(), in.from(match.end - 1));
      copied = match.end;
    }
    out.copy(in, copied, in.size());
    return true;
  }
  bool cuts_before(const NextCharacter& next) const override {
    return next.is_end() || !regex_.looks_behind();
  }
  NextCharacter behind(const NextCharacter&, StageText&) const override { return NextCharacter::unknown(); }
  uint32_t expansion() const override { return static_cast<uint32_t>(content_.size()) + 1; }
  uint64_t bytes() const override { return sizeof(*this) + regex_.bytes(); }

 private:
  Regex regex_;
  std::string content_;
};

}  // namespace

Result<NormalizerStagePtr> make_replace_regex_stage(const ReplaceDef& definition) {
  Result<Regex> regex = Regex::compile(definition.pattern.text);
  if (!regex.ok()) return regex.error();
  if (regex.value().matches_empty())
    return Error{ErrorCode::UNSUPPORTED,
                 "The normalizer Replace has the regex '" + definition.pattern.text +
                     "', which matches an empty text; give one that matches at least one character"};
  return NormalizerStagePtr(std::make_unique<RegexStage>(std::move(regex).value(), definition.content));
}

}  // namespace onpath::text
