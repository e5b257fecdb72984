#include "dataplane/sender_feedback.h"

#include <poll.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "base/big_endian.h"
#include "dataplane/clock.h"
#include "wire/mac.h"
#include "wire/rtp.h"

namespace onpath {
namespace {

constexpr uint32_t kBurst = 32;
constexpr uint32_t kMostBursts = 8;            // received in one go
constexpr uint64_t kReportNs = 2'000'000'000;  // between sender reports
constexpr uint64_t kLookNs = 5'000'000;        // into an inbox, while packets may be asked for
constexpr uint64_t kIdleLookNs = 100'000'000;  // and later
constexpr double kClockPerMs = 90;

std::string identifier(uint32_t ssrc) {
  char text[16];
  std::snprintf(text, sizeof text, "onpath-%08x", ssrc);
  return text;
}

/// Seconds since 1900 in 32.32, of the moment that CLOCK_MONOTONIC had as `at`.
uint64_t ntp_of(uint64_t at) {
  constexpr uint64_t kFrom1900To1970 = 2'208'988'800;
  timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  const uint64_t ns = static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 +
                      static_cast<uint64_t>(time.tv_nsec) - (now_ns() - at);
  return (ns / 1'000'000'000 + kFrom1900To1970) << 32 | ((ns % 1'000'000'000) << 32) / 1'000'000'000;
}

/// Of the media clock, in which 9 ticks are 100 microseconds.
uint32_t ticks_of(uint64_t ns) {
  return static_cast<uint32_t>(ns / 100'000 * 9 + ns % 100'000 * 9 / 100'000);
}

}  // namespace

SenderFeedback::SenderFeedback(const SenderConfig& config, uint32_t queue, uint32_t ssrc,
                               std::shared_ptr<FeedbackInbox> inbox, std::unique_ptr<ResendBuffer> buffer,
                               std::shared_ptr<WakeFd> wake)
    : port_(*config.port),
      queue_(queue),
      ssrc_(ssrc),
      destination_(config.destination),
      to_group_(is_multicast(config.destination.address)),
      cname_(identifier(ssrc)),
      inbox_(std::move(inbox)),
      wake_(std::move(wake)),
      resender_(std::move(buffer), *config.resend) {
  reports_.reserve(kMostReceivers);
  if (!inbox_) return;
  for (Feedback stale; inbox_->pop(stale);) {
  }
  inbox_->open(ssrc, 1, 1, to_group_ ? IpAddress{} : destination_.address);
}

Result<std::unique_ptr<SenderFeedback>> SenderFeedback::make(const SenderConfig& config, uint32_t queue,
                                                             uint32_t ssrc,
                                                             std::shared_ptr<FeedbackInbox> inbox) {
  const ResendConfig& resend = *config.resend;
  if (resend.packets < 1 || resend.packets > ResendBuffer::kMostPackets || resend.packets_per_second < 1) {
    return Error{ErrorCode::INVALID_ARGUMENT,
                 "resend keeps " + std::to_string(resend.packets) + " packets and sends " +
                     std::to_string(resend.packets_per_second) + " a second; expected 1 to " +
                     std::to_string(ResendBuffer::kMostPackets) + ", and at least 1."};
  }
  auto buffer = ResendBuffer::make(resend.packets, config.max_payload_bytes);
  if (!buffer) return buffer.error();
  auto wake = WakeFd::make();
  if (!wake) return wake.error();
  return std::unique_ptr<SenderFeedback>(new SenderFeedback(
      config, queue, ssrc, std::move(inbox), std::move(buffer).value(), std::move(wake).value()));
}

void SenderFeedback::keep(std::span<const uint8_t> rtp) {
  resender_.keep(ssrc_, load_be16(rtp.data() + 2), rtp);
  ++packets_;
  octets_ += static_cast<uint32_t>(rtp.size() - kRtpHeaderBytes);
  const uint32_t timestamp = load_be32(rtp.data() + 4);
  if (rtp_time_ns_ != 0 && timestamp == rtp_timestamp_) return;
  rtp_timestamp_ = timestamp;
  rtp_time_ns_ = now_ns();
}

uint64_t SenderFeedback::serve(OutgoingPath& path, uint64_t now) {
  sent_bytes_ = 0;
  if (inbox_) {
    Feedback feedback;
    for (uint32_t i = 0; i < kBurst * kMostBursts && inbox_->pop(feedback); ++i) take(path, feedback, now);
  } else {
    receive(path, now);
  }
  resender_.probe(now, [&](std::span<const uint8_t> rtp) { return send_again(path, rtp); });
  if (now >= next_report_ns_ && packets_ != reported_packets_) report(path, now);
  return sent_bytes_;
}

void SenderFeedback::receive(OutgoingPath& path, uint64_t now) {
  std::array<onpath_packet, kBurst> packets;
  for (uint32_t burst = 0; burst < kMostBursts; ++burst) {
    const uint32_t count = port_.receive(port_.self, queue_, packets.data(), kBurst);
    for (uint32_t i = 0; i < count; ++i) {
      if (!take_packet(path, packets[i], now)) rtcp_dropped_.add(1);
    }
    if (count > 0) port_.release(port_.self, queue_, packets.data(), count);
    if (count < kBurst) break;
  }
}

/// False: no RTCP of a receiver of ours.
bool SenderFeedback::take_packet(OutgoingPath& path, const onpath_packet& packet, uint64_t now) {
  if (packet.flags & ONPATH_PACKET_TRUNCATED) return false;
  Datagram datagram;
  if (port_.framing == ONPATH_FRAMING_ETHERNET) {
    const FrameChecks checks{(packet.flags & ONPATH_PACKET_IP_CHECKSUM_OK) == 0,
                             (packet.flags & ONPATH_PACKET_UDP_CHECKSUM_OK) == 0};
    if (parse_frame({packet.data, packet.length}, checks, datagram)) return false;
  } else {
    std::memcpy(datagram.source.address.bytes.data(), packet.source.address, 16);
    datagram.payload = {packet.data, packet.length};
  }
  if (!to_group_ && datagram.source.address != destination_.address) return false;
  if (check_rtcp(datagram.payload)) return false;
  bool known = false;
  RtcpWalk walk(datagram.payload);
  for (RtcpPacket rtcp; walk.next(rtcp);) {
    Feedback feedback;
    feedback.ssrc = ssrc_;
    feedback.reporter = rtcp.ssrc;
    feedback.arrival_ns = now;
    if (is_nack(rtcp) && nack_media_ssrc(rtcp) == ssrc_) {
      known = true;
      for (size_t i = 0; i < nack_entries(rtcp); ++i) {
        feedback.nack = nack_entry(rtcp, i);
        take(path, feedback, now);
      }
    }
    for (size_t i = 0; i < report_blocks(rtcp); ++i) {
      feedback.is_report = true;
      feedback.report = report_block(rtcp, i);
      if (feedback.report.ssrc != ssrc_) continue;
      known = true;
      take(path, feedback, now);
    }
  }
  return known;
}

void SenderFeedback::take(OutgoingPath& path, const Feedback& feedback, uint64_t now) {
  if (feedback.ssrc != ssrc_) return;
  if (feedback.is_report) return note(feedback);
  resender_.answer(ssrc_, feedback.nack, now,
                   [&](std::span<const uint8_t> rtp) { return send_again(path, rtp); });
}

void SenderFeedback::note(const Feedback& feedback) {
  const ReportBlock& block = feedback.report;
  ReceiverReport report;
  report.reporter = feedback.reporter;
  report.fraction_lost = block.fraction_lost / 256.0;
  report.packets_lost = block.packets_lost;
  report.highest_sequence = block.highest_sequence;
  report.jitter_ms = block.jitter / kClockPerMs;
  if (block.last_sender_report != 0) {
    // RFC 3550 section 6.4.1: arrival less the report's time less the receiver's delay, in 1/65536 s.
    const auto arrival = static_cast<uint32_t>(ntp_of(feedback.arrival_ns) >> 16);
    const auto trip = static_cast<int32_t>(arrival - block.last_sender_report - block.delay_since);
    report.round_trip_ms = std::max(trip, 0) * 1000.0 / 65536;
  }
  const std::lock_guard lock(mutex_);
  const auto same = std::find_if(reports_.begin(), reports_.end(),
                                 [&](const ReceiverReport& one) { return one.reporter == report.reporter; });
  if (same != reports_.end()) {
    if (!report.round_trip_ms) report.round_trip_ms = same->round_trip_ms;
    *same = report;
  } else {
    // The receiver heard first gives way.
    if (reports_.size() == kMostReceivers) reports_.erase(reports_.begin());
    reports_.push_back(report);
  }
}

void SenderFeedback::report(OutgoingPath& path, uint64_t now) {
  SenderInfo info;
  info.ntp = ntp_of(now);
  info.rtp_timestamp = rtp_timestamp_ + ticks_of(now > rtp_time_ns_ ? now - rtp_time_ns_ : 0);
  info.packets = packets_;
  info.octets = octets_;
  const bool sent = send(path, [&](uint8_t* out) {
    const size_t bytes = build_sender_report(out, ssrc_, info);
    return bytes + build_cname(out + bytes, ssrc_, cname_);
  });
  if (!sent) return;
  reported_packets_ = packets_;
  next_report_ns_ = now + kReportNs;
}

bool SenderFeedback::send_again(OutgoingPath& path, std::span<const uint8_t> rtp) {
  return send(path, [&](uint8_t* out) {
    std::memcpy(out, rtp.data(), rtp.size());
    return rtp.size();
  });
}

/// One packet, tried once: who misses it asks again.
template <class Fill>
bool SenderFeedback::send(OutgoingPath& path, Fill fill) {
  if (!path.resolved()) return false;
  onpath_packet packet;
  if (port_.allocate(port_.self, queue_, &packet, 1) == 0) return false;
  const size_t bytes = fill(path.payload(packet));
  path.finish(packet, static_cast<uint32_t>(bytes));
  if (port_.transmit(port_.self, queue_, &packet, 1) == 0) {
    port_.release(port_.self, queue_, &packet, 1);
    return false;
  }
  sent_bytes_ += bytes;
  return (packet.flags & ONPATH_PACKET_REFUSED) == 0;
}

void SenderFeedback::begin_wait() {
  if (!inbox_) port_.arm(port_.self, queue_, 1);
}

void SenderFeedback::wait() {
  const uint64_t now = now_ns();
  const uint64_t look = inbox_ && resender_.fresh(now) ? kLookNs : kIdleLookNs;
  uint64_t until = std::min(resender_.next_probe_ns(), now + look);
  if (packets_ != reported_packets_) until = std::min(until, next_report_ns_);
  pollfd fds[2] = {{wake_->fd(), POLLIN, 0}, {inbox_ ? -1 : port_.wait_fd(port_.self, queue_), POLLIN, 0}};
  const uint64_t wait_ns = std::max<uint64_t>(until > now ? until - now : 0, 1'000'000);
  const timespec limit{static_cast<time_t>(wait_ns / 1'000'000'000),
                       static_cast<long>(wait_ns % 1'000'000'000)};
  ppoll(fds, 2, &limit, nullptr);
  if (!inbox_) port_.arm(port_.self, queue_, 0);
  wake_->drain();
}

SenderStats SenderFeedback::stats() const {
  SenderStats stats;
  const ResendCounters& counters = resender_.counters();
  stats.nacks_received = counters.nacks_received.get();
  stats.resent = counters.resent.get();
  stats.refused = counters.refused.get();
  stats.probes = counters.probes.get();
  stats.rtcp_dropped = rtcp_dropped_.get();
  const std::lock_guard lock(mutex_);
  stats.reports = reports_;
  return stats;
}

}  // namespace onpath
