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
  for (PolledQueue& queue : queues_) done += poll_queue(queue, now, false);
  for (HandedQueue& queue : handed_) done += poll_handed(queue, now, false);
  for (uint32_t p = 0; p < parts_.ports.size(); ++p) {
    const PortPart& port = parts_.ports[p];
    if (!port.transmit || port.transmit->empty()) continue;
    enter(WorkerPlace::What::sending, p);
    port.transmit->flush();
  }
  if (now >= next_tick_) tick(now);
  return done;
}

/// The next burst; which of its packets is timed, or kBurst.
inline uint32_t Worker::receive(PolledQueue& queue, uint64_t now) {
  const onpath_port& port = *parts_.ports[queue.port].port;
  PacketProbe& probe = *parts_.probe;
  enter(WorkerPlace::What::receiving, queue.port);
  const uint64_t begun = probe.receive_begins();
  queue.first = 0;
  queue.last = port.receive(port.self, queue.queue, queue.packets.data(), kBurst);
  if (queue.last == 0) return kBurst;
  counters_.received.add(queue.last);
  const uint32_t timed = begun == 0 ? kBurst : probe.received(begun, queue.last);
  probe.count_burst();
  if (capture_point_.any()) [[unlikely]]
    capture_point_.see(queue.port, port, queue.packets.data(), queue.last, now);
  return timed;
}

uint32_t Worker::poll_queue(PolledQueue& queue, uint64_t now, bool give_up) {
  const onpath_port& port = *parts_.ports[queue.port].port;
  uint32_t handed_on = 0;
  uint32_t timed = kBurst;  // the packet that is timed, unless another worker has it; kBurst: none
  if (queue.first == queue.last) {
    timed = receive(queue, now);
    for (uint32_t i = 0; i < queue.last && i < kHeadersAhead; ++i) prefetch_headers(queue.packets[i]);
    if (queue.fanout != nullptr) handed_on = fan_out(queue, now);
    for (uint32_t i = 0; i < queue.last && i < kPayloadAhead && payload_is_read_; ++i)
      prefetch_payload(queue.packets[i]);
  }
  const uint32_t begin = queue.first;
  const uint32_t done =
      take_in_row(queue, &queue.packets[begin], queue.last - begin, timed - begin, now, give_up);
  queue.first = begin + done;
  if (done > 0) port.release(port.self, queue.queue, &queue.packets[begin], done);
  return done + handed_on;
}

/// Takes packets to their end, in order, up to one that is held back; number `timed` is timed, if it is
/// there.
inline uint32_t Worker::take_in_row(Queue& queue, onpath_packet* packets, uint32_t count, uint32_t timed,
                                    uint64_t now, bool give_up) {
  if (count == 0) return 0;
  enter(WorkerPlace::What::taking, queue.port);
  lane_.store(nullptr, std::memory_order_relaxed);
  const bool payload_is_read = payload_is_read_;
  uint32_t at = 0;
  for (; at < count; ++at) {
    onpath_packet* const packet = &packets[at];
    if (at + kHeadersAhead < count) prefetch_headers(packet[kHeadersAhead]);
    if (payload_is_read && at + kPayloadAhead < count) prefetch_payload(packet[kPayloadAhead]);
    if (at == timed) [[unlikely]] {
      if (!take_timed(queue, *packet, now, give_up)) break;
    } else if (!take(queue, *packet, now, give_up)) {
      break;
    }
  }
  return at;
}

/// Packets of other workers' streams leave the burst. Returns how many.
uint32_t Worker::fan_out(PolledQueue& queue, uint64_t now) {
  queue.fanout->take_back();
  const uint32_t received = queue.last;
  if (received == 0) return 0;
  uint32_t dropped = 0;
  queue.last = queue.fanout->spread(queue.packets.data(), received, now, dropped);
  const uint32_t left = received - queue.last;
  counters_.fanned_out.add(left - dropped);
  if (dropped > 0) {
    Counter& full = parts_.ports[queue.port].counters->drops[static_cast<size_t>(DropReason::fanout_full)];
    full.add(dropped);
  }
  return left;
}

/// Packets that another worker received: they go back by it.
uint32_t Worker::poll_handed(HandedQueue& queue, uint64_t now, bool give_up) {
  onpath_packet* packets = nullptr;
  const uint32_t count = queue.ring->peek(packets, kBurst);
  if (count == 0) return 0;
  for (uint32_t i = 0; i < count && i < kHeadersAhead; ++i) prefetch_headers(packets[i]);
  const uint32_t done = take_in_row(queue, packets, count, kBurst, now, give_up);
  queue.held_back = done < count;
  queue.ring->pop(done);
  counters_.fanned_in.add(done);
  return done;
}

bool Worker::drop(const Queue& queue, DropReason reason) {
  count_drop(parts_.ports[queue.port].counters->drops, reason);
  return true;
}

bool Worker::take_timed(Queue& queue, onpath_packet& packet, uint64_t now, bool give_up) {
  parts_.probe->packet_begins();
  const bool taken = take(queue, packet, now, give_up);
  parts_.probe->packet_ends();
  return taken;
}

/// One packet to its end; false: held back.
inline bool Worker::take(Queue& queue, onpath_packet& packet, uint64_t now, bool give_up) {
  VideoSegment chunk;
  FlowCache::Flow* flow = queue.flows.find(packet, chunk);
  if (flow == nullptr) return take_apart(queue, packet, now, give_up);
  lane_.store(flow->lane, std::memory_order_relaxed);
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
  lane_.store(routes_[route], std::memory_order_relaxed);
  LossRepair* const repair = routes_[route]->repair();
  if (repair != nullptr) [[unlikely]]
    repair->arriving(packet, datagram, rtp);
  if (parts_.lanes[route] == nullptr) {
    payload_is_read_ = true;
    parts_.text_lanes[route]->take(rtp, datagram.source, packet.length, time_of(packet, now), now);
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
  lane_.store(nullptr, std::memory_order_relaxed);
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
  enter(WorkerPlace::What::ticking, 0);
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
  for (PolledQueue& queue : queues_) {
    if (queue.first < queue.last) poll_queue(queue, now, true);
  }
  for (HandedQueue& queue : handed_) {
    while (poll_handed(queue, now, true) > 0) {
    }
  }
  for (RouteLane* lane : routes_) lane->close();
  for (PortPart& port : parts_.ports) {
    if (port.host) port.host->finish(now);
    if (port.transmit) port.transmit->finish();
  }
}

}  // namespace onpath
