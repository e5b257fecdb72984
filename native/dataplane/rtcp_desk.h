// Where a worker takes RTCP to: sender reports to the streams that its routes follow, receiver reports and
// NACKs to whoever sent the stream they speak of. Hot path: no allocation, no lock, no system call.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/drop_reason.h"
#include "dataplane/feedback_inbox.h"
#include "dataplane/forward_resender.h"
#include "dataplane/loss_repair.h"
#include "dataplane/rate_limit.h"
#include "wire/frame.h"
#include "wire/rtcp.h"

namespace onpath {

class RtcpDesk {
 public:
  static constexpr uint64_t kPacketsPerSecond = 10'000;  // acted on, per port and worker
  static constexpr uint64_t kPacketBurst = 1000;

  struct Port {
    std::vector<LossRepair*> repairs;                     // of this worker's routes from there
    std::vector<std::shared_ptr<FeedbackInbox>> inboxes;  // of all that sends by it
    RateLimit limit{kPacketsPerSecond, kPacketBurst};
  };
  /// `resenders`: by route, of this worker; null where a route sends nothing again.
  RtcpDesk(std::vector<Port> ports, std::vector<std::unique_ptr<ForwardResender>> resenders)
      : ports_(std::move(ports)), resenders_(std::move(resenders)) {}

  /// Nothing: it has been dealt with; else bad_rtcp, rtcp (of no stream that is known here) or rtcp_limit.
  std::optional<DropReason> take(uint32_t port, const Datagram& datagram, uint64_t now);
  void tick(uint64_t now) {
    for (const auto& resender : resenders_) {
      if (resender != nullptr) resender->tick(now);
    }
  }
  uint64_t next_tick_ns() const {
    uint64_t next = UINT64_MAX;
    for (const auto& resender : resenders_) {
      if (resender != nullptr) next = std::min(next, resender->next_tick_ns());
    }
    return next;
  }
  /// Null: the route sends nothing again.
  const ForwardResender* resender(size_t route) const { return resenders_[route].get(); }

 private:
  bool is_known(const Port& port, const RtcpPacket& packet, const Endpoint& source) const;
  bool hand_on(Port& port, const RtcpPacket& packet, const Endpoint& source, uint64_t now);

  std::vector<Port> ports_;
  const std::vector<std::unique_ptr<ForwardResender>> resenders_;
};

}  // namespace onpath
