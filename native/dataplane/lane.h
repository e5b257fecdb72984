// What one worker keeps of one route, and the way of an RTP packet through it: allow-list, payload header,
// stream, open sample, program, sink. Every packet ends as used, dropped under one reason, or held back. Hot
// path: no allocation, no lock, no system call.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/drop_reason.h"
#include "base/result.h"
#include "dataplane/config.h"
#include "dataplane/lane_version.h"
#include "dataplane/route_lane.h"
#include "dataplane/sample_pool.h"
#include "dataplane/shared_host_sink.h"
#include "dataplane/stream_table.h"
#include "wire/chunk.h"
#include "wire/rfc4175.h"
#include "wire/rtp.h"

namespace onpath {

/// A received packet after its headers were read.
struct Arrival {
  const RtpPacket& rtp;
  const Endpoint& source;
  uint64_t time_ns;
  onpath_packet& packet;  // where it lies; its handle becomes null if it was given away
  /// Set by take(): the sample that its chunk belongs to, if that is still open and takes every chunk whose
  /// header differs in nothing but the offset; else null.
  OpenSample* sample = nullptr;
};

class Lane final : public RouteLane {
 public:
  struct Parts {
    std::unique_ptr<SamplePool> samples;
    std::unique_ptr<StreamTable> streams;
    std::shared_ptr<SharedHostSink> host_sink;  // null if the route forwards
    LaneVersion* version = nullptr;             // the first one
  };
  Lane(const RouteConfig& route, uint32_t port, std::unique_ptr<RouteCounters> counters, Parts parts);

  /// False: held back, the same packet must be offered again (backpressure). With `give_up` it is dropped as
  /// slow_consumer instead.
  bool take(Arrival& arrival, uint64_t now, bool give_up);
  /// take() of a packet of which all but its chunk's place is known: it belongs to this open sample.
  void take_next(OpenSample& sample, Stream& stream, const VideoSegment& chunk, onpath_packet& packet,
                 uint64_t time_ns, uint64_t now) {
    if (forwards_) return forward_next(sample, stream, chunk, packet, time_ns, now);
    const PushResult result = sample.state->push(chunk.offset, chunk.bytes, nullptr);
    if (result.status == PushStatus::used) [[likely]] {
      count_packet(sample, stream, result.new_bytes, result.repeated_bytes, time_ns, now);
    } else {
      drop_pushed(result.status);
    }
  }
  void tick(uint64_t now) override;
  uint64_t next_tick_ns() override;
  void take_version() override;
  void close() override;
  bool has_open(const Stream& stream, uint32_t timestamp) override {
    return parts_.samples->find(stream, timestamp) != nullptr;
  }
  /// From the control side; the worker takes it by take_version().
  void offer(LaneVersion& version) { versions_.offer(version); }

  Stream& stream_of(const OpenSample& sample) { return parts_.streams->at(sample.stream); }
  uint32_t index_of(const Stream& stream) const { return parts_.streams->index_of(stream); }
  /// Of the newest version.
  HostLane* host() { return versions_.current().host; }
  /// Whether packets' sample bytes are usually read, so that they are worth fetching ahead.
  bool reads_payload() const { return reads_payload_; }

 private:
  struct Segments {
    const VideoSegment* first;
    uint32_t count;
    uint64_t request_id;
    bool as_expected;  // a chunk that ExpectedChunk matched
  };

  Stream* find_stream(const StreamKey& key) {
    StreamTable& streams = *parts_.streams;
    if (last_stream_ < streams.size() && streams.at(last_stream_).key == key)
      return &streams.at(last_stream_);
    Stream* stream = streams.find(streams.hash(key), key);
    if (stream != nullptr) last_stream_ = streams.index_of(*stream);
    return stream;
  }
  std::optional<DropReason> parse(const RtpPacket& rtp, Segments& out);
  std::optional<DropReason> check_chunk() const;
  std::optional<DropReason> take_shape();
  bool shapes_have_news();
  void settle_shapes(uint64_t now);
  void settle_shapes(LaneVersion& version, uint64_t now);
  void settle(OpenSample& sample, uint64_t now);
  std::optional<DropReason> check_placement(const Segments& segments) const;
  bool make_room(DropReason& refusal, bool& hold, bool give_up);
  void open(Stream& stream, const Arrival& arrival, uint64_t request_id, uint64_t now, OpenSample*& out);
  void push(OpenSample& sample, const Segments& segments, onpath_packet& packet, uint64_t time_ns,
            uint64_t now);
  void forward_next(OpenSample& sample, Stream& stream, const VideoSegment& chunk, onpath_packet& packet,
                    uint64_t time_ns, uint64_t now);
  void drop_pushed(PushStatus status);
  /// A packet brought `fresh` new bytes.
  void count_packet(OpenSample& sample, Stream& stream, uint64_t fresh, uint64_t repeated, uint64_t time_ns,
                    uint64_t now) {
    RouteCounters& counters = *counters_;
    counters.packets_used.add(1);
    counters.bytes_used.add(fresh);
    if (repeated > 0) counters.overlap_bytes.add(repeated);
    stream.last_used_ns = now;
    sample.missing_bytes -= fresh;
    if (sample.missing_bytes == 0) [[unlikely]]
      finish(sample, time_ns, now);
  }
  bool send_in_place(OpenSample& sample, const VideoSegment& segment, onpath_packet& packet);
  void finish(OpenSample& sample, uint64_t time_ns, uint64_t now);
  void close_unfinished(OpenSample& sample, DropReason reason);
  void leave_stream(OpenSample& sample);
  void left(LaneVersion& version);
  OpenSample& first_to_evict(bool for_buffer);
  bool dropped(DropReason reason) { return drop(reason), true; }

  Parts parts_;
  VersionList<LaneVersion> versions_;
  const bool forwards_;
  const bool many_sizes_;
  const PayloadFormat payload_;
  const uint32_t digest_;
  const uint32_t element_bytes_;
  const uint32_t dims_[3];  // height, width, channels
  // Of the samples, or where they have many sizes, of the packet that is being taken.
  uint64_t sample_bytes_;
  InputShape shape_;
  const ExpectedChunk expected_;
  const VideoGeometry geometry_;
  const bool backpressure_;
  bool reads_payload_;        // the newest version's
  uint32_t last_stream_ = 0;  // of the packet before, if there was one: the next is likely of the same
  ChunkHeader chunk_;
  VideoPayload video_;
};

}  // namespace onpath
