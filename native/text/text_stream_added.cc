#include <utility>

#include "text/text_stream_stages.h"
#include "text/unicode.h"

namespace onpath::text {
namespace {

bool is_word(uint32_t code) { return (components_of(code) & component::kWord) != 0; }

}  // namespace

AddedStage::AddedStage(const AddedMatcher& matcher, std::vector<AddedAction> actions, bool space_is_mark,
                       Stage& next, const HoldLimits& limits)
    : HoldingStage(limits),
      matcher_(matcher),
      actions_(std::move(actions)),
      space_is_mark_(space_is_mark),
      next_(next) {}

void AddedStage::begin() {
  holding_.begin();
  handed_ = scanned_ = 0;
  open_ = word_before_ = false;
  refused_.reset();
}

bool AddedStage::is_space(uint32_t code) const {
  if (code == ' ') return !space_is_mark_;
  return (components_of(code) & component::kRegexWhitespace) != 0;
}

bool AddedStage::word_before(const Block& block, size_t at) const {
  if (at == 0) return word_before_;
  return is_word(decode_utf8_before(block.text + at).code);
}

// Where the whitespace that ends at `at` begins, not before `from`.
size_t AddedStage::space_before(const Block& block, size_t from, size_t at) const {
  while (at > from) {
    const CodePoint before = decode_utf8_before(block.text + at);
    if (!is_space(before.code)) break;
    at -= before.size;
  }
  return at;
}

size_t AddedStage::space_behind(const Block& block, size_t at) const {
  while (at < block.size) {
    const CodePoint next = decode_utf8(block.text + at);
    if (!is_space(next.code)) break;
    at += next.size;
  }
  return at;
}

StreamStatus AddedStage::text(const Block& block, bool last, PushContext& context) {
  const StreamStatus status = feed(block, last, context);
  if (last) {
    handed_ = scanned_ = 0;
    open_ = word_before_ = false;
  }
  return status;
}

StreamStatus AddedStage::token(const AddedHit& hit, PushContext& context) {
  return next_.token(hit, context);
}

StreamStatus AddedStage::process(const Block& block, bool last, size_t& taken, PushContext& context) {
  size_t handed = handed_;
  size_t at = scanned_;
  StreamStatus status = StreamStatus::ok;
  for (;;) {
    AddedMatcher::Match match;
    const AddedMatcher::Found found = matcher_.find(block.text, block.size, last, at, match);
    if (found != AddedMatcher::Found::match) break;
    const AddedTokenDef& token = matcher_.entries()[match.entry].token;
    const AddedAction action = actions_[match.entry];
    if (action == AddedAction::refuse) {
      refused_ = token.id;
      return StreamStatus::special_refused;
    }
    if (action != AddedAction::parse) {
      at = action == AddedAction::skip ? match.end : match.begin + 1;
      continue;
    }
    if (token.single_word) {
      if (match.end == block.size && !last) break;
      if (word_before(block, match.begin) ||
          (match.end < block.size && is_word(decode_utf8(block.text + match.end).code))) {
        at = match.end;
        continue;
      }
    }
    const size_t begin = token.lstrip ? space_before(block, handed, match.begin) : match.begin;
    const size_t end = token.rstrip ? space_behind(block, match.end) : match.end;
    if (token.rstrip && end == block.size && !last) break;
    if (handed < begin || open_) {
      const size_t text_end = handed < begin ? begin : handed;
      status = next_.text(block.part(handed, text_end - handed), true, context);
      open_ = false;
      if (status != StreamStatus::ok) return status;
    }
    AddedHit hit;
    hit.token = &token;
    hit.span = block.span(begin, end);
    for (size_t i = begin; i < match.begin; i += utf8_size(block.text[i])) ++hit.leading;
    for (size_t i = match.end; i < end; i += utf8_size(block.text[i])) ++hit.trailing;
    status = next_.token(hit, context);
    if (status != StreamStatus::ok) return status;
    // The next match may begin in whitespace that this one has stripped, as in the reference.
    handed = end;
    at = match.end;
  }
  if (last) {
    if (handed < block.size || open_) {
      const size_t rest = handed < block.size ? block.size - handed : 0;
      status = next_.text(block.part(block.size - rest, rest), true, context);
      open_ = false;
    }
    taken = block.size;
    return status;
  }
  // Text before a token that may begin at `at`, and whitespace that such a token would strip, waits.
  const size_t hold = matcher_.any_lstrip() && at > handed ? space_before(block, handed, at) : at;
  if (handed < hold) {
    open_ = true;
    status = next_.text(block.part(handed, hold - handed), false, context);
    handed = hold;
  }
  taken = hold;
  if (taken > 0) word_before_ = is_word(decode_utf8_before(block.text + taken).code);
  handed_ = handed - taken;
  scanned_ = at - taken;
  return status;
}

}  // namespace onpath::text
