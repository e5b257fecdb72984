#include "dataplane/fanout.h"

#include <bit>
#include <cstring>
#include <utility>

#include "base/big_endian.h"
#include "wire/frame.h"
#include "wire/plain_datagram.h"

namespace onpath {
namespace {

constexpr uint32_t kLeastPackets = 32;
constexpr uint32_t kMostPackets = 256;
// What ports let their callers keep of one queue, less a burst or two: a hung worker must not starve the
// others of buffers.
constexpr uint32_t kFramesKept = 448;
constexpr uint32_t kDatagramsKept = 96;
constexpr uint32_t kHeadersAhead = 4;
constexpr size_t kRtpHeader = 12;

uint64_t mix(uint64_t hash, uint64_t value) {
  hash = (hash ^ value) * 0x9fb21c651e98df25u;
  return hash ^ hash >> 32;
}

/// RFC 5761 section 4: where RTP and RTCP share a port, these second bytes are RTCP.
bool is_rtcp(uint8_t second) { return second >= 192 && second <= 223; }

}  // namespace

Fanout::Fanout(const onpath_port& port, uint32_t queue, uint32_t self, uint64_t seed,
               std::shared_ptr<WorkerGroup> group, std::vector<std::shared_ptr<FanoutRing>> rings)
    : port_(port),
      queue_(queue),
      self_(self),
      seed_(seed),
      ethernet_(port.framing == ONPATH_FRAMING_ETHERNET),
      group_(std::move(group)),
      rings_(std::move(rings)) {
  share_out(group_->live());
}

uint32_t Fanout::ring_packets(const onpath_port& port, uint32_t workers) {
  const uint32_t kept = port.framing == ONPATH_FRAMING_ETHERNET ? kFramesKept : kDatagramsKept;
  return std::clamp(std::bit_floor(kept / (workers - 1)), kLeastPackets, kMostPackets);
}

/// Buckets go round the workers; those of a worker that is fenced go round the others.
void Fanout::share_out(uint64_t live) {
  live_ = live;
  const uint64_t usable = live | uint64_t{1} << self_;  // who runs this lives
  std::array<uint8_t, 64> living{};
  uint32_t count = 0;
  for (uint32_t w = 0; w < group_->size(); ++w) {
    if (usable >> w & 1) living[count++] = static_cast<uint8_t>(w);
  }
  const uint32_t workers = group_->size();
  for (uint32_t b = 0; b < kBuckets; ++b) {
    const uint32_t first = b % workers;
    workers_[b] = usable >> first & 1 ? static_cast<uint8_t>(first) : living[b / workers % count];
  }
}

uint32_t Fanout::worker_of(const onpath_packet& packet) const {
  Endpoint source;
  std::span<const uint8_t> payload;
  if (ethernet_) {
    // Checksums are for the worker that takes the packet.
    constexpr FrameChecks kUnchecked{false, false};
    const std::span<const uint8_t> frame(packet.data, packet.length);
    Datagram datagram;
    if (!parse_plain_datagram(frame, kUnchecked, datagram) && parse_frame(frame, kUnchecked, datagram))
      return self_;
    source = datagram.source;
    payload = datagram.payload;
  } else {
    std::memcpy(source.address.bytes.data(), packet.source.address, 16);
    source.port = packet.source.port;
    payload = {packet.data, packet.length};
  }
  if (payload.size() < kRtpHeader || payload[0] >> 6 != 2 || is_rtcp(payload[1])) return self_;
  uint64_t high, low;
  std::memcpy(&high, source.address.bytes.data(), 8);
  std::memcpy(&low, source.address.bytes.data() + 8, 8);
  const uint64_t stream = uint64_t{source.port} << 32 | load_be32(&payload[8]);
  const uint64_t hash = mix(mix(mix(seed_, high), low), stream);
  return workers_[hash >> (64 - std::countr_zero(kBuckets))];
}

uint32_t Fanout::spread(onpath_packet* packets, uint32_t count, uint64_t now, uint32_t& dropped) {
  if (const uint64_t live = group_->live(); live != live_) [[unlikely]]
    share_out(live);
  uint32_t kept = 0;
  uint64_t touched = 0;
  dropped = 0;
  for (uint32_t i = 0; i < count; ++i) {
    if (i + kHeadersAhead < count) __builtin_prefetch(packets[i + kHeadersAhead].data);
    const uint32_t worker = worker_of(packets[i]);
    if (worker == self_) {
      if (kept != i) packets[kept] = packets[i];
      ++kept;
      continue;
    }
    if (packets[i].time_ns == 0) packets[i].time_ns = now;
    if (!rings_[worker]->push(packets[i])) {
      port_.release(port_.self, queue_, &packets[i], 1);
      ++dropped;
      continue;
    }
    touched |= uint64_t{1} << worker;
  }
  for (; touched != 0; touched &= touched - 1) {
    const auto worker = static_cast<uint32_t>(std::countr_zero(touched));
    rings_[worker]->publish();
    group_->wake(worker);
  }
  return kept;
}

void Fanout::take_back() {
  for (const auto& ring : rings_) {
    if (!ring) continue;
    ring->take_back([this](const onpath_packet* first, uint32_t count) {
      port_.release(port_.self, queue_, first, count);
    });
  }
}

void Fanout::take_back_all() {
  for (const auto& ring : rings_) {
    if (!ring) continue;
    ring->take_back_all([this](const onpath_packet* first, uint32_t count) {
      port_.release(port_.self, queue_, first, count);
    });
  }
}

void Fanout::end() {
  for (const auto& ring : rings_) {
    if (ring) ring->end();
  }
}

}  // namespace onpath
