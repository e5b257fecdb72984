// What a plane has for loss repair, made with its other parts: who repairs the streams of each route, who
// sends forwarded results again, and the desk of each worker. Control path only.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "dataplane/config.h"
#include "dataplane/feedback_inbox.h"
#include "dataplane/forward_resender.h"
#include "dataplane/route_lane.h"
#include "dataplane/rtcp_desk.h"

namespace onpath {

/// By port, and by the transmit queues that are kept for senders.
using SenderInboxes = std::vector<std::vector<std::shared_ptr<FeedbackInbox>>>;

class RepairParts {
 public:
  static constexpr uint32_t kSenderInbox = 256;

  /// `first_ssrc`: by route, of forward sinks.
  RepairParts(const PlaneConfig& config, std::vector<uint32_t> route_ports,
              const std::vector<uint32_t>& first_ssrc);

  const SenderInboxes& sender_inboxes() const { return sender_inboxes_; }
  uint64_t sender_bytes() const;

  void begin_worker(uint32_t worker);
  /// Null: the route sends nothing again. Lives as long as the worker's desk. Errors: OUT_OF_MEMORY.
  Result<ForwardResender*> make_resender(size_t route, const OutgoingPath& path, TransmitQueue& queue);
  /// Nothing to do for a route without repair. Errors: as LossRepair::make().
  Result<void> repair(size_t route, RouteLane& lane, const LossRepair::Parts& parts);
  /// Of the worker begun last; null if nobody there takes RTCP.
  std::unique_ptr<RtcpDesk> make_desk();

 private:
  const PlaneConfig& config_;
  const std::vector<uint32_t> route_ports_;                                   // that packets come by
  std::vector<std::vector<std::shared_ptr<FeedbackInbox>>> forward_inboxes_;  // by route and worker
  SenderInboxes sender_inboxes_;
  std::vector<std::vector<std::shared_ptr<FeedbackInbox>>> port_inboxes_;  // all, by port they send by
  uint32_t worker_ = 0;
  std::vector<std::unique_ptr<ForwardResender>> resenders_;
  std::vector<RtcpDesk::Port> desk_ports_;
};

/// Bytes of a route's part in it, per worker.
uint64_t repair_bytes(const RouteConfig& route);
/// Errors: INVALID_SPEC.
Result<void> check_repair(const RouteConfig& route);

}  // namespace onpath
