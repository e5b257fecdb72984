// Packets on their way from a worker to the writer of a capture: copies in a ring of bytes, one thread
// pushes, one pops. Never blocks; memory is taken once.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <utility>

#include "dataplane/port_abi.h"
#include "dataplane/region.h"

namespace onpath {

struct CapturedPacket {
  uint32_t captured = 0;  // bytes that follow; kSkip: nothing follows before the ring's end
  uint32_t length = 0;    // of the packet
  uint64_t time_ns = 0;   // CLOCK_MONOTONIC
  uint64_t missed = 0;    // of the same port, since the record before
  uint32_t port = 0;
  onpath_endpoint source{};  // datagram framing
  onpath_endpoint destination{};

  static constexpr uint32_t kSkip = UINT32_MAX;
};

class CaptureRing {
 public:
  /// Of a power of two bytes, at least twice the longest record.
  explicit CaptureRing(Region memory) : memory_(std::move(memory)) {}

  static constexpr uint64_t record_bytes(uint32_t captured) {
    return (sizeof(CapturedPacket) + uint64_t{captured} + 7) / 8 * 8;
  }

  /// False: there is no room.
  bool push(const CapturedPacket& packet, const uint8_t* bytes) {
    const uint64_t size = memory_.bytes();
    const uint64_t tail = tail_.load(std::memory_order_relaxed);
    const uint64_t free = size - (tail - head_.load(std::memory_order_acquire));
    const uint64_t to_end = size - (tail & (size - 1));
    const uint64_t needed = record_bytes(packet.captured);
    const uint64_t skipped = needed <= to_end ? 0 : to_end;
    if (skipped + needed > free) return false;
    if (skipped > 0) std::memcpy(at(tail), &CapturedPacket::kSkip, sizeof CapturedPacket::kSkip);
    uint8_t* const record = at(tail + skipped);
    std::memcpy(record, &packet, sizeof packet);
    if (packet.captured > 0) std::memcpy(record + sizeof packet, bytes, packet.captured);
    tail_.store(tail + skipped + needed, std::memory_order_release);
    return true;
  }

  /// The oldest packet and its bytes, which stay until pop(); false if there is none.
  bool front(CapturedPacket& packet, const uint8_t*& bytes) {
    for (;;) {
      const uint64_t head = head_.load(std::memory_order_relaxed);
      if (head == tail_.load(std::memory_order_acquire)) return false;
      std::memcpy(&packet.captured, at(head), sizeof packet.captured);
      if (packet.captured != CapturedPacket::kSkip) {
        std::memcpy(&packet, at(head), sizeof packet);
        bytes = at(head) + sizeof packet;
        front_bytes_ = record_bytes(packet.captured);
        return true;
      }
      head_.store(head + memory_.bytes() - (head & (memory_.bytes() - 1)), std::memory_order_release);
    }
  }
  void pop() { head_.store(head_.load(std::memory_order_relaxed) + front_bytes_, std::memory_order_release); }

  uint64_t bytes() const { return memory_.bytes(); }

 private:
  uint8_t* at(uint64_t position) const { return memory_.data() + (position & (memory_.bytes() - 1)); }

  Region memory_;
  uint64_t front_bytes_ = 0;  // the popping thread's
  alignas(64) std::atomic<uint64_t> head_{0};
  alignas(64) std::atomic<uint64_t> tail_{0};
};

}  // namespace onpath
