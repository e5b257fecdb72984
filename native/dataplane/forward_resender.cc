#include "dataplane/forward_resender.h"

#include <algorithm>
#include <cstring>

#include "dataplane/saturating.h"

namespace onpath {
namespace {

constexpr uint64_t kLookNs = 5'000'000;  // for feedback that another worker took, while this one sleeps

}  // namespace

Result<std::unique_ptr<ForwardResender>> ForwardResender::make(const ForwardSinkConfig& config,
                                                               const OutgoingPath& path, TransmitQueue& queue,
                                                               std::shared_ptr<FeedbackInbox> inbox) {
  auto buffer = ResendBuffer::make(config.resend->packets, config.max_payload_bytes);
  if (!buffer) return buffer.error();
  return std::unique_ptr<ForwardResender>(
      new ForwardResender(std::move(buffer).value(), *config.resend, path, queue, std::move(inbox)));
}

uint64_t ForwardResender::bytes_for(const ForwardSinkConfig& config) {
  if (!config.resend) return 0;
  return plus(plus(sizeof(ForwardResender), FeedbackInbox::bytes_for(kInbox)),
              ResendBuffer::bytes_for(config.resend->packets, config.max_payload_bytes));
}

void ForwardResender::tick(uint64_t now) {
  last_tick_ns_ = now;
  const auto send_one = [this](std::span<const uint8_t> rtp) { return send(rtp); };
  Feedback feedback;
  for (uint32_t taken = 0; taken < kInbox && inbox_->pop(feedback); ++taken) {
    if (!feedback.is_report) resender_.answer(feedback.ssrc, feedback.nack, now, send_one);
  }
  resender_.probe(now, send_one);
  if (!queue_.empty()) queue_.flush();
}

uint64_t ForwardResender::next_tick_ns() const {
  const uint64_t look = resender_.fresh(last_tick_ns_) ? last_tick_ns_ + kLookNs : UINT64_MAX;
  return std::min(look, resender_.next_probe_ns());
}

bool ForwardResender::send(std::span<const uint8_t> rtp) {
  if (!path_.resolved()) return false;
  onpath_packet* packet = queue_.next();
  if (packet == nullptr) return false;
  std::memcpy(path_.payload(*packet), rtp.data(), rtp.size());
  path_.finish(*packet, static_cast<uint32_t>(rtp.size()));
  queue_.commit(own_packets_);
  return true;
}

}  // namespace onpath
