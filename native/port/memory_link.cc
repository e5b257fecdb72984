// Frames over a memory link, both directions. Hot path: no lock, no allocation; the one system call wakes a
// receiver that sleeps.
#include "port/memory_link.h"

#include "base/big_endian.h"

namespace onpath {
namespace {

/// A port has one release() for what it received and what it gave out to transmit: the handle tells them
/// apart.
void* const kReceived = nullptr;

}  // namespace

ArrivalQueue::ArrivalQueue(const MemoryPortConfig& config, uint64_t stride, std::shared_ptr<WakeFd> wake)
    : config_(config), stride_(stride), wake_(std::move(wake)) {}

Result<void> ArrivalQueue::take_memory() {
  auto memory = Region::take(stride_ * (uint64_t{config_.depth} + kOut), "frames of a memory port");
  if (!memory) return memory.error();
  memory_ = std::move(memory).value();
  ring_ = std::make_unique<FrameRing>(config_.depth, memory_.data(), stride_);
  spare_.reserve(kOut);
  for (uint64_t i = 0; i < kOut; ++i) spare_.push_back(memory_.data() + stride_ * (config_.depth + i));
  return {};
}

void ArrivalQueue::announce() {
  // Both sides change `armed_` atomically after their own step, so either we see it set or the receiver sees
  // our frames.
  if (armed_.exchange(false, std::memory_order_acq_rel)) wake_->wake();
}

void ArrivalQueue::arm(bool sleeping) {
  if (!sleeping) {
    armed_.store(false, std::memory_order_relaxed);
    wake_->drain();
    return;
  }
  armed_.exchange(true, std::memory_order_acq_rel);
  if (!ring_->empty()) wake_->wake();
}

uint32_t ArrivalQueue::receive(onpath_packet* packets, uint32_t count) {
  uint32_t received = 0;
  uint64_t bytes = 0;
  for (; received < count && !spare_.empty() && !ring_->empty(); ++received) {
    const Frame frame = ring_->pop(spare_.back());
    spare_.pop_back();
    onpath_packet& packet = packets[received];
    packet.data = frame.data;
    packet.length = frame.length;
    packet.capacity = config_.max_bytes;
    packet.flags = 0;
    packet.mark = 0;
    packet.headroom = 0;
    packet.time_ns = 0;
    packet.handle = kReceived;
    bytes += frame.length;
  }
  if (received > 0) {
    rx_packets.add(received);
    rx_bytes.add(bytes);
  }
  return received;
}

void ArrivalQueue::release(const onpath_packet* packets, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) spare_.push_back(packets[i].data);
}

uint32_t MemoryEnd::allocate(uint32_t queue, onpath_packet* packets, uint32_t count) {
  DepartureQueue& departures_here = *departures[queue];
  uint32_t given = 0;
  for (; given < count && !departures_here.free.empty(); ++given) {
    packets[given] = {};
    packets[given].data = departures_here.free.back();
    packets[given].capacity = config.max_bytes;
    packets[given].handle = &departures_here;
    departures_here.free.pop_back();
  }
  return given;
}

uint32_t MemoryEnd::transmit(uint32_t queue, onpath_packet* packets, uint32_t count) {
  DepartureQueue& from = *departures[queue];
  std::atomic<Arrivals*>& other = link->arrivals[1 - config.side];
  // Say where we are before looking again: the other end frees its memory only when nobody says so any more.
  Arrivals* to = other.load(std::memory_order_acquire);
  if (to == nullptr) return 0;
  from.inside.store(to, std::memory_order_seq_cst);
  if (other.load(std::memory_order_seq_cst) != to) {
    from.inside.store(nullptr, std::memory_order_release);
    return 0;
  }
  const auto queues = static_cast<uint32_t>(to->queues.size());
  uint64_t touched = 0;
  uint32_t sent = 0;
  uint64_t bytes = 0;
  for (; sent < count; ++sent) {
    const std::span<const uint8_t> frame(packets[sent].data, packets[sent].length);
    const uint32_t at = queues == 1 ? 0 : spread_frame(frame, queues);
    if (frame.size() > config.max_bytes || !to->queues[at]->push(frame)) break;
    touched |= uint64_t{1} << at;
    bytes += frame.size();
    from.free.push_back(packets[sent].data);
  }
  for (uint32_t q = 0; touched != 0; ++q, touched >>= 1) {
    if (touched & 1) to->queues[q]->announce();
  }
  from.inside.store(nullptr, std::memory_order_release);
  if (sent > 0) {
    from.tx_packets.add(sent);
    from.tx_bytes.add(bytes);
  }
  return sent;
}

void MemoryEnd::release(uint32_t queue, const onpath_packet* packets, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) {
    if (packets[i].handle == kReceived) {
      arrivals.queues[queue]->release(&packets[i], 1);
    } else {
      departures[queue]->free.push_back(packets[i].data);
    }
  }
}

void MemoryEnd::count(onpath_port_counters& out) const {
  out = {};
  for (const auto& queue : arrivals.queues) {
    out.rx_packets += queue->rx_packets.get();
    out.rx_bytes += queue->rx_bytes.get();
  }
  for (const auto& queue : departures) {
    out.tx_packets += queue->tx_packets.get();
    out.tx_bytes += queue->tx_bytes.get();
  }
}

uint32_t spread_frame(std::span<const uint8_t> frame, uint32_t queues) {
  size_t at = 12;
  uint16_t type = 0;
  for (int tags = 0; tags <= 2 && frame.size() >= at + 2; ++tags) {
    type = load_be16(&frame[at]);
    at += 2;
    if (type != 0x8100 && type != 0x88a8) break;
    at += 2;
  }
  uint64_t key = 0;
  size_t udp = 0;
  if (type == 0x0800 && frame.size() >= at + 20) {
    key = load_be32(&frame[at + 12]);
    udp = at + size_t{4} * (frame[at] & 15);
  } else if (type == 0x86dd && frame.size() >= at + 40) {
    key = load_be64(&frame[at + 8]) ^ load_be64(&frame[at + 16]);
    udp = at + 40;
  } else {
    return 0;
  }
  if (frame.size() >= udp + 2) key ^= uint64_t{load_be16(&frame[udp])} << 32;
  key *= 0x9fb21c651e98df25u;
  key ^= key >> 32;
  return static_cast<uint32_t>(key % queues);
}

}  // namespace onpath
