// The worker's end of a forward sink for texts: what is final leaves as onpath chunks, in order, piece by
// piece; the last packet of a text has the marker and tells the length, and may carry no bytes. Hot path: no
// allocation, no lock, no system call.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "base/result.h"
#include "dataplane/config.h"
#include "dataplane/counters.h"
#include "dataplane/forward_resender.h"
#include "dataplane/outgoing.h"
#include "dataplane/region.h"
#include "dataplane/text_outlet.h"
#include "dataplane/transmit_queue.h"
#include "wire/chunk.h"
#include "wire/rtp.h"

namespace onpath {

class TextForwardLane final : public TextOutlet {
 public:
  /// Errors: OUT_OF_MEMORY, INVALID_SPEC.
  static Result<std::unique_ptr<TextForwardLane>> make(const TextRouteConfig& text, uint32_t open_texts,
                                                       const ForwardSinkConfig& config,
                                                       const OutgoingPath& path, uint32_t first_ssrc,
                                                       uint32_t ssrc_step, TransmitQueue& queue,
                                                       RouteCounters& counters);
  static uint64_t bytes_for(const TextRouteConfig& text, const ForwardSinkConfig& config,
                            uint32_t open_texts);

  /// Who keeps packets and sends them again; outlives the lane.
  void resend_by(ForwardResender* resender) { resender_ = resender; }
  void continue_from(const TextOutlet& before) override {
    next_ssrc_ = static_cast<const TextForwardLane&>(before).next_ssrc_;
  }
  void begin_stream(Stream& stream) override;
  bool has_room() override { return true; }
  void open(OpenText& text, uint32_t index) override;
  bool add(OpenText& text, Stream& stream, std::span<const uint8_t> elements,
           std::span<const TextSpan> spans) override;
  void complete(OpenText& text, Stream& stream) override;
  /// The receiver's deadline ends it there.
  void abandon(OpenText&, Stream&, DropReason) override {}

 private:
  static constexpr uint32_t kHeadersBytes = kRtpHeaderBytes + kChunkHeaderBytes;

  TextForwardLane(const OutgoingPath& path, TransmitQueue& queue, RouteCounters& counters)
      : path_(path), queue_(queue), counters_(counters) {}
  void send(OpenText& text, Stream& stream, std::span<const uint8_t> bytes, bool last);
  bool send_packet(const OpenText& text, Stream& stream, std::span<const uint8_t> bytes, bool last);

  OutgoingPath path_;
  TransmitQueue& queue_;
  RouteCounters& counters_;
  ForwardResender* resender_ = nullptr;  // null: nothing is sent again
  uint32_t next_ssrc_ = 0;
  uint32_t ssrc_step_ = 1;
  uint64_t packet_bytes_ = 0;  // of elements, at most
  uint64_t piece_bytes_ = 0;
  Region staging_;
  std::array<uint8_t, kHeadersBytes> headers_{};
};

}  // namespace onpath
