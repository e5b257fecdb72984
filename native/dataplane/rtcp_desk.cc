// RTCP at a worker. Edges out of take(): dealt with, bad_rtcp, rtcp, rtcp_limit.
#include "dataplane/rtcp_desk.h"

namespace onpath {
namespace {

FeedbackInbox* inbox_of(const RtcpDesk::Port& port, uint32_t ssrc, const IpAddress& from) {
  for (const auto& inbox : port.inboxes) {
    if (inbox->takes(ssrc, from)) return inbox.get();
  }
  return nullptr;
}

bool follows(const RtcpDesk::Port& port, uint32_t ssrc, const Endpoint& source, uint64_t ntp, uint64_t now) {
  bool follows = false;
  for (LossRepair* repair : port.repairs) follows |= repair->take_sender_report(ssrc, source, ntp, now);
  return follows;
}

}  // namespace

std::optional<DropReason> RtcpDesk::take(uint32_t index, const Datagram& datagram, uint64_t now) {
  if (const auto bad = check_rtcp(datagram.payload)) return bad;
  Port& port = ports_[index];
  // Nothing is spent on what is of no stream of ours, so that strangers cannot use up the rate.
  bool allowed = false;
  RtcpWalk walk(datagram.payload);
  for (RtcpPacket packet; walk.next(packet);) {
    if (packet.type == RtcpType::sender_report &&
        follows(port, packet.ssrc, datagram.source, sender_info(packet).ntp, now)) {
      allowed = true;
    }
    if (!is_known(port, packet, datagram.source)) continue;
    if (!allowed && !port.limit.take(now)) return DropReason::rtcp_limit;
    allowed = true;
    if (!hand_on(port, packet, datagram.source, now)) return DropReason::rtcp_limit;
  }
  return allowed ? std::nullopt : std::optional(DropReason::rtcp);
}

/// Whether it speaks of a stream that is sent from here, to whom it comes from.
bool RtcpDesk::is_known(const Port& port, const RtcpPacket& packet, const Endpoint& source) const {
  if (is_nack(packet)) return inbox_of(port, nack_media_ssrc(packet), source.address) != nullptr;
  for (size_t i = 0; i < report_blocks(packet); ++i) {
    if (inbox_of(port, report_block(packet, i).ssrc, source.address) != nullptr) return true;
  }
  return false;
}

/// False: who sends did not keep up with what is asked for.
bool RtcpDesk::hand_on(Port& port, const RtcpPacket& packet, const Endpoint& source, uint64_t now) {
  Feedback feedback;
  feedback.reporter = packet.ssrc;
  feedback.arrival_ns = now;
  if (is_nack(packet)) {
    feedback.ssrc = nack_media_ssrc(packet);
    FeedbackInbox* inbox = inbox_of(port, feedback.ssrc, source.address);
    for (size_t i = 0; inbox != nullptr && i < nack_entries(packet); ++i) {
      feedback.nack = nack_entry(packet, i);
      if (!inbox->push(feedback)) return false;
    }
    return true;
  }
  feedback.is_report = true;
  for (size_t i = 0; i < report_blocks(packet); ++i) {
    feedback.report = report_block(packet, i);
    feedback.ssrc = feedback.report.ssrc;
    FeedbackInbox* inbox = inbox_of(port, feedback.ssrc, source.address);
    if (inbox != nullptr && !inbox->push(feedback)) return false;
  }
  return true;
}

}  // namespace onpath
