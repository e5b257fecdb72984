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

constexpr uint32_t kAhead = 2;  // packets whose bytes are on their way from memory while another is worked on
constexpr uint32_t kLineBytes = 64;
constexpr uint32_t kHeaderBytes = 128;     // all headers of nearly every packet
constexpr uint32_t kPrefetchBytes = 2048;  // of a longer packet, the rest is left to the hardware

void prefetch(const onpath_packet& packet, bool payload) {
  const uint32_t bytes = std::min(packet.length, payload ? kPrefetchBytes : kHeaderBytes);
  for (uint32_t at = 0; at < bytes; at += kLineBytes) __builtin_prefetch(packet.data + at);
}

}  // namespace

uint32_t Worker::poll_once(uint64_t now) {
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
    for (uint32_t i = 0; i < queue.last && i < kAhead; ++i) prefetch(queue.packets[i], payload_is_read_);
  }
  const uint32_t begin = queue.first;
  while (queue.first < queue.last) {
    if (queue.first + kAhead < queue.last) prefetch(queue.packets[queue.first + kAhead], payload_is_read_);
    if (!take(queue, queue.packets[queue.first], now, give_up)) break;
    ++queue.first;
  }
  const uint32_t done = queue.first - begin;
  if (done > 0) port.release(port.self, queue.queue, &queue.packets[begin], done);
  return done;
}

bool Worker::drop(const Queue& queue, DropReason reason) {
  count_drop(parts_.ports[queue.port].counters->drops, reason);
  return true;
}

bool Worker::take(const Queue& queue, onpath_packet& packet, uint64_t now, bool give_up) {
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
    if (const auto reason = parse_rtp(datagram.payload, rtp)) return drop(queue, *reason);
  }

  // A mark is the NIC's own look-up of the same route.
  uint32_t route = packet.mark - 1;
  if (route >= parts_.lanes.size() || parts_.lanes[route]->port() != queue.port) {
    route = parts_.routes->find(queue.port, datagram.destination.port, rtp.payload_type);
    if (route == RouteTable::kNoRoute) return drop(queue, DropReason::no_route);
  }
  const uint64_t time = packet.time_ns != 0 ? packet.time_ns : now;
  Lane& lane = *parts_.lanes[route];
  payload_is_read_ = lane.reads_payload();
  return lane.take({rtp, datagram.source, time, packet}, now, give_up);
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

void Worker::tick(uint64_t now) {
  for (const auto& lane : parts_.lanes) lane->tick(now);
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
  for (const auto& lane : parts_.lanes) lane->close();
  for (PortPart& port : parts_.ports) {
    if (port.host) port.host->finish(now);
    if (port.transmit) port.transmit->finish();
  }
}

}  // namespace onpath
