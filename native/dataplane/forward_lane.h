// The worker's end of a forward sink: output runs leave as onpath chunks as soon as they are final. One
// output stream (SSRC, sequence numbers) per received stream, so that timestamps of two senders cannot meet.
// Hot path: no allocation, no lock, no system call.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "dataplane/config.h"
#include "dataplane/counters.h"
#include "dataplane/forward_resender.h"
#include "dataplane/outgoing.h"
#include "dataplane/region.h"
#include "dataplane/sample_pool.h"
#include "dataplane/transmit_queue.h"
#include "wire/chunk.h"
#include "wire/rtp.h"

namespace onpath {

/// The canonical text whose hash is the digest of a forwarded output. uint8 outputs of 1, 3 or 4 interleaved
/// channels are named as gray, rgb and rgba inputs are, so that another plane takes them as such; others as
/// "onpath-sample/1 dtype=float32 channels=3 layout=chw order=row-major".
std::string output_format_text(const OutputFormat& format);

class ForwardLane final : public EmitListener {
 public:
  /// Errors: OUT_OF_MEMORY, INVALID_SPEC.
  static Result<std::unique_ptr<ForwardLane>> make(const Plan& plan, uint32_t open_samples,
                                                   const ForwardSinkConfig& config, const OutgoingPath& path,
                                                   uint32_t first_ssrc, uint32_t ssrc_step,
                                                   TransmitQueue& queue, RouteCounters& counters);
  static uint64_t bytes_for(const Plan& plan, uint32_t open_samples);

  /// Streams that are added from now on follow those that `before` numbered: this lane is a newer version of
  /// it.
  void continue_from(const ForwardLane& before) { next_ssrc_ = before.next_ssrc_; }
  /// A stream was added to the table.
  void begin_stream(Stream& stream);
  /// Gives the sample its place; its packets are sent from now on.
  void begin_sample(OpenSample& sample, uint32_t sample_index);
  /// What is emitted until send_pending() belongs to this sample.
  void select(OpenSample& sample, Stream& stream) {
    sample_ = &sample;
    stream_ = &stream;
  }
  /// Packets may leave in the buffers they came in: the plan works in place, and the ports they come and go
  /// by share buffers.
  void allow_in_place() { in_place_ = true; }
  /// Who keeps packets and sends them again; outlives the lane.
  void resend_by(ForwardResender* resender) { resender_ = resender; }
  /// Whether these bytes of a received packet, turned into output, could leave in its buffer, as the one
  /// chunk that they would be sent as anyway.
  bool could_send_in_place(const onpath_packet& packet, std::span<const uint8_t> bytes) const {
    if (!in_place_ || packet.handle == nullptr || packet.capacity < packet.length) return false;
    const auto in_front = static_cast<uint64_t>(bytes.data() - packet.data) + packet.headroom;
    return bytes.size() <= outputs_[0].chunk_bytes &&
           in_front >= path_.headers_bytes() + outputs_[0].headers_bytes;
  }
  /// Sends the packet whose `bytes` have become the output at `offset`. If it was sent its handle is null.
  void send_in_place(onpath_packet& packet, uint64_t offset, std::span<uint8_t> bytes,
                     const TurnedInPlace& turned);
  void emitted(uint32_t output, uint64_t offset, uint64_t bytes) override;
  /// After a packet was pushed: sends the runs that are still being joined.
  void send_pending();
  void complete(const OpenSample& sample);
  void flush() { queue_.flush(); }

 private:
  static constexpr uint32_t kRuns = 16;

  struct Run {
    uint32_t output;
    uint64_t offset;
    uint64_t bytes;
  };
  struct Output {
    uint64_t bytes = 0;
    uint64_t element_bytes = 1;  // a chunk holds whole ones
    uint64_t chunk_bytes = 0;    // at most, whole elements
    uint32_t digest = 0;
    std::vector<uint32_t> shape;
    uint32_t headers_bytes = 0;
    /// RTP and chunk headers as every packet begins; the fields that differ are written over.
    std::array<uint8_t, kRtpHeaderBytes + kChunkHeaderBytes + 4 * kMaxRank> headers{};
    uint64_t headers_sum = 0;  // checksum of these
  };

  ForwardLane(const OutgoingPath& path, TransmitQueue& queue, RouteCounters& counters)
      : path_(path), queue_(queue), counters_(counters) {}
  void send(const Run& run);
  bool may_send();
  bool send_chunk(uint32_t output, uint64_t offset, uint64_t bytes);
  uint64_t write_headers(uint8_t* at, const Output& output, uint64_t offset, uint64_t bytes);

  OutgoingPath path_;
  TransmitQueue& queue_;
  RouteCounters& counters_;
  ForwardResender* resender_ = nullptr;  // null: nothing is sent again
  bool in_place_ = false;
  uint32_t next_ssrc_ = 0;
  uint32_t ssrc_step_ = 1;
  uint64_t total_bytes_ = 0;
  uint64_t stride_ = 0;
  std::vector<Output> outputs_;
  Region staging_;
  OpenSample* sample_ = nullptr;
  Stream* stream_ = nullptr;
  uint32_t run_count_ = 0;
  std::array<Run, kRuns> runs_{};
};

}  // namespace onpath
