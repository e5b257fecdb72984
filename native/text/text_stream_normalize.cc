#include "text/text_stream_stages.h"

#include <algorithm>

namespace onpath::text {
namespace {

// Normalized at once: little enough to stay in the first cache, so that the text between two places that
// normalizing changes is handed on where it lies.
constexpr size_t kNormalizeBytes = 4096;

/// Room for what `size` bytes usually become. A vector that was cleared grows to what is put into it and no
/// further, so each text longer than all before it would allocate.
void make_room(NormalizedText& out, size_t size) {
  const size_t room = 2 * std::max(size, kNormalizeBytes);
  out.bytes.reserve(room);
  if (out.detailed) out.origin.reserve(room);
}

}  // namespace

NormalizeStage::NormalizeStage(const Normalizer& normalizer, bool know_start, Stage& next,
                               const HoldLimits& limits)
    : HoldingStage(limits),
      normalizer_(normalizer),
      know_start_(know_start),
      detailed_(limits.detailed),
      next_(next) {}

void NormalizeStage::begin() {
  holding_.begin();
  first_ = true;
}

StreamStatus NormalizeStage::text(const Block& block, bool last, PushContext& context) {
  if (block.size == 0 && holding_.pending.empty() && first_) return StreamStatus::ok;
  const StreamStatus status = feed(block, last, context);
  if (last) first_ = true;
  return status;
}

StreamStatus NormalizeStage::token(const AddedHit& hit, PushContext& context) {
  return next_.token(hit, context);
}

StreamStatus NormalizeStage::process(const Block& block, bool last, size_t& taken, PushContext& context) {
  size_t at = 0;
  size_t bytes = kNormalizeBytes;
  StreamStatus status = StreamStatus::ok;
  NormalizedText& out = *context.normalized;
  while (at < block.size) {
    const size_t same = normalizer_.unchanged(block.text + at, block.size - at, {first_, last});
    if (same > 0) {
      // The end goes with the text before it: given by itself it would have what follows look at that again.
      const bool end = last && same == block.size - at;
      status = same == block.size ? next_.text(block, end, context)
                                  : next_.text(block.part(at, same), end, context);
      if (status != StreamStatus::ok || end) {
        taken = block.size;
        return status;
      }
      first_ = false;
      at += same;
      continue;
    }
    const Block rest = block.from(at);
    const size_t size = rest.whole(bytes);
    const bool end = last && size == rest.size;
    out.clear();
    out.detailed = detailed_ || (know_start_ && first_ && rest.input_start);
    make_room(out, size);
    const size_t used = normalizer_.normalize(rest.text, size, {first_, end}, out);
    if (out.failed) return StreamStatus::over_cap;
    if (used == 0 && !end) {
      if (size == rest.size) break;
      bytes *= 2;
      continue;
    }
    bytes = kNormalizeBytes;
    Block made{out.bytes.data(), out.bytes.size(), nullptr, 0, false};
    if (out.detailed && !out.bytes.empty()) {
      made.input_start = rest.input_start && out.origin[0].begin == 0;
      if (detailed_) {
        for (ByteSpan& origin : out.origin) origin = rest.span(origin.begin, origin.end);
        made.origin = out.origin.data();
      }
    }
    if (made.size > 0) {
      status = next_.text(made, false, context);
      if (status != StreamStatus::ok) return status;
    }
    first_ = false;
    at += used;
  }
  if (last) {
    taken = block.size;
    return next_.text({}, true, context);
  }
  taken = at;
  return status;
}

}  // namespace onpath::text
