// The hot path of a worker: from a received burst to the lanes of its routes. No lock, no allocation, no
// system call here.
#include "dataplane/worker.h"

#include <algorithm>
#include <cstring>

#include "wire/frame.h"
#include "wire/plain_datagram.h"
#include "wire/rtp.h"

namespace onpath {
namespace {

Endpoint endpoint_of(const onpath_endpoint& from) {
  Endpoint endpoint;
  std::memcpy(endpoint.address.bytes.data(), from.address, 16);
  endpoint.port = from.port;
  return endpoint;
}

uint64_t time_of(const onpath_packet& packet, uint64_t now) {
  return packet.time_ns != 0 ? packet.time_ns : now;
}

// How far ahead of the packet that is worked on bytes are fetched from memory.
constexpr uint32_t kHeadersAhead = 4;
constexpr uint32_t kPayloadAhead = 2;
constexpr uint32_t kLineBytes = 64;
constexpr uint32_t kHeaderLines = 2;      // all headers of nearly every packet
constexpr uint32_t kPrefetchBytes = 512;  // of a longer packet, the rest is left to the hardware

/// What lies behind a shorter packet does no harm.
void prefetch_headers(const onpath_packet& packet) {
  for (uint32_t line = 0; line < kHeaderLines; ++line) __builtin_prefetch(packet.data + line * kLineBytes);
}

void prefetch_payload(const onpath_packet& packet) {
  const uint32_t bytes = std::min(packet.length, kPrefetchBytes);
  for (uint32_t at = kHeaderLines * kLineBytes; at < bytes; at += kLineBytes)
    __builtin_prefetch(packet.data + at);
}

}  // namespace

uint32_t Worker::poll_once(uint64_t now) {
  if (versions_offered_.load(std::memory_order_relaxed)) [[unlikely]]
    take_versions();
  uint32_t done = 0;
  for (Queue& queue : queues_) done += poll_queue(queue, now, false);
  for (PortPart& port : parts_.ports) {
    if (port.transmit && !port.transmit->empty()) port.transmit->flush();
  }
  if (now >= next_tick_) tick(now);
  return done;
}

uint32_t Worker::poll_queue(Queue& queue, uint64_t now, bool give_up) {
  const onpath_port& port = *parts_.ports[queue.port].port;
  if (queue.first == queue.last) {
    queue.first = 0;
    queue.last = port.receive(port.self, queue.queue, queue.packets.data(), kBurst);
    for (uint32_t i = 0; i < queue.last && i < kHeadersAhead; ++i) prefetch_headers(queue.packets[i]);
    for (uint32_t i = 0; i < queue.last && i < kPayloadAhead && payload_is_read_; ++i)
      prefetch_payload(queue.packets[i]);
  }
  const bool payload_is_read = payload_is_read_;
  const uint32_t begin = queue.first;
  const uint32_t end = queue.last;
  uint32_t at = begin;
  for (; at < end; ++at) {
    onpath_packet* const packet = &queue.packets[at];
    if (at + kHeadersAhead < end) prefetch_headers(packet[kHeadersAhead]);
    if (payload_is_read && at + kPayloadAhead < end) prefetch_payload(packet[kPayloadAhead]);
    if (!take(queue, *packet, now, give_up)) break;
  }
  queue.first = at;
  const uint32_t done = queue.first - begin;
  if (done > 0) port.release(port.self, queue.queue, &queue.packets[begin], done);
  return done;
}

bool Worker::drop(const Queue& queue, DropReason reason) {
  count_drop(parts_.ports[queue.port].counters->drops, reason);
  return true;
}

/// One packet to its end; false: held back.
inline bool Worker::take(Queue& queue, onpath_packet& packet, uint64_t now, bool give_up) {
  VideoSegment chunk;
  FlowCache::Flow* flow = queue.flows.find(packet, chunk);
  if (flow == nullptr) return take_apart(queue, packet, now, give_up);
  if (LossRepair* repair = flow->lane->repair()) [[unlikely]] {
    const uint8_t* frame = packet.data;
    repair->next(flow->lane->index_of(*flow->stream), ChunkPattern::extended_sequence(frame),
                 ChunkPattern::timestamp(frame), ChunkPattern::marker(frame), now);
  }
  flow->lane->take_next(*flow->sample, *flow->stream, chunk, packet, time_of(packet, now), now);
  return true;
}

/// The same, header by header.
bool Worker::take_apart(Queue& queue, onpath_packet& packet, uint64_t now, bool give_up) {
  if (packet.flags & ONPATH_PACKET_TRUNCATED) return drop(queue, DropReason::truncated);
  Datagram datagram;
  if (parts_.ports[queue.port].port->framing == ONPATH_FRAMING_ETHERNET) {
    const FrameChecks checks{(packet.flags & ONPATH_PACKET_IP_CHECKSUM_OK) == 0,
                             (packet.flags & ONPATH_PACKET_UDP_CHECKSUM_OK) == 0};
    const std::span<const uint8_t> frame(packet.data, packet.length);
    if (!parse_plain_datagram(frame, checks, datagram)) [[unlikely]] {
      if (const auto reason = parse_frame(frame, checks, datagram))
        return take_control(queue, packet, *reason, now);
    }
    const LocalHost* host = parts_.ports[queue.port].host.get();
    if (host != nullptr && !host->accepts(datagram.destination.address))
      return drop(queue, DropReason::not_for_us);
  } else {
    datagram.source = endpoint_of(packet.source);
    datagram.destination.port = packet.destination.port;
    datagram.payload = {packet.data, packet.length};
  }
  RtpPacket rtp;
  if (!parse_plain_rtp(datagram.payload, rtp)) [[unlikely]] {
    if (const auto reason = parse_rtp(datagram.payload, rtp)) {
      return *reason == DropReason::rtcp ? take_rtcp(queue, datagram, now) : drop(queue, *reason);
    }
  }

  // A mark is the NIC's own look-up of the same route.
  uint32_t route = packet.mark - 1;
  if (route >= routes_.size() || routes_[route]->port() != queue.port) {
    route = parts_.routes->find(queue.port, datagram.destination.port, rtp.payload_type);
    if (route == RouteTable::kNoRoute) return drop(queue, DropReason::no_route);
  }
  LossRepair* const repair = routes_[route]->repair();
  if (repair != nullptr) [[unlikely]]
    repair->arriving(packet, datagram, rtp);
  if (parts_.lanes[route] == nullptr) {
    payload_is_read_ = true;
    parts_.text_lanes[route]->take(rtp, datagram.source, time_of(packet, now), now);
    if (repair != nullptr) repair->taken(now);
    return true;
  }
  Lane& lane = *parts_.lanes[route];
  payload_is_read_ = lane.reads_payload();
  Arrival arrival{rtp, datagram.source, time_of(packet, now), packet};
  FlowCache::Beginning beginning;
  queue.flows.note(packet, beginning);
  if (!lane.take(arrival, now, give_up)) return false;
  if (repair != nullptr) [[unlikely]]
    repair->taken(now);
  if (arrival.sample != nullptr)
    queue.flows.remember(beginning, lane, lane.stream_of(*arrival.sample), *arrival.sample);
  return true;
}

/// What receivers and senders say of streams.
bool Worker::take_rtcp(const Queue& queue, const Datagram& datagram, uint64_t now) {
  if (!parts_.rtcp) return drop(queue, DropReason::rtcp);
  if (const auto refusal = parts_.rtcp->take(queue.port, datagram, now)) return drop(queue, *refusal);
  parts_.ports[queue.port].counters->control_packets.add(1);
  return true;
}

/// What is no good UDP datagram may be for the plane itself.
bool Worker::take_control(const Queue& queue, const onpath_packet& packet, DropReason reason, uint64_t now) {
  PortPart& port = parts_.ports[queue.port];
  if (!port.host || (reason != DropReason::not_ip && reason != DropReason::not_udp))
    return drop(queue, reason);
  if (const auto refusal = port.host->take({packet.data, packet.length}, reason, now))
    return drop(queue, *refusal);
  port.counters->control_packets.add(1);
  return true;
}

void Worker::take_versions() {
  versions_offered_.exchange(false, std::memory_order_acq_rel);
  for (RouteLane* lane : routes_) lane->take_version();
}

void Worker::tick(uint64_t now) {
  for (RouteLane* lane : routes_) {
    lane->tick(now);
    if (LossRepair* repair = lane->repair()) repair->tick(now, *lane);
  }
  if (parts_.rtcp) parts_.rtcp->tick(now);
  for (const PortPart& port : parts_.ports) {
    if (port.host) port.host->tick(now);
  }
  next_tick_ = now + kTickNs;
}

void Worker::finish(uint64_t now) {
  // Packets that were held back have been received, so they are taken to an end like any other.
  for (Queue& queue : queues_) {
    if (queue.first < queue.last) poll_queue(queue, now, true);
  }
  for (RouteLane* lane : routes_) lane->close();
  for (PortPart& port : parts_.ports) {
    if (port.host) port.host->finish(now);
    if (port.transmit) port.transmit->finish();
  }
}

}  // namespace onpath
