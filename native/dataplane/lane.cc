#include "dataplane/lane.h"

#include <algorithm>

namespace onpath {
namespace {

VideoGeometry geometry_of(const SampleFormat& format) {
  return {format.width, format.height, format.element_bytes, pixel_group_pixels(format.format)};
}

}  // namespace

Lane::Lane(const RouteConfig& route, uint32_t port, std::unique_ptr<RouteCounters> counters, Parts parts)
    : RouteLane(route, port, std::move(counters)),
      parts_(std::move(parts)),
      versions_(*parts_.version),
      forwards_(parts_.host_sink == nullptr),
      many_sizes_(route.shapes.has_value()),
      payload_(route.payload),
      digest_(route.program->plan().input().digest),
      element_bytes_(route.program->plan().input().element_bytes),
      dims_{route.program->plan().input().height, route.program->plan().input().width,
            pixel_format_channels(route.program->plan().input().format)},
      sample_bytes_(route.program->plan().input().bytes),
      shape_{dims_[1], dims_[0]},
      expected_(digest_, sample_bytes_, dims_),
      geometry_(geometry_of(route.program->plan().input())),
      backpressure_(std::holds_alternative<HostSinkConfig>(route.sink) &&
                    std::get<HostSinkConfig>(route.sink).backpressure),
      reads_payload_(versions_.current().reads_payload) {}

void Lane::take_version() {
  versions_.take(
      [](LaneVersion& before, LaneVersion& next) {
        if (next.forward) next.forward->continue_from(*before.forward);
      },
      [this](LaneVersion& version) { left(version); });
  reads_payload_ = versions_.current().reads_payload;
}

/// The last sample of an older version has ended: what waited for a full batch is delivered.
void Lane::left(LaneVersion& version) {
  if (version.host != nullptr && version.host->flush()) parts_.host_sink->mark_pending();
}

bool Lane::take(Arrival& arrival, uint64_t now, bool give_up) {
  if (many_sizes_ && shapes_have_news()) [[unlikely]]
    settle_shapes(now);
  const RtpPacket& rtp = arrival.rtp;
  const StreamKey key(rtp.ssrc, arrival.source);
  Stream* stream = find_stream(key);
  // A stream that is followed passed the allow-list when it was added.
  if (stream == nullptr && !sources_.allows(arrival.source.address))
    return dropped(DropReason::source_not_allowed);
  StreamTable& streams = *parts_.streams;
  const uint32_t source = stream != nullptr ? stream->source : streams.source_of(key);
  const uint64_t packet_bytes = arrival.packet.length;
  if (rates_ && !streams.sources().take_packet(source, packet_bytes, now)) [[unlikely]]
    return dropped(DropReason::source_rate);

  Segments segments;
  if (const auto reason = parse(rtp, segments)) return dropped(*reason);

  OpenSample* sample = stream == nullptr ? nullptr : parts_.samples->find(*stream, rtp.timestamp);
  if (sample != nullptr) {
    if (sample->request_id != segments.request_id || sample->shape != shape_)
      return dropped(DropReason::conflict);
  } else {
    if (stream != nullptr) {
      if (const auto reason = stream->refusal(rtp.timestamp, now, restart_ns_)) return dropped(*reason);
    }
    // Nothing is opened, evicted or forgotten for a packet that could not be placed.
    if (const auto reason = check_placement(segments)) return dropped(*reason);
    DropReason refusal = DropReason::no_slot;
    if (stream == nullptr && !make_stream_room(source, now, refusal)) return dropped(refusal);
    bool hold = false;
    auto no_shape = many_sizes_ ? versions_.current().shapes->refusal(shape_, now) : std::nullopt;
    if (no_shape == DropReason::shape_pending && make_shape_room(source))
      no_shape = versions_.current().shapes->refusal(shape_, now);
    if (no_shape) refusal = *no_shape;
    if (no_shape || !make_room(source, refusal, hold, give_up)) {
      if (hold) {
        if (rates_) streams.sources().put_back_packet(source, packet_bytes);
        return false;
      }
      if (stream != nullptr) stream->refuse(rtp.timestamp, refusal);
      return dropped(refusal);
    }
    if (stream == nullptr) {
      stream = &streams.add(streams.hash(key), key, now);
      if (forwards_) versions_.current().forward->begin_stream(*stream);
    }
    open(*stream, arrival, segments.request_id, now, sample);
  }
  const uint64_t ended = sample->ended;
  push(*sample, segments, arrival.packet, arrival.time_ns, now);
  if (segments.as_expected && sample->ended == ended) arrival.sample = sample;
  return true;
}

std::optional<DropReason> Lane::parse(const RtpPacket& rtp, Segments& out) {
  if (payload_ == PayloadFormat::rfc4175) {
    if (const auto reason = parse_rfc4175(rtp.payload, geometry_, video_)) return reason;
    out = {video_.segments, video_.count, 0, false};
    return std::nullopt;
  }
  VideoSegment& segment = video_.segments[0];
  ChunkPlace place;
  if (!many_sizes_ && expected_.matches(rtp.payload, place, segment.bytes)) {
    segment.offset = place.offset;
    out = {&segment, 1, place.request_id, true};
    return std::nullopt;
  }
  if (const auto reason = parse_chunk(rtp.payload, chunk_, segment.bytes)) return reason;
  segment.offset = chunk_.offset;
  out = {&segment, 1, chunk_.request_id, false};
  return many_sizes_ ? take_shape() : check_chunk();
}

std::optional<DropReason> Lane::check_chunk() const {
  if (chunk_.digest != digest_ || chunk_.output != 0) return DropReason::wrong_format;
  if (chunk_.length != 0 && chunk_.length != sample_bytes_) return DropReason::wrong_shape;
  if (chunk_.rank == 0) return std::nullopt;
  // {height, width} or {height, width, channels}
  if (chunk_.rank != 2 && chunk_.rank != 3) return DropReason::wrong_shape;
  const bool same_channels = chunk_.rank == 2 || chunk_.dims[2] == dims_[2];
  if (chunk_.dims[0] != dims_[0] || chunk_.dims[1] != dims_[1] || !same_channels)
    return DropReason::wrong_shape;
  return std::nullopt;
}

std::optional<DropReason> Lane::check_placement(const Segments& segments) const {
  for (uint32_t i = 0; i < segments.count; ++i) {
    const uint64_t offset = segments.first[i].offset;
    const uint64_t bytes = segments.first[i].bytes.size();
    if (offset > sample_bytes_ || bytes > sample_bytes_ - offset) return DropReason::out_of_range;
    if (offset % element_bytes_ != 0 || bytes % element_bytes_ != 0) return DropReason::misaligned;
  }
  return std::nullopt;
}

bool Lane::make_stream_room(uint32_t source, uint64_t now, DropReason& refusal) {
  return RouteLane::make_stream_room(
      *parts_.streams, *parts_.samples, source, now, refusal,
      [this](OpenSample& sample) { close_unfinished(sample, DropReason::evicted); });
}

bool Lane::make_room(uint32_t source, DropReason& refusal, bool& hold, bool give_up) {
  SamplePool& samples = *parts_.samples;
  if (most_open_ > 0 && samples.held_by(source) >= most_open_) {
    refusal = DropReason::source_share;
    return false;
  }
  LaneVersion& version = versions_.current();
  const HostLane::Room room = version.host == nullptr ? HostLane::Room::yes : version.host->room();
  if (room == HostLane::Room::yes && !samples.full()) return true;
  // No open sample makes room for one that would have to wait for its plan. Nor, while the consumer holds the
  // rest, for one that is worth no more. A buffer is had back only from a sample of the newest version.
  const bool consumer_holds = room == HostLane::Room::consumer_holds;
  const bool may_evict = evict_oldest_ && (!many_sizes_ || version.shapes->ready(shape_));
  const auto helps = [&](const OpenSample& sample) {
    return room == HostLane::Room::yes || sample.version == &version;
  };
  if (OpenSample* victim =
          may_evict ? samples.victim(*parts_.streams, source, consumer_holds, helps) : nullptr) {
    close_unfinished(*victim, DropReason::evicted);
    return true;
  }
  if (consumer_holds) {
    refusal = DropReason::slow_consumer;
    hold = backpressure_ && !give_up;
  } else if (may_evict) {
    refusal = DropReason::source_share;
  }
  return false;
}

void Lane::open(Stream& stream, const Arrival& arrival, uint64_t request_id, uint64_t now, OpenSample*& out) {
  OpenSample& sample = parts_.samples->open(arrival.rtp.timestamp, stream, *parts_.streams);
  const uint32_t index = parts_.samples->index_of(sample);
  LaneVersion& version = versions_.current();
  versions_.opened(version);
  sample.version = &version;
  sample.outputs = version.outputs_of(index);
  sample.request_id = request_id;
  sample.shape = shape_;
  sample.first_packet_ns = arrival.time_ns;
  sample.missing_bytes = sample_bytes_;
  sample.deadline_ns = deadline_from(now);
  counters_->samples_opened.add(1);
  out = &sample;
  if (forwards_) {
    version.forward->begin_sample(sample, index);
    version.forward->select(sample, stream);
  } else {
    version.host->reserve(sample, index);
  }
  if (many_sizes_) {
    version.shapes->open(sample, now);
    if (sample.waits != kNone) {
      version.waiting->set_class(stream.source, parts_.streams->class_of(stream.source));
      version.waiting->take(sample.waits, stream.source);
    }
  } else {
    sample.state = version.states[index].get();
  }
  // Padding is told to a forward sink when the sample is complete: else one small packet would send a whole
  // frame of it.
  sample.state->begin({sample.outputs, version.outputs}, nullptr);
}

void Lane::forward_next(OpenSample& sample, Stream& stream, const VideoSegment& chunk, onpath_packet& packet,
                        uint64_t time_ns, uint64_t now) {
  ForwardLane& forward = *sample.version->forward;
  forward.select(sample, stream);
  PushResult result;
  probe_.program_begins(latency_);
  if (send_in_place(sample, chunk, packet)) {
    probe_.program_ends();
    result.new_bytes = chunk.bytes.size();
  } else {
    result = sample.state->push(chunk.offset, chunk.bytes, &forward);
    probe_.program_ends();
    if (result.status != PushStatus::used) return drop_pushed(result.status);
    // What the last packet of a sample leaves to be sent goes with what finish() adds.
    if (result.new_bytes < sample.missing_bytes) forward.send_pending();
  }
  count_packet(sample, stream, result.new_bytes, result.repeated_bytes, time_ns, now);
}

void Lane::drop_pushed(PushStatus status) {
  drop(status == PushStatus::misaligned     ? DropReason::misaligned
       : status == PushStatus::out_of_range ? DropReason::out_of_range
                                            : DropReason::duplicate);
}

void Lane::push(OpenSample& sample, const Segments& segments, onpath_packet& packet, uint64_t time_ns,
                uint64_t now) {
  Stream& stream = parts_.streams->at(sample.stream);
  if (segments.count == 1) return push_chunk(sample, stream, segments.first[0], packet, time_ns, now);
  ForwardLane* forward = sample.version->forward.get();
  if (forward != nullptr) forward->select(sample, stream);
  uint64_t fresh = 0, repeated = 0;
  probe_.program_begins(latency_);
  for (uint32_t i = 0; i < segments.count; ++i) {
    // An RFC 4175 payload was checked whole before its first segment is used: none is refused.
    const PushResult result = sample.state->push(segments.first[i].offset, segments.first[i].bytes, forward);
    fresh += result.new_bytes;
    repeated += result.repeated_bytes;
  }
  probe_.program_ends();
  if (fresh == 0) return drop(DropReason::duplicate);
  if (forward != nullptr && fresh < sample.missing_bytes) forward->send_pending();
  count_packet(sample, stream, fresh, repeated, time_ns, now);
}

/// The packet that came is the packet that leaves, if all of its bytes are new and there is room for its new
/// headers.
bool Lane::send_in_place(OpenSample& sample, const VideoSegment& segment, onpath_packet& packet) {
  ForwardLane& forward = *sample.version->forward;
  if (!forward.could_send_in_place(packet, segment.bytes)) return false;
  const std::span<uint8_t> bytes(packet.data + (segment.bytes.data() - packet.data), segment.bytes.size());
  const auto turned = sample.state->push_in_place(segment.offset, bytes);
  if (turned) forward.send_in_place(packet, segment.offset, bytes, *turned);
  return turned.has_value();
}

void Lane::finish(OpenSample& sample, uint64_t time_ns, uint64_t now) {
  LaneVersion& version = *sample.version;
  if (many_sizes_) {
    if (sample.waits != kNone) return version.shapes->note_full(sample, time_ns);
    version.shapes->note_complete(sample, now);
  }
  const uint64_t begun = times_finish() ? now_ns() : 0;
  counters_->samples_complete.add(1);
  if (forwards_) {
    // Beginning again places the padding once more, where it is already, and tells it. Nothing of this sample
    // follows.
    sample.state->begin({sample.outputs, version.outputs}, version.forward.get());
    version.forward->send_pending();
    version.forward->complete(sample, time_ns);
  } else {
    const StreamKey& from = parts_.streams->at(sample.stream).key;
    const SampleInfo info{sample.request_id,      from.source(), from.ssrc(), sample.timestamp,
                          sample.first_packet_ns, time_ns,       sample.shape};
    if (version.host->complete(sample, info, now)) parts_.host_sink->mark_pending();
  }
  if (begun != 0) latency_->record(LatencyStage::finish, begun, now_ns());
  leave_stream(sample, true);
}

void Lane::close_unfinished(OpenSample& sample, DropReason reason) {
  drop(reason);
  if (!forwards_) sample.version->host->abandon(sample);
  leave_stream(sample, false);
}

void Lane::leave_stream(OpenSample& sample, bool complete) {
  LaneVersion& version = *sample.version;
  if (many_sizes_) {
    if (sample.waits != kNone) version.waiting->give_back(sample.waits);
    version.shapes->leave(sample);
  }
  parts_.samples->close(sample, *parts_.streams, complete);
  versions_.closed(version, [this](LaneVersion& over) { left(over); });
}

void Lane::tick(uint64_t now) {
  if (many_sizes_) {
    settle_shapes(now);
    for (uint32_t v = 0; v < versions_.count(); ++v) versions_.at(v).shapes->tick(now);
  }
  while (OpenSample* oldest = parts_.samples->oldest()) {
    if (now < oldest->deadline_ns) break;
    close_unfinished(*oldest, DropReason::incomplete);
  }
  for (uint32_t v = 0; !forwards_ && v < versions_.count(); ++v) {
    if (versions_.at(v).host->tick(now, *parts_.samples)) parts_.host_sink->mark_pending();
  }
}

uint64_t Lane::next_tick_ns() {
  const OpenSample* oldest = parts_.samples->oldest();
  uint64_t next = oldest == nullptr ? UINT64_MAX : oldest->deadline_ns;
  for (uint32_t v = 0; v < versions_.count(); ++v) {
    const LaneVersion& version = versions_.at(v);
    if (many_sizes_ && version.shapes->any_waits()) return 0;
    if (!forwards_) next = std::min(next, version.host->next_tick_ns());
  }
  return next;
}

void Lane::give_up(DropReason reason) {
  while (OpenSample* oldest = parts_.samples->oldest()) close_unfinished(*oldest, reason);
}

void Lane::close() {
  give_up(DropReason::closed);
  left(versions_.current());
}

}  // namespace onpath
