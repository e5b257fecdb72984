#include "dataplane/text_lane.h"

#include "dataplane/saturating.h"

namespace onpath {
namespace {

DropReason reason_of(TextStatus status) {
  switch (status) {
    case TextStatus::over_cap:
      return DropReason::text_over_cap;
    case TextStatus::special_refused:
      return DropReason::special_refused;
    default:
      return DropReason::no_segment;
  }
}

}  // namespace

TextPool::TextPool(const TextRouteConfig& config, uint32_t count) : OpenPool(count) {
  for (uint32_t i = 0; i < count; ++i) at(i).waiting = std::make_unique<WaitingBytes>(config.waiting_bytes);
}

uint64_t TextPool::bytes_for(const TextRouteConfig& config, uint32_t count) {
  const uint64_t waiting = WaitingBytes::memory_bytes(config.waiting_bytes) + sizeof(WaitingBytes);
  return times(waiting + sizeof(OpenText), count);
}

TextLane::TextLane(const RouteConfig& route, uint32_t port, std::unique_ptr<RouteCounters> counters,
                   Parts parts)
    : RouteLane(route, port, std::move(counters)),
      parts_(std::move(parts)),
      versions_(*parts_.version),
      digest_(route.text->plan->input().digest),
      window_bytes_(WaitingBytes::window_bytes(route.text->waiting_bytes)) {}

void TextLane::take_version() {
  versions_.take([](TextVersion& before, TextVersion& next) { next.outlet->continue_from(*before.outlet); },
                 [](TextVersion&) {});
}

void TextLane::take(const RtpPacket& rtp, const Endpoint& source, uint64_t time_ns, uint64_t now) {
  StreamTable& streams = *parts_.streams;
  const StreamKey key(rtp.ssrc, source);
  const uint64_t hash = streams.hash(key);
  Stream* stream = streams.find(hash, key);
  // A stream that is followed passed the allow-list when it was added.
  if (stream == nullptr && !sources_.allows(source.address)) return drop(DropReason::source_not_allowed);
  Chunk chunk;
  if (const auto reason = parse(rtp, chunk)) return drop(*reason);

  OpenText* text = stream == nullptr ? nullptr : parts_.texts->find(*stream, rtp.timestamp);
  if (text != nullptr) {
    if (const auto reason = contradiction(*text, chunk)) return drop(*reason);
    return push(*text, chunk, time_ns, now);
  }
  if (stream != nullptr) {
    if (const auto reason = stream->refusal(rtp.timestamp, now, restart_ns_)) return drop(*reason);
  }
  // Nothing is opened, evicted or forgotten for a packet that could not be placed.
  if (chunk.offset > 0 && !chunk.bytes.empty() && chunk.offset + chunk.bytes.size() > window_bytes_)
    return drop(DropReason::waiting_full);
  if (stream == nullptr && !streams.has_room()) return drop(DropReason::stream_limit);
  DropReason refusal = DropReason::no_slot;
  if (!make_room(refusal)) {
    if (stream != nullptr) stream->refuse(rtp.timestamp, refusal);
    return drop(refusal);
  }
  if (stream == nullptr) {
    stream = &streams.add(hash, key);
    versions_.current().outlet->begin_stream(*stream);
  }
  push(open(*stream, rtp.timestamp, chunk.request_id, time_ns, now), chunk, time_ns, now);
}

// Clauses: docs/wire-format.md, "Texts".
std::optional<DropReason> TextLane::parse(const RtpPacket& rtp, Chunk& out) {
  ChunkHeader header;
  const auto reason = parse_chunk(rtp.payload, header, out.bytes);
  // The last packet of a text may carry no bytes: the others had left before it was known to end.
  const bool only_ends = reason == DropReason::empty && rtp.marker && !rtp.payload.empty();
  if (reason && !only_ends) return reason;
  if (header.digest != digest_ || header.output != 0) return DropReason::wrong_format;
  if (header.rank != 0) return DropReason::wrong_shape;
  if (header.offset > kMostTextBytes || out.bytes.size() > kMostTextBytes - header.offset)
    return DropReason::out_of_range;
  out.request_id = header.request_id;
  out.offset = header.offset;
  const uint64_t end = header.offset + out.bytes.size();
  if (header.length != 0) {
    if (header.length > kMostTextBytes || end > header.length) return DropReason::out_of_range;
    if (only_ends && end != header.length) return DropReason::bad_payload_header;
    out.length = header.length;
  } else if (rtp.marker) {
    out.length = end;
  }
  return std::nullopt;
}

std::optional<DropReason> TextLane::contradiction(const OpenText& text, const Chunk& chunk) const {
  if (text.request_id != chunk.request_id) return DropReason::conflict;
  if (chunk.length != OpenText::kUnknown) {
    if (text.length != OpenText::kUnknown && text.length != chunk.length) return DropReason::conflict;
    if (chunk.length < text.waiting->end()) return DropReason::conflict;
  }
  if (text.length != OpenText::kUnknown && chunk.offset + chunk.bytes.size() > text.length)
    return DropReason::out_of_range;
  if (!chunk.bytes.empty() && !text.waiting->takes(chunk.offset, chunk.bytes.size()))
    return DropReason::waiting_full;
  return std::nullopt;
}

bool TextLane::make_room(DropReason& refusal) {
  // The consumer's part first: no text is evicted for one that cannot be placed anyway.
  if (!versions_.current().outlet->has_room()) {
    refusal = DropReason::slow_consumer;
    return false;
  }
  if (!parts_.texts->full()) return true;
  if (!evict_oldest_) return false;
  close_unfinished(*parts_.texts->oldest(), DropReason::evicted);
  return true;
}

OpenText& TextLane::open(Stream& stream, uint32_t timestamp, uint64_t request_id, uint64_t time_ns,
                         uint64_t now) {
  OpenText& text = parts_.texts->open(timestamp, stream, *parts_.streams);
  const uint32_t index = parts_.texts->index_of(text);
  TextVersion& version = versions_.current();
  versions_.opened(version);
  text.version = &version;
  text.state = version.states[index].get();
  text.request_id = request_id;
  text.first_packet_ns = text.last_packet_ns = time_ns;
  text.deadline_ns = deadline_from(now);
  text.length = OpenText::kUnknown;
  text.elements = 0;
  text.parts = 0;
  text.waiting->reset();
  text.state->begin();
  version.outlet->open(text, index);
  counters_->samples_opened.add(1);
  return text;
}

void TextLane::push(OpenText& text, const Chunk& chunk, uint64_t time_ns, uint64_t now) {
  RouteCounters& counters = *counters_;
  Stream& stream = parts_.streams->at(text.stream);
  text_ = &text;
  stream_ = &stream;
  text.last_packet_ns = time_ns;
  TextStatus status = TextStatus::ok;
  const bool told_length = chunk.length != OpenText::kUnknown && text.length == OpenText::kUnknown;
  if (told_length) text.length = chunk.length;
  uint64_t fresh = 0;
  if (!chunk.bytes.empty()) {
    fresh = text.waiting->take(chunk.offset, chunk.bytes, [&](std::span<const uint8_t> run) {
      status = text.state->push(run, *text.version->workspace, *this);
      return status == TextStatus::ok;
    });
  }
  if (fresh == 0 && !told_length) return drop(DropReason::duplicate);
  counters.packets_used.add(1);
  counters.bytes_used.add(fresh);
  stream.last_used_ns = now;
  if (status != TextStatus::ok) return close_unfinished(text, reason_of(status));
  if (fresh < chunk.bytes.size()) counters.overlap_bytes.add(chunk.bytes.size() - fresh);
  if (text.waiting->next() == text.length) finish(text, stream);
}

void TextLane::finish(OpenText& text, Stream& stream) {
  const TextStatus status = text.state->end(*text.version->workspace, *this);
  if (status != TextStatus::ok) return close_unfinished(text, reason_of(status));
  counters_->samples_complete.add(1);
  text.version->outlet->complete(text, stream);
  end(text);
}

void TextLane::close_unfinished(OpenText& text, DropReason reason) {
  drop(reason);
  text.version->outlet->abandon(text, parts_.streams->at(text.stream), reason);
  end(text);
}

void TextLane::end(OpenText& text) {
  TextVersion& version = *text.version;
  parts_.texts->close(text, *parts_.streams);
  versions_.closed(version, [](TextVersion&) {});
}

void TextLane::tick(uint64_t now) {
  while (OpenText* oldest = parts_.texts->oldest()) {
    if (now < oldest->deadline_ns) break;
    close_unfinished(*oldest, DropReason::incomplete);
  }
}

uint64_t TextLane::next_tick_ns() {
  const OpenText* oldest = parts_.texts->oldest();
  return oldest == nullptr ? UINT64_MAX : oldest->deadline_ns;
}

void TextLane::close() {
  while (OpenText* oldest = parts_.texts->oldest()) close_unfinished(*oldest, DropReason::closed);
}

}  // namespace onpath
