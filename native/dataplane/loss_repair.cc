// The arrivals' part of loss repair: what is missing. What is said of it: loss_feedback.cc.
#include "dataplane/loss_repair.h"

#include <algorithm>
#include <bit>
#include <cstdio>

#include "base/big_endian.h"
#include "dataplane/route_lane.h"
#include "dataplane/saturating.h"
#include "wire/chunk.h"
#include "wire/mac.h"

namespace onpath {
namespace {

constexpr uint32_t kLeastWindow = 256;
constexpr uint32_t kPacketsPerGap = 16;
constexpr uint32_t kMostBefore = 64;  // that are asked for of those before the first packet of a stream
constexpr size_t kIdentifierBytes = 15;

uint32_t window_of(const RouteConfig& route) {
  return std::bit_ceil(std::max(route.repair->window_packets, kLeastWindow));
}

std::string identifier(uint32_t ssrc) {
  char text[kIdentifierBytes + 1];
  std::snprintf(text, sizeof text, "onpath-%08x", ssrc);
  return text;
}

}  // namespace

uint64_t LossRepair::bytes_for(const RouteConfig& route) {
  if (!route.repair) return 0;
  const uint64_t window = window_of(route);
  const uint64_t stream =
      sizeof(StreamLoss) + window / 8 + window / kPacketsPerGap * sizeof(Gap) + sizeof(uint32_t);
  return plus(sizeof(LossRepair), times(stream, route.max_streams));
}

LossRepair::LossRepair(const RouteConfig& route, const Parts& parts)
    : config_(*route.repair),
      feedback_(route.repair->feedback),
      parts_(parts),
      chunks_(route.payload == PayloadFormat::chunk),
      interleaves_(route.text.has_value()),
      deadline_ns_(route.deadline_ns),
      window_(window_of(route)),
      most_gaps_(window_ / kPacketsPerGap),
      cname_(identifier(parts.ssrc)),
      limit_(config_.route_packets_per_second, std::max<uint64_t>(1, config_.route_packets_per_second / 10)),
      losses_(std::make_unique<StreamLoss[]>(route.max_streams)),
      words_(std::make_unique<uint64_t[]>(uint64_t{window_ / 64} * route.max_streams)),
      gaps_(std::make_unique<Gap[]>(uint64_t{most_gaps_} * route.max_streams)),
      active_(std::make_unique<uint32_t[]>(route.max_streams)) {
  for (uint64_t i = 0; i < route.max_streams; ++i)
    losses_[i].lost.use(&words_[i * (window_ / 64)], &gaps_[i * most_gaps_], window_, most_gaps_);
}

Result<std::unique_ptr<LossRepair>> LossRepair::make(const RouteConfig& route, const Parts& parts) {
  std::unique_ptr<LossRepair> made(new LossRepair(route, parts));
  const bool ethernet = parts.port->framing == ONPATH_FRAMING_ETHERNET;
  const size_t fixed = (ethernet ? udp_headers_bytes(false) : 0) + kReceiverReportBytes +
                       cname_bytes(made->cname_.size()) +
                       std::max(kNackBytes + kNackEntryBytes, kReportBlockBytes);
  if (parts.port->max_bytes < fixed) {
    return Error{ErrorCode::INVALID_SPEC,
                 "Route \"" + route.name + "\" asks for repair, but its port sends " +
                     std::to_string(parts.port->max_bytes) + " bytes at most, and feedback needs " +
                     std::to_string(fixed) + ". Raise the port's maxBytes."};
  }
  const size_t more = (parts.port->max_bytes - fixed) / kNackEntryBytes;
  made->most_entries_ = std::min(kMostEntries, more + 1);
  return made;
}

void LossRepair::arriving(const onpath_packet& packet, const Datagram& datagram, const RtpPacket& rtp) {
  // Extended sequence numbers: the high half leads an RFC 4175 payload, and stands at 2 in a chunk.
  const size_t at = chunks_ ? 2 : 0;
  const uint32_t high = rtp.payload.size() < 4 ? 0 : load_be16(rtp.payload.data() + at);
  arriving_.numbers = {high << 16 | rtp.sequence, rtp.timestamp, rtp.marker};
  arriving_.ssrc = rtp.ssrc;
  arriving_.before = packets_before(rtp.payload);
  // Senders of chunks begin at 0; those that repaired themselves do not begin with the beginning of a sample.
  if (chunks_ && arriving_.numbers.sequence < kMostBefore)
    arriving_.before = std::max(arriving_.before, arriving_.numbers.sequence);
  arriving_.source = datagram.source;
  arriving_.destination = datagram.destination;
  arriving_.answerable = true;
  if (parts_.port->framing != ONPATH_FRAMING_ETHERNET) return;
  arriving_.mac = mac_at(packet.data + 6);
  // An answer has no VLAN tag, so what came with one gets none.
  const uint16_t type = load_be16(packet.data + 12);
  arriving_.answerable = (type == 0x0800 || type == 0x86dd) && is_station(arriving_.mac);
}

/// How many packets of the sample leave before this one, if they are all as long; no more than one entry of a
/// NACK names where a payload does not tell.
uint32_t LossRepair::packets_before(std::span<const uint8_t> payload) const {
  constexpr uint64_t kUnknown = 16;
  if (!chunks_) {
    const bool begins = payload.size() < 8 || (load_be32(payload.data() + 4) & 0x7fff7fff) == 0;
    return begins ? 0 : kUnknown;
  }
  if (payload.size() <= kChunkHeaderBytes) return 0;
  const uint64_t headers = kChunkHeaderBytes + size_t{payload[0] & 0x0fu} * 4;
  const uint64_t bytes = payload.size() > headers ? payload.size() - headers : 1;
  const uint64_t offset = load_be64(payload.data() + 16);
  return static_cast<uint32_t>(
      std::min<uint64_t>(kMostBefore, offset / bytes + (offset % bytes != 0 ? 1 : 0)));
}

void LossRepair::taken(uint64_t now) {
  const StreamKey key(arriving_.ssrc, arriving_.source);
  const Stream* stream = parts_.streams->find(parts_.streams->hash(key), key);
  if (stream == nullptr) return;
  const uint32_t index = parts_.streams->index_of(*stream);
  StreamLoss& loss = losses_[index];
  if (!loss.known || loss.key != key) return begin(index, key, now);
  if (loss.feedback) follow(index, arriving_.numbers, now);
}

/// The first packet of a stream, perhaps in the place of another that gave way.
void LossRepair::begin(uint32_t index, const StreamKey& key, uint64_t now) {
  StreamLoss& loss = losses_[index];
  LostPackets lost = loss.lost;
  lost.forget_all();
  const bool active = loss.active;
  loss = StreamLoss{};
  loss.lost = lost;
  loss.active = active;
  loss.key = key;
  loss.known = true;
  loss.own = arriving_.destination;
  loss.peer = arriving_.source;
  loss.mac = arriving_.mac;
  if (config_.next_port) ++loss.peer.port;
  if (is_multicast(loss.own.address)) {
    const IpAddress* own = parts_.host == nullptr ? nullptr : parts_.host->source_for(loss.peer.address);
    arriving_.answerable =
        arriving_.answerable && (own != nullptr || parts_.port->framing != ONPATH_FRAMING_ETHERNET);
    if (own != nullptr) loss.own.address = *own;
  }
  loss.feedback = arriving_.answerable && loss.peer.port != 0 && feedback_.allows(loss.peer.address);
  loss.limit = RateLimit(config_.packets_per_second, std::max<uint64_t>(1, config_.packets_per_second / 10));
  restart(loss, arriving_.numbers);
  loss.last_packet_ns = now;
  loss.next_report_ns = config_.report_ns == 0 ? UINT64_MAX : plus(now, config_.report_ns);
  if (!loss.feedback) return;
  if (const uint32_t count = arriving_.before; count > 0) {
    // Its sample began before; whether those packets are late or lost is seen as of any others.
    const uint32_t timestamp = loss.timestamp;
    loss.lost.add({loss.highest - count, count, count, 0, timestamp, timestamp, plus(now, config_.reorder_ns),
                   0, plus(now, deadline_ns_)});
  }
  activate(index, now);
}

void LossRepair::restart(StreamLoss& loss, const Numbers& numbers) {
  loss.lost.forget_all();
  loss.highest = loss.base = numbers.sequence;
  loss.timestamp = numbers.timestamp;
  loss.marker = numbers.marker;
  loss.received = 1;
  loss.expected_before = loss.received_before = 0;
  loss.has_restart = false;
  loss.tail_asked = 0;
}

void LossRepair::follow(uint32_t index, const Numbers& numbers, uint64_t now) {
  StreamLoss& loss = losses_[index];
  uint32_t sequence = numbers.sequence;
  const auto limit = static_cast<int32_t>(window_);
  auto ahead = static_cast<int32_t>(sequence - loss.highest);
  if ((ahead >= limit || ahead <= -limit) && sequence >> 16 == 0) {
    // Of a sender that does not extend its numbers: as RFC 3550 appendix A.1 counts their cycles.
    ahead = static_cast<int16_t>(sequence - loss.highest);
    sequence = loss.highest + static_cast<uint32_t>(ahead);
  }
  if (ahead >= limit || ahead <= -limit) {
    // A jump is believed when the next packet goes on from there.
    if (loss.has_restart && sequence == loss.restart_at) {
      restart(loss, {sequence, numbers.timestamp, numbers.marker});
    } else {
      loss.has_restart = true;
      loss.restart_at = sequence + 1;
    }
    return;
  }
  ++loss.received;
  loss.last_packet_ns = now;
  if (ahead > 0) {
    loss.lost.advance(sequence);
    if (ahead > 1) {
      const uint64_t due = plus(now, config_.reorder_ns);
      const auto count = static_cast<uint32_t>(ahead - 1);
      loss.lost.add({loss.highest + 1, count, count, 0, loss.timestamp, numbers.timestamp, due, 0,
                     plus(now, deadline_ns_)});
      next_due_ns_ = std::min(next_due_ns_, due);
    }
    loss.highest = sequence;
    loss.has_restart = false;
    if (numbers.timestamp != loss.timestamp) note_transit(loss, numbers.timestamp, now);
    loss.timestamp = numbers.timestamp;
    loss.marker = numbers.marker;
  } else if (ahead < 0 && loss.lost.is_missing(sequence)) {
    const Gap gap = loss.lost.found(sequence);
    if (static_cast<int32_t>(sequence - loss.base) < 0) loss.base = sequence;
    if (gap.asked > 0) parts_.counters->packets_repaired.add(1);
    // Karn: of what was asked for twice it is not known which one was answered.
    if (gap.asked == 1) note_round_trip(loss, now - gap.asked_ns);
  }
  if (!loss.active) activate(index, now);
}

/// RFC 3550 appendix A.8, once for each sample: its packets share a timestamp.
void LossRepair::note_transit(StreamLoss& loss, uint32_t timestamp, uint64_t now) {
  const auto arrival = static_cast<uint32_t>(now / 100'000 * 9 + now % 100'000 * 9 / 100'000);
  const uint32_t transit = arrival - timestamp;
  const auto difference = static_cast<int32_t>(transit - loss.transit);
  if (loss.transit != 0) {
    const uint32_t distance =
        difference < 0 ? 0u - static_cast<uint32_t>(difference) : static_cast<uint32_t>(difference);
    loss.jitter += distance - ((loss.jitter + 8) >> 4);
  }
  loss.transit = transit;
}

/// RFC 6298 section 2.
void LossRepair::note_round_trip(StreamLoss& loss, uint64_t ns) {
  ns = std::clamp<uint64_t>(ns, 1, kMostWaitNs);
  if (loss.round_trip_ns == 0) {
    loss.round_trip_ns = ns;
    loss.round_trip_varies_ns = ns / 2;
    return;
  }
  const uint64_t off = ns > loss.round_trip_ns ? ns - loss.round_trip_ns : loss.round_trip_ns - ns;
  loss.round_trip_varies_ns = (3 * loss.round_trip_varies_ns + off) / 4;
  loss.round_trip_ns = (7 * loss.round_trip_ns + ns) / 8;
}

void LossRepair::activate(uint32_t index, uint64_t due) {
  next_due_ns_ = std::min(next_due_ns_, due);
  if (losses_[index].active) return;
  losses_[index].active = true;
  active_[active_count_++] = index;
}

bool LossRepair::take_sender_report(uint32_t ssrc, const Endpoint& source, uint64_t ntp, uint64_t now) {
  Endpoint from = source;
  if (config_.next_port) --from.port;
  const StreamKey key(ssrc, from);
  const Stream* stream = parts_.streams->find(parts_.streams->hash(key), key);
  if (stream == nullptr) return false;
  StreamLoss& loss = losses_[parts_.streams->index_of(*stream)];
  if (!loss.known || loss.key != key) return false;
  loss.sender_report = static_cast<uint32_t>(ntp >> 16);
  loss.sender_report_ns = now;
  return true;
}

}  // namespace onpath
