#include "dataplane/text_host_lane.h"

#include <algorithm>
#include <cstring>

#include "dataplane/saturating.h"

namespace onpath {
namespace {

uint64_t elements_bytes(const TextRouteConfig& config) {
  return whole_lines(uint64_t{config.segment_elements} * element_bytes(config.plan->element()));
}

/// A segment's memory: elements, then spans.
uint64_t stride_of(const TextRouteConfig& config) {
  const uint64_t spans =
      config.plan->has_offsets() ? whole_lines(uint64_t{config.segment_elements} * sizeof(TextSpan)) : 0;
  return elements_bytes(config) + spans;
}

}  // namespace

uint64_t TextHostLane::bytes_for(const TextRouteConfig& config, uint32_t segments) {
  return times(plus(stride_of(config), sizeof(Segment) + 4 * sizeof(uint64_t)), segments);
}

TextHostLane::TextHostLane(const TextRouteConfig& config, uint32_t segments)
    : capacity_(config.segment_elements),
      element_bytes_(element_bytes(config.plan->element())),
      whole_(config.whole),
      segments_(segments),
      ready_(segments),
      released_(segments) {}

Result<std::unique_ptr<TextHostLane>> TextHostLane::make(const TextRouteConfig& config, uint32_t segments) {
  if (bytes_for(config, segments) == kOverflow) {
    return Error{ErrorCode::LIMIT_EXCEEDED,
                 "slots times the bytes of a segment overflow. Ask for fewer slots or smaller segments."};
  }
  std::unique_ptr<TextHostLane> lane(new TextHostLane(config, segments));
  const uint64_t stride = stride_of(config);
  auto memory = Region::take(stride * segments, "segments for tokens");
  if (!memory) return memory.error();
  lane->memory_ = std::move(memory).value();
  for (uint32_t i = segments; i-- > 0;) {
    Segment& segment = lane->segments_[i];
    segment.elements = lane->memory_.data() + stride * i;
    if (config.plan->has_offsets())
      segment.spans = reinterpret_cast<TextSpan*>(segment.elements + elements_bytes(config));
    segment.next_index = lane->free_;
    lane->free_ = i;
  }
  return lane;
}

/// A chain back to the free ones.
void TextHostLane::push_free(uint32_t head) {
  uint32_t last = head;
  while (segments_[last].next_index != kNone) last = segments_[last].next_index;
  segments_[last].next_index = free_;
  free_ = head;
}

bool TextHostLane::has_room() {
  if (free_ == kNone) {
    for (uint32_t head; released_.pop(head);) push_free(head);
  }
  return free_ != kNone;
}

/// kNone: there is none.
uint32_t TextHostLane::take_free() {
  if (!has_room()) return kNone;
  const uint32_t index = free_;
  Segment& segment = segments_[index];
  free_ = segment.next_index;
  segment.next_index = kNone;
  segment.next = nullptr;
  segment.count = 0;
  return index;
}

void TextHostLane::open(OpenText& text, uint32_t) { text.head = text.tail = take_free(); }

/// Whether the text has a segment with room. A full one leaves only when the next can be had: a text always
/// holds one, by which its end can be told.
bool TextHostLane::next_segment(OpenText& text, const Stream& stream) {
  const uint32_t fresh = take_free();
  if (fresh == kNone) return false;
  if (whole_) {
    Segment& full = segments_[text.tail];
    full.next_index = fresh;
    full.next = &segments_[fresh];
    text.tail = fresh;
  } else {
    deliver(text, stream, false, std::nullopt);
    text.head = text.tail = fresh;
  }
  return true;
}

bool TextHostLane::add(OpenText& text, Stream& stream, std::span<const uint8_t> elements,
                       std::span<const TextSpan> spans) {
  while (!elements.empty()) {
    if (segments_[text.tail].count == capacity_ && !next_segment(text, stream)) return false;
    Segment& segment = segments_[text.tail];
    const uint64_t count = std::min<uint64_t>(capacity_ - segment.count, elements.size() / element_bytes_);
    const uint64_t bytes = count * element_bytes_;
    std::memcpy(segment.elements + uint64_t{segment.count} * element_bytes_, elements.data(), bytes);
    elements = elements.subspan(bytes);
    if (segment.spans != nullptr) {
      std::copy_n(spans.data(), count, segment.spans + segment.count);
      spans = spans.subspan(count);
    }
    segment.count += static_cast<uint32_t>(count);
    text.elements += count;
    // What is full leaves at once if it may.
    if (!whole_ && segment.count == capacity_) next_segment(text, stream);
  }
  return true;
}

void TextHostLane::complete(OpenText& text, Stream& stream) { deliver(text, stream, true, std::nullopt); }

void TextHostLane::abandon(OpenText& text, Stream& stream, DropReason reason) {
  if (text.parts > 0) return deliver(text, stream, true, reason);
  push_free(text.head);
}

void TextHostLane::deliver(OpenText& text, const Stream& stream, bool last,
                           std::optional<DropReason> failed) {
  TextPart& part = segments_[text.head].part;
  part.handle = text.head;
  part.first = &segments_[text.head];
  part.count = 0;
  for (const TextSegment* at = part.first; at != nullptr; at = at->next) part.count += at->count;
  part.first_element = text.elements - part.count;
  part.index = text.parts++;
  part.last = last;
  part.failed = failed;
  part.info = {text.request_id,
               stream.key.source(),
               stream.key.ssrc(),
               text.timestamp,
               text.first_packet_ns,
               text.last_packet_ns,
               {}};
  ready_.push(text.head);  // holds every segment there is, so it is never full
  if (announcer_ != nullptr) announcer_->mark_pending();
}

bool TextHostLane::pop(TextPart& out) {
  uint32_t head;
  if (!ready_.pop(head)) return false;
  segments_[head].taken = true;
  out = segments_[head].part;
  return true;
}

bool TextHostLane::release(uint32_t head) {
  if (!std::exchange(segments_[head].taken, false)) return false;
  released_.push(head);
  return true;
}

}  // namespace onpath
