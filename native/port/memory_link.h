// The two ends of a link and the frames between them. An end owns the memory of the frames that arrive at it;
// the other end reaches it through the link, and an end that closes waits until no transmit is inside its
// memory.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/counters.h"
#include "dataplane/region.h"
#include "dataplane/wake_fd.h"
#include "port/frame_ring.h"
#include "port/memory_port.h"

namespace onpath {

/// One queue of arriving frames.
class ArrivalQueue {
 public:
  static constexpr uint32_t kOut = 512;  // frames that may be received and not released yet

  ArrivalQueue(const MemoryPortConfig& config, uint64_t stride, std::shared_ptr<WakeFd> wake);
  /// Errors: OUT_OF_MEMORY.
  Result<void> take_memory();

  // Any producer's thread.
  bool push(std::span<const uint8_t> frame) { return ring_->push(frame); }
  /// After pushing: wakes the consumer if it sleeps.
  void announce();

  // The consumer's thread.
  uint32_t receive(onpath_packet* packets, uint32_t count);
  void release(const onpath_packet* packets, uint32_t count);
  void arm(bool sleeping);
  int wait_fd() const { return wake_->fd(); }

  Counter rx_packets, rx_bytes;

 private:
  const MemoryPortConfig& config_;
  const uint64_t stride_;
  Region memory_;
  std::unique_ptr<FrameRing> ring_;
  std::vector<uint8_t*> spare_;
  const std::shared_ptr<WakeFd> wake_;
  alignas(64) std::atomic<bool> armed_{false};
};

/// All that arrives at one end.
struct Arrivals {
  std::vector<std::unique_ptr<ArrivalQueue>> queues;
};

struct MemoryEnd;

struct MemoryLink {
  uint32_t max_bytes = 0;
  std::array<std::atomic<Arrivals*>, 2> arrivals{};  // by side; null: not open
  std::array<MemoryEnd*, 2> ends{};                  // under the registry's lock
};

/// One queue of leaving frames: buffers for the caller, and which memory of the other end is being written.
struct DepartureQueue {
  static constexpr uint32_t kBuffers = 1024;

  Region memory;
  std::vector<uint8_t*> free;
  Counter tx_packets, tx_bytes;
  alignas(64) std::atomic<Arrivals*> inside{nullptr};
};

/// One open end: what is behind an onpath_port.
struct MemoryEnd {
  MemoryPortConfig config;
  onpath_port port{};
  std::shared_ptr<MemoryLink> link;
  Arrivals arrivals;
  std::vector<std::unique_ptr<DepartureQueue>> departures;

  uint32_t allocate(uint32_t queue, onpath_packet* packets, uint32_t count);
  uint32_t transmit(uint32_t queue, onpath_packet* packets, uint32_t count);
  void release(uint32_t queue, const onpath_packet* packets, uint32_t count);
  void count(onpath_port_counters& out) const;
};

/// Which of several queues a frame arrives at: by IP source address and UDP source port; 0 for what is
/// neither.
uint32_t spread_frame(std::span<const uint8_t> frame, uint32_t queues);

}  // namespace onpath
