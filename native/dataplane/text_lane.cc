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

TextPool::TextPool(const TextRouteConfig& config, uint32_t count, uint32_t sources)
    : OpenPool(count, sources) {
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
      window_bytes_(WaitingBytes::window_bytes(route.text->waiting_bytes)) {
  versions_.current().outlet->relieved_by(*this);
}

void TextLane::take_version() {
  versions_.take(
      [this](TextVersion& before, TextVersion& next) {
        next.outlet->relieved_by(*this);
        next.outlet->continue_from(*before.outlet);
      },
      [](TextVersion&) {});
}

void TextLane::take(const RtpPacket& rtp, const Endpoint& from, uint64_t packet_bytes, uint64_t time_ns,
                    uint64_t now) {
  StreamTable& streams = *parts_.streams;
  const StreamKey key(rtp.ssrc, from);
  const uint64_t hash = streams.hash(key);
  Stream* stream = streams.find(hash, key);
  // A stream that is followed passed the allow-list when it was added.
  if (stream == nullptr && !sources_.allows(from.address)) return drop(DropReason::source_not_allowed);
  const uint32_t source = stream != nullptr ? stream->source : streams.source_of(key);
  if (rates_ && !streams.sources().take_packet(source, packet_bytes, now)) [[unlikely]]
    return drop(DropReason::source_rate);
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
  DropReason refusal = DropReason::no_slot;
  if (stream == nullptr && !make_stream_room(source, now, refusal)) return drop(refusal);
  if (!make_room(source, refusal)) {
    if (stream != nullptr) stream->refuse(rtp.timestamp, refusal);
    return drop(refusal);
  }
  if (stream == nullptr) {
    stream = &streams.add(hash, key, now);
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

bool TextLane::make_stream_room(uint32_t source, uint64_t now, DropReason& refusal) {
  return RouteLane::make_stream_room(*parts_.streams, *parts_.texts, source, now, refusal,
                                     [this](OpenText& text) { close_unfinished(text, DropReason::evicted); });
}

bool TextLane::make_room(uint32_t source, DropReason& refusal) {
  TextPool& texts = *parts_.texts;
  if (most_open_ > 0 && texts.held_by(source) >= most_open_) {
    refusal = DropReason::source_share;
    return false;
  }
  // The consumer's part first: no text is evicted for one that cannot be placed anyway. Segments are had back
  // only from texts of the newest version.
  TextOutlet& outlet = *versions_.current().outlet;
  const bool consumer_holds = !outlet.has_room();
  if (!consumer_holds && !texts.full()) return true;
  OpenText* victim = nullptr;
  if (evict_oldest_ && consumer_holds) {
    const uint32_t place = outlet.victim(source, parts_.streams->class_of(source));
    if (place != kNone) victim = &texts.at(place);
  } else if (evict_oldest_) {
    victim = texts.victim(*parts_.streams, source, false);
  }
  if (victim == nullptr) {
    if (consumer_holds) {
      refusal = DropReason::slow_consumer;
    } else if (evict_oldest_) {
      refusal = DropReason::source_share;
    }
    return false;
  }
  close_unfinished(*victim, DropReason::evicted);
  refusal = DropReason::slow_consumer;
  return !consumer_holds || outlet.has_room();
}

OpenText& TextLane::open(Stream& stream, uint32_t timestamp, uint64_t request_id, uint64_t time_ns,
                         uint64_t now) {
  OpenText& text = parts_.texts->open(timestamp, stream, *parts_.streams);
  text.place = parts_.texts->index_of(text);
  TextVersion& version = versions_.current();
  versions_.opened(version);
  text.version = &version;
  text.state = version.states[text.place].get();
  text.request_id = request_id;
  text.first_packet_ns = text.last_packet_ns = time_ns;
  text.deadline_ns = deadline_from(now);
  text.length = OpenText::kUnknown;
  text.elements = 0;
  text.parts = 0;
  text.waiting->reset();
  text.source = stream.source;
  text.source_class = parts_.streams->class_of(stream.source);
  text.state->begin();
  version.outlet->open(text, text.place);
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
    probe_.program_begins(latency_);
    fresh = text.waiting->take(chunk.offset, chunk.bytes, [&](std::span<const uint8_t> run) {
      status = text.state->push(run, *text.version->workspace, *this);
      return status == TextStatus::ok;
    });
    probe_.program_ends();
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
  const uint64_t begun = times_finish() ? now_ns() : 0;
  counters_->samples_complete.add(1);
  text.version->outlet->complete(text, stream);
  if (begun != 0) latency_->record(LatencyStage::finish, begun, now_ns());
  end(text, true);
}

void TextLane::close_unfinished(OpenText& text, DropReason reason) {
  drop(reason);
  text.version->outlet->abandon(text, parts_.streams->at(text.stream), reason);
  end(text, false);
}

void TextLane::end(OpenText& text, bool complete) {
  TextVersion& version = *text.version;
  parts_.texts->close(text, *parts_.streams, complete);
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

void TextLane::give_up(DropReason reason) {
  while (OpenText* oldest = parts_.texts->oldest()) close_unfinished(*oldest, reason);
}

}  // namespace onpath
