// Equal blocks of memory, last freed first given, so that traffic in order keeps to a few hot ones. Taken
// whole when made; pages that no sample ever needed stay untouched.
#pragma once

#include <cassert>
#include <cstdint>
#include <memory>
#include <new>

namespace onpath {

inline constexpr uint64_t kCacheLine = 64;

constexpr uint64_t round_up_to_line(uint64_t bytes) {
  return (bytes + kCacheLine - 1) / kCacheLine * kCacheLine;
}

struct LineDelete {
  void operator()(uint8_t* p) const { ::operator delete[](p, std::align_val_t{kCacheLine}); }
};
using LineMemory = std::unique_ptr<uint8_t[], LineDelete>;

/// Uninitialized memory that starts on a cache line. Throws std::bad_alloc.
inline LineMemory line_memory(uint64_t bytes) {
  return LineMemory(new (std::align_val_t{kCacheLine}) uint8_t[bytes]);
}

class BlockPool {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  BlockPool() = default;
  BlockPool(uint32_t blocks, uint64_t block_bytes)
      : blocks_(blocks),
        stride_(round_up_to_line(block_bytes)),
        memory_(line_memory(stride_ * blocks)),
        free_(std::make_unique<uint32_t[]>(blocks)) {}

  /// What such a pool takes, in bytes.
  static uint64_t memory_bytes(uint64_t blocks, uint64_t block_bytes) {
    return blocks * (round_up_to_line(block_bytes) + sizeof(uint32_t));
  }

  void reset() { free_count_ = fresh_ = 0; }

  /// The number of blocks is the worst case, so there always is one.
  uint32_t take() {
    assert(free_count_ > 0 || fresh_ < blocks_);
    return free_count_ > 0 ? free_[--free_count_] : fresh_++;
  }
  void give_back(uint32_t block) { free_[free_count_++] = block; }
  uint8_t* at(uint32_t block) { return memory_.get() + block * stride_; }

 private:
  [[maybe_unused]] uint32_t blocks_ = 0;
  uint32_t free_count_ = 0;
  uint32_t fresh_ = 0;  // blocks below were given at least once since reset()
  uint64_t stride_ = 0;
  LineMemory memory_;
  std::unique_ptr<uint32_t[]> free_;
};

}  // namespace onpath
