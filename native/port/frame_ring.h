// A bounded queue of frames with any number of producers and one consumer. Every slot owns a buffer; the
// consumer takes a frame out by giving the slot another buffer, so that a producer never waits for a frame to
// be released. Never blocks or allocates.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>

namespace onpath {

struct Frame {
  uint8_t* data = nullptr;
  uint32_t length = 0;
};

class FrameRing {
 public:
  /// `depth` is a power of two; `buffers` gives each slot its first buffer.
  FrameRing(uint32_t depth, uint8_t* buffers, uint64_t stride)
      : mask_(depth - 1), slots_(std::make_unique<Slot[]>(depth)) {
    for (uint32_t i = 0; i < depth; ++i) {
      slots_[i].turn.store(i, std::memory_order_relaxed);
      slots_[i].frame.data = buffers + stride * i;
    }
  }

  /// Copies a frame in; false if full. From any thread.
  bool push(std::span<const uint8_t> bytes) {
    // A slot's turn counts: equal to a position, it is free for the producer that gets that position; one
    // more, it holds a frame.
    uint64_t position = tail_.load(std::memory_order_relaxed);
    for (;;) {
      Slot& slot = slots_[position & mask_];
      const auto ahead = static_cast<int64_t>(slot.turn.load(std::memory_order_acquire) - position);
      if (ahead < 0) return false;
      if (ahead > 0) {
        position = tail_.load(std::memory_order_relaxed);
      } else if (tail_.compare_exchange_weak(position, position + 1, std::memory_order_relaxed)) {
        std::memcpy(slot.frame.data, bytes.data(), bytes.size());
        slot.frame.length = static_cast<uint32_t>(bytes.size());
        slot.turn.store(position + 1, std::memory_order_release);
        return true;
      }
    }
  }

  bool empty() const { return slots_[head_ & mask_].turn.load(std::memory_order_acquire) != head_ + 1; }

  /// Takes the oldest frame and leaves `spare` in its slot. Only if not empty(); consumer's thread.
  Frame pop(uint8_t* spare) {
    Slot& slot = slots_[head_ & mask_];
    const Frame frame = slot.frame;
    slot.frame.data = spare;
    slot.turn.store(head_ + mask_ + 1, std::memory_order_release);
    ++head_;
    return frame;
  }

 private:
  struct alignas(32) Slot {
    std::atomic<uint64_t> turn{0};
    Frame frame;
  };

  const uint64_t mask_;
  const std::unique_ptr<Slot[]> slots_;
  alignas(64) std::atomic<uint64_t> tail_{0};
  alignas(64) uint64_t head_ = 0;
};

}  // namespace onpath
