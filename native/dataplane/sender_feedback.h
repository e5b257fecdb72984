// What a sender hears of its receivers and does about it: packets they miss leave again, their reports are
// kept, sender reports let them and us measure the round trip. It comes by the sender's own port, or from the
// workers of the plane whose port it is. The sender's thread; stats() and wake() from any.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>

#include "base/result.h"
#include "dataplane/feedback_inbox.h"
#include "dataplane/outgoing.h"
#include "dataplane/resender.h"
#include "dataplane/sender.h"
#include "dataplane/wake_fd.h"

namespace onpath {

class SenderFeedback {
 public:
  static constexpr size_t kMostReceivers = 16;

  /// `inbox` null: feedback comes by the port itself. Errors: INVALID_ARGUMENT, PORT_FAILED, OUT_OF_MEMORY.
  static Result<std::unique_ptr<SenderFeedback>> make(const SenderConfig& config, uint32_t queue,
                                                      uint32_t ssrc, std::shared_ptr<FeedbackInbox> inbox);
  /// Nothing is put into the inbox any more, which may be another sender's from now on.
  void close() {
    if (inbox_) inbox_->close();
  }

  /// An RTP packet as it leaves.
  void keep(std::span<const uint8_t> rtp);
  /// Takes what came, sends what is due. Returns the bytes that left.
  uint64_t serve(OutgoingPath& path, uint64_t now);
  /// Before the last serve() before wait(), so that what that misses ends the wait.
  void begin_wait();
  /// Until something comes, wake() is called, or something is due.
  void wait();
  void wake() { wake_->wake(); }
  SenderStats stats() const;

 private:
  SenderFeedback(const SenderConfig& config, uint32_t queue, uint32_t ssrc,
                 std::shared_ptr<FeedbackInbox> inbox, std::unique_ptr<ResendBuffer> buffer,
                 std::shared_ptr<WakeFd> wake);
  void receive(OutgoingPath& path, uint64_t now);
  bool take_packet(OutgoingPath& path, const onpath_packet& packet, uint64_t now);
  void take(OutgoingPath& path, const Feedback& feedback, uint64_t now);
  void note(const Feedback& feedback);
  void report(OutgoingPath& path, uint64_t now);
  template <class Fill>
  bool send(OutgoingPath& path, Fill fill);
  bool send_again(OutgoingPath& path, std::span<const uint8_t> rtp);

  const onpath_port& port_;
  const uint32_t queue_;
  const uint32_t ssrc_;
  const Endpoint destination_;
  const bool to_group_;  // anyone may have received it
  const std::string cname_;
  const std::shared_ptr<FeedbackInbox> inbox_;
  const std::shared_ptr<WakeFd> wake_;
  Resender resender_;
  uint64_t sent_bytes_ = 0;  // by serve()
  uint32_t packets_ = 0;     // of RTP, and their payload, as sender reports count them
  uint32_t octets_ = 0;
  uint32_t reported_packets_ = 0;
  uint32_t rtp_timestamp_ = 0;  // of the last packet, and when it was built
  uint64_t rtp_time_ns_ = 0;
  uint64_t next_report_ns_ = 0;
  Counter rtcp_dropped_;
  mutable std::mutex mutex_;  // guards reports_
  std::vector<ReceiverReport> reports_;
};

}  // namespace onpath
