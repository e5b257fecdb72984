// The resend buffer of a forward sink on one worker: keeps what its lane sends, answers what receivers ask
// for, whichever worker their feedback came to. Hot path: no allocation, no lock, no system call.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/big_endian.h"
#include "base/result.h"
#include "dataplane/feedback_inbox.h"
#include "dataplane/outgoing.h"
#include "dataplane/resender.h"
#include "dataplane/transmit_queue.h"

namespace onpath {

class ForwardResender {
 public:
  static constexpr uint32_t kInbox = 1024;

  /// `inbox` is open for the lane's first SSRC and its step. Errors: OUT_OF_MEMORY.
  static Result<std::unique_ptr<ForwardResender>> make(const ForwardSinkConfig& config,
                                                       const OutgoingPath& path, TransmitQueue& queue,
                                                       std::shared_ptr<FeedbackInbox> inbox);
  static uint64_t bytes_for(const ForwardSinkConfig& config);

  /// An RTP packet as it leaves, without extension or CSRCs.
  void keep(std::span<const uint8_t> rtp) {
    resender_.keep(load_be32(rtp.data() + 8), load_be16(rtp.data() + 2), rtp);
  }
  /// The lane has given another stream its SSRC.
  void begin_stream() { inbox_->begin_stream(); }

  void tick(uint64_t now);
  uint64_t next_tick_ns() const;
  const ResendCounters& counters() const { return resender_.counters(); }

 private:
  ForwardResender(std::unique_ptr<ResendBuffer> buffer, const ResendConfig& config, const OutgoingPath& path,
                  TransmitQueue& queue, std::shared_ptr<FeedbackInbox> inbox)
      : resender_(std::move(buffer), config), path_(path), queue_(queue), inbox_(std::move(inbox)) {}
  bool send(std::span<const uint8_t> rtp);

  Resender resender_;
  OutgoingPath path_;
  TransmitQueue& queue_;
  const std::shared_ptr<FeedbackInbox> inbox_;
  RouteCounters own_packets_;  // a transmit queue counts by route; what is sent again is counted here
  uint64_t last_tick_ns_ = 0;
};

}  // namespace onpath
