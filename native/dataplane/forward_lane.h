// The worker's end of a forward sink: output runs leave as onpath chunks as soon as they are final. One
// output stream (SSRC, sequence numbers) per received stream, so that timestamps of two senders cannot meet.
// Hot path: no allocation, no lock, no system call.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "dataplane/config.h"
#include "dataplane/counters.h"
#include "dataplane/outgoing.h"
#include "dataplane/region.h"
#include "dataplane/sample_pool.h"
#include "dataplane/transmit_queue.h"

namespace onpath {

/// The canonical text whose hash is the digest of a forwarded output. uint8 outputs of 1, 3 or 4 interleaved
/// channels are named as gray, rgb and rgba inputs are, so that another plane takes them as such; others as
/// "onpath-sample/1 dtype=float32 channels=3 layout=chw order=row-major".
std::string output_format_text(const OutputFormat& format);

/// First 32 bits of the text's SHA-256.
uint32_t format_digest(const std::string& text);

class ForwardLane final : public EmitListener {
 public:
  /// Errors: OUT_OF_MEMORY, INVALID_SPEC.
  static Result<std::unique_ptr<ForwardLane>> make(const Plan& plan, uint32_t open_samples,
                                                   const ForwardSinkConfig& config, const OutgoingPath& path,
                                                   uint32_t first_ssrc, uint32_t ssrc_step,
                                                   TransmitQueue& queue, RouteCounters& counters);
  static uint64_t bytes_for(const Plan& plan, uint32_t open_samples);

  /// A stream was added to the table.
  void begin_stream(Stream& stream);
  /// Gives the sample its place; its packets are sent from now on.
  void begin_sample(OpenSample& sample, uint32_t sample_index);
  /// What is emitted until send_pending() belongs to this sample.
  void select(OpenSample& sample, Stream& stream) {
    sample_ = &sample;
    stream_ = &stream;
  }
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
  };

  ForwardLane(const OutgoingPath& path, TransmitQueue& queue, RouteCounters& counters)
      : path_(path), queue_(queue), counters_(counters) {}
  void send(const Run& run);
  bool send_chunk(uint32_t output, uint64_t offset, uint64_t bytes);

  OutgoingPath path_;
  TransmitQueue& queue_;
  RouteCounters& counters_;
  uint8_t payload_type_ = 0;
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
