// Answers NACKs out of a ResendBuffer: plain resends with the old sequence number, at a bounded rate. And a
// probe: who asks for what is missing sees that only when something later comes, so the last packet leaves
// again when nothing follows it (as RFC 8985 section 7 has it for TCP). One thread's. Hot path: no
// allocation, no lock, no system call.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "dataplane/config.h"
#include "dataplane/counters.h"
#include "dataplane/rate_limit.h"
#include "dataplane/resend_buffer.h"
#include "wire/rtcp.h"

namespace onpath {

/// One writer, readable by anyone. Packets asked for = resent + refused.
struct ResendCounters {
  Counter nacks_received;  // packets asked for, as often as they were
  Counter resent;
  Counter refused;  // gone, never sent, sent again just before, beyond the rate, or not taken by the port
  Counter probes;
};

class Resender {
 public:
  Resender(std::unique_ptr<ResendBuffer> buffer, const ResendConfig& config)
      : buffer_(std::move(buffer)),
        limit_(config.packets_per_second, std::max<uint64_t>(1, config.packets_per_second / 10)) {}

  void keep(uint32_t ssrc, uint16_t sequence, std::span<const uint8_t> rtp) {
    buffer_->keep(ssrc, sequence, rtp);
  }
  /// `send(bytes)` gives a packet to the port and says whether there was room for it.
  template <class Send>
  void answer(uint32_t ssrc, const NackEntry& nack, uint64_t now, Send send) {
    resend(ssrc, nack.packet, now, send);
    for (uint32_t bit = 0; bit < 16; ++bit) {
      if (nack.following >> bit & 1) resend(ssrc, static_cast<uint16_t>(nack.packet + bit + 1), now, send);
    }
  }
  template <class Send>
  void probe(uint64_t now, Send send) {
    if (buffer_->kept() != kept_before_) {
      kept_before_ = buffer_->kept();
      quiet_since_ = now;
      probes_ = 0;
    } else if (probes_ < kProbesNs.size() && kept_before_ > 0 && now - quiet_since_ >= kProbesNs[probes_]) {
      ++probes_;
      if (send(buffer_->bytes(*buffer_->last()))) counters_.probes.add(1);
    }
  }
  /// When probe() is to be called again; UINT64_MAX: not before something was kept.
  uint64_t next_probe_ns() const {
    if (buffer_->kept() != kept_before_) return 0;
    return kept_before_ > 0 && probes_ < kProbesNs.size() ? quiet_since_ + kProbesNs[probes_] : UINT64_MAX;
  }
  /// Whether packets left so shortly ago that somebody may still ask for one.
  bool fresh(uint64_t now) const {
    return buffer_->kept() != kept_before_ || (kept_before_ > 0 && now - quiet_since_ < kFreshNs);
  }
  const ResendCounters& counters() const { return counters_; }

 private:
  static constexpr uint64_t kHoldNs = 1'000'000;  // the same packet is not sent again sooner
  static constexpr uint64_t kFreshNs = 2'000'000'000;
  static constexpr std::array<uint64_t, 3> kProbesNs = {20'000'000, 60'000'000, 180'000'000};

  template <class Send>
  void resend(uint32_t ssrc, uint16_t sequence, uint64_t now, Send& send) {
    counters_.nacks_received.add(1);
    ResendBuffer::Packet* packet = buffer_->find(ssrc, sequence);
    const bool held = packet == nullptr || (packet->resent_ns != 0 && now - packet->resent_ns < kHoldNs);
    if (held || !limit_.take(now) || !send(buffer_->bytes(*packet))) return counters_.refused.add(1);
    packet->resent_ns = now;
    counters_.resent.add(1);
  }

  const std::unique_ptr<ResendBuffer> buffer_;
  RateLimit limit_;
  ResendCounters counters_;
  uint64_t kept_before_ = 0;
  uint64_t quiet_since_ = 0;
  size_t probes_ = 0;
};

}  // namespace onpath
