#include <algorithm>

#include "text/text_stream_stages.h"

namespace onpath::text {
namespace {

// The reference counts code points of the token, and takes as many off the span in the input. `of_block`: the
// token's bytes of the block.
ByteSpan trimmed(ByteSpan span, const Block& block, ByteSpan of_block, uint32_t leading, uint32_t trailing) {
  const ByteSpan whole = span;
  const size_t size = of_block.end - of_block.begin;
  if (leading > 0) span.begin = leading <= size ? block.end_of(of_block.begin + leading - 1) : whole.end;
  span.begin = std::min(span.begin, whole.end);
  if (trailing > 0) span.end = trailing <= size ? block.begin_of(of_block.end - trailing) : whole.begin;
  span.end = std::max(span.end, span.begin);
  return span;
}

}  // namespace

PieceStage::PieceStage(const PieceEncoder& encoder, PrefixSpace prefix, bool one_word, TrimRule trim,
                       const HoldLimits& limits)
    : HoldingStage(limits),
      encoder_(encoder),
      prefix_(prefix),
      one_word_(one_word),
      trim_(trim),
      detailed_(limits.detailed) {}

void PieceStage::begin() {
  holding_.begin();
  open_ = false;
  word_ = 0;
  tokens_ = 0;
}

StreamStatus PieceStage::text(const Block& block, bool last, PushContext& context) {
  if (!open_) {
    if (block.size == 0) return StreamStatus::ok;
    open_ = true;
    run_ = 0;
    const bool wanted =
        prefix_ == PrefixSpace::always || (prefix_ == PrefixSpace::at_input_start && block.input_start);
    // The space has the place of the first code point, as in the reference.
    if (wanted && block.text[0] != ' ') {
      holding_.pending.insert(' ', block.span(0, utf8_size(block.text[0])), block.input_start);
    }
  }
  const StreamStatus status = feed(block, last, context);
  if (last) {
    open_ = false;
    if (one_word_) ++word_;
  }
  return status;
}

StreamStatus PieceStage::process(const Block& block, bool last, size_t& taken, PushContext& context) {
  if (block.size > kMaxSplitBytes) return StreamStatus::over_cap;
  TokenBuffer& out = *context.out;
  const size_t first = out.size();
  uint32_t word = word_;
  context.memory->set_run(run_);
  const EncodedRun run =
      encoder_.encode(block.text, block.size, last, word, context.most_tokens, *context.memory, out);
  run_ = context.memory->run();
  if (!one_word_) word_ = word;
  if (detailed_ && out.detailed()) place(block, first, out);
  tokens_ += out.size() - first;
  taken = run.consumed;
  if (run.stopped) return StreamStatus::stopped;
  // A regex gave up at its limits: the text can only be refused.
  return last && run.consumed < block.size ? StreamStatus::over_cap : StreamStatus::ok;
}

// A blank before the first token is taken for one that was added, and stays.
uint32_t PieceStage::leading_to_trim(ByteSpan span, bool first_token, uint32_t leading) const {
  const bool stays = (first_token || span.begin == 0) && trim_.add_prefix_space && leading == 1;
  return stays ? 0 : leading;
}

StreamStatus PieceStage::token(const AddedHit& hit, PushContext& context) {
  TokenBuffer& out = *context.out;
  out.reserve(1);
  ByteSpan span = hit.span;
  if (detailed_ && trim_.tokens) {
    span.begin = std::min(span.begin + leading_to_trim(span, tokens_ == 0, hit.leading), span.end);
    if (span.end >= hit.trailing) span.end = std::max(span.end - hit.trailing, span.begin);
  }
  out.push(hit.token->id, span, word_);
  ++word_;
  ++tokens_;
  return out.size() >= context.most_tokens ? StreamStatus::stopped : StreamStatus::ok;
}

// From bytes of the block to bytes of the input.
void PieceStage::place(const Block& block, size_t first, TokenBuffer& out) {
  const size_t count = out.size() - first;
  const TokenId* ids = out.tail_ids() - count;
  ByteSpan* spans = out.tail_spans() - count;
  for (size_t i = 0; i < count; ++i) {
    const ByteSpan of_block = spans[i];
    ByteSpan span = block.span(of_block.begin, of_block.end);
    if (trim_.tokens && ids[i] < trim_.tokens->leading.size()) {
      const uint32_t leading = trim_.tokens->leading[ids[i]];
      const uint32_t trailing = trim_.tokens->trailing[ids[i]];
      if (leading > 0 || trailing > 0) {
        const bool first_token = tokens_ == 0 && i == 0;
        span = trimmed(span, block, of_block, leading_to_trim(span, first_token, leading), trailing);
      }
    }
    spans[i] = span;
  }
}

}  // namespace onpath::text
