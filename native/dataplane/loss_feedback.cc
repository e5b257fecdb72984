// What senders are told of losses, and when: NACKs that are repeated with growing pauses while somebody waits
// for the sample, questions about the end of a sample, reports.
#include <algorithm>
#include <cstring>

#include "dataplane/loss_repair.h"
#include "dataplane/route_lane.h"
#include "wire/mac.h"

namespace onpath {
namespace {

constexpr uint64_t kRetryTickNs = 1'000'000;
constexpr uint32_t kNamedByEntry = 17;  // a packet and 16 behind it

/// Nanoseconds in 1/65536 s.
uint32_t delay_of(uint64_t ns) {
  return static_cast<uint32_t>(ns / 1'000'000'000 * 65536 + ns % 1'000'000'000 * 65536 / 1'000'000'000);
}

}  // namespace

void LossRepair::tick(uint64_t now, RouteLane& lane) {
  if (now < next_due_ns_) return;
  next_due_ns_ = UINT64_MAX;
  for (uint32_t i = 0; i < active_count_;) {
    const uint32_t index = active_[i];
    const uint64_t due = serve(index, now, lane);
    if (due == UINT64_MAX) {
      losses_[index].active = false;
      active_[i] = active_[--active_count_];
      continue;
    }
    next_due_ns_ = std::min(next_due_ns_, due);
    ++i;
  }
  if (!parts_.queue->empty()) parts_.queue->flush();
}

/// Returns when there is something to do again.
uint64_t LossRepair::serve(uint32_t index, uint64_t now, RouteLane& lane) {
  StreamLoss& loss = losses_[index];
  if (!loss.feedback) return UINT64_MAX;
  Stream& stream = parts_.streams->at(index);
  uint64_t due = UINT64_MAX;
  if (config_.nack) {
    if (!loss.lost.none()) due = ask_for_gaps(loss, stream, now);
    // Nothing of a sample follows its marker, but of others that are open.
    const bool at_end =
        !interleaves_ && loss.marker && stream.open_samples == 1 && lane.has_open(stream, loss.timestamp);
    if (loss.lost.none() && stream.open_samples > 0 && !at_end) due = std::min(due, ask_for_tail(loss, now));
  }
  return std::min(due, report(loss, now));
}

/// Whether it may still be of use.
bool LossRepair::is_awaited(const Gap& gap, const Stream& stream, uint64_t now) const {
  if (now >= gap.until_ns || gap.asked >= config_.max_retries) return false;
  // Between two samples, a third may be missing as a whole. And where a hop before this one repairs too,
  // packets of several alternate: of which one this is, is not known.
  return gap.before != gap.after || stream.open_samples > 0;
}

uint64_t LossRepair::ask_for_gaps(StreamLoss& loss, const Stream& stream, uint64_t now) {
  uint64_t due = UINT64_MAX;
  Entries entries;
  for (uint32_t i = 0; i < loss.lost.count(); ++i) {
    Gap& gap = loss.lost.at(i);
    if (gap.missing == 0) continue;
    if (gap.due_ns > now) {
      due = std::min(due, gap.due_ns);
      continue;
    }
    if (!is_awaited(gap, stream, now)) {
      loss.lost.give_up(gap);
      continue;
    }
    bool asked = true;
    for (uint32_t s = gap.first; asked && s != gap.first + gap.count; ++s) {
      if (!loss.lost.is_missing(s) || add_entry(entries, s, most_entries_)) continue;
      asked = send_nack(loss, entries, now) && add_entry(entries, s, most_entries_);
    }
    if (!asked) {
      due = std::min(due, now + kRetryTickNs);
      break;
    }
    ++gap.asked;
    gap.asked_ns = now;
    gap.due_ns = now + wait_after(loss, gap.asked);
    due = std::min(due, gap.due_ns);
  }
  // What the rate does not allow now counts as asked: it is, next time.
  if (entries.count > 0) send_nack(loss, entries, now);
  loss.lost.drop_ended();
  return due;
}

/// A sample is open, nothing is known to be missing, and nothing comes: its end may be lost. Asks for what
/// would come next; a sender that has not sent it does nothing.
uint64_t LossRepair::ask_for_tail(StreamLoss& loss, uint64_t now) {
  if (loss.tail_highest != loss.highest) {
    // What was asked for came, or something else did: so much more may be asked for.
    loss.tail_highest = loss.highest;
    loss.tail_asked = 0;
    loss.tail_due_ns = 0;
  }
  if (loss.tail_asked >= config_.max_retries) return UINT64_MAX;
  const uint64_t due = std::max(loss.last_packet_ns + config_.tail_ns, loss.tail_due_ns);
  if (now < due) return due;
  Entries entries;
  for (uint32_t s = 1; s <= kNamedByEntry * 4; ++s) add_entry(entries, loss.highest + s, most_entries_);
  if (!send_nack(loss, entries, now)) return now + kRetryTickNs;
  ++loss.tail_asked;
  loss.tail_due_ns = now + wait_after(loss, loss.tail_asked);
  return loss.tail_due_ns;
}

/// RFC 3550 appendix A.3, while packets come.
uint64_t LossRepair::report(StreamLoss& loss, uint64_t now) {
  if (config_.report_ns == 0) return UINT64_MAX;
  if (now < loss.next_report_ns) return loss.next_report_ns;
  const bool news = loss.received != loss.received_before;
  if (!news && now - loss.last_packet_ns > 2 * config_.report_ns) {
    loss.next_report_ns = 0;  // of the next packet
    return UINT64_MAX;
  }
  if (news && may_send(loss, now)) {
    const uint64_t expected = uint64_t{loss.highest - loss.base} + 1;
    const uint64_t expected_now = expected - loss.expected_before;
    const uint64_t received_now = loss.received - loss.received_before;
    ReportBlock block;
    block.ssrc = loss.key.ssrc();
    if (expected_now > received_now)
      block.fraction_lost =
          static_cast<uint8_t>(std::min<uint64_t>(255, (expected_now - received_now) * 256 / expected_now));
    const auto lost = static_cast<int64_t>(expected) - static_cast<int64_t>(loss.received);
    block.packets_lost = static_cast<int32_t>(std::clamp<int64_t>(lost, -(1 << 23), (1 << 23) - 1));
    block.highest_sequence = loss.highest;
    block.jitter = loss.jitter >> 4;
    block.last_sender_report = loss.sender_report;
    if (loss.sender_report != 0) block.delay_since = delay_of(now - loss.sender_report_ns);
    if (uint8_t* out = begin_packet()) {
      size_t bytes = build_receiver_report(out, parts_.ssrc, {&block, 1});
      bytes += build_cname(out + bytes, parts_.ssrc, cname_);
      send_packet(loss, bytes);
      parts_.counters->reports_sent.add(1);
    }
    loss.expected_before = expected;
    loss.received_before = loss.received;
  }
  loss.next_report_ns = now + config_.report_ns;
  return loss.next_report_ns;
}

/// How long an answer is waited for, the longer the more often was asked.
uint64_t LossRepair::wait_after(const StreamLoss& loss, uint32_t asked) const {
  const uint64_t once = std::max(config_.retry_ns, loss.round_trip_ns + 4 * loss.round_trip_varies_ns);
  return std::min(once << std::min(asked - 1, 16u), std::max(kMostWaitNs, config_.retry_ns));
}

/// False: there is no place.
bool LossRepair::add_entry(Entries& entries, uint32_t sequence, size_t most) {
  const auto number = static_cast<uint16_t>(sequence);
  if (entries.count > 0) {
    NackEntry& last = entries.entries[entries.count - 1];
    const auto behind = static_cast<uint16_t>(number - last.packet);
    if (behind > 0 && behind < kNamedByEntry) {
      last.following = static_cast<uint16_t>(last.following | 1u << (behind - 1));
      ++entries.packets;
      return true;
    }
  }
  if (entries.count == most) return false;
  entries.entries[entries.count++] = {number, 0};
  ++entries.packets;
  return true;
}

/// One compound: an empty report and a name come first, as RFC 3550 section 6.1 asks. False: the rate does
/// not allow it, or the port has no buffer.
bool LossRepair::send_nack(StreamLoss& loss, Entries& entries, uint64_t now) {
  if (!may_send(loss, now)) return false;
  uint8_t* out = begin_packet();
  if (out == nullptr) return false;
  size_t bytes = build_receiver_report(out, parts_.ssrc, {});
  bytes += build_cname(out + bytes, parts_.ssrc, cname_);
  bytes += build_nack(out + bytes, parts_.ssrc, loss.key.ssrc(), {entries.entries.data(), entries.count});
  send_packet(loss, bytes);
  parts_.counters->nacks_sent.add(entries.packets);
  entries.count = 0;
  entries.packets = 0;
  return true;
}

bool LossRepair::may_send(StreamLoss& loss, uint64_t now) { return loss.limit.take(now) && limit_.take(now); }

uint8_t* LossRepair::begin_packet() {
  building_ = parts_.queue->next();
  if (building_ == nullptr) return nullptr;
  // The longest headers: send_packet() moves what is built to where it belongs.
  const bool ethernet = parts_.port->framing == ONPATH_FRAMING_ETHERNET;
  return building_->data + (ethernet ? udp_headers_bytes(false) : 0);
}

void LossRepair::send_packet(const StreamLoss& loss, size_t bytes) {
  onpath_packet& packet = *building_;
  packet.flags = 0;
  if (parts_.port->framing == ONPATH_FRAMING_ETHERNET) {
    const size_t headers = udp_headers_bytes(loss.own.address.is_v4());
    std::memmove(packet.data + headers, packet.data + udp_headers_bytes(false), bytes);
    packet.length = static_cast<uint32_t>(build_frame(packet.data, mac_at(parts_.port->mac), loss.mac,
                                                      loss.own, loss.peer, bytes, identification_++));
  } else {
    packet.length = static_cast<uint32_t>(bytes);
    std::copy(loss.peer.address.bytes.begin(), loss.peer.address.bytes.end(), packet.destination.address);
    packet.destination.port = loss.peer.port;
  }
  parts_.queue->commit(own_packets_);
}

}  // namespace onpath
