// Memory that ends, or begins, exactly at a page that may not be touched: a kernel that reads or writes one
// byte too far dies here rather than passing by luck. Must not know any kernel.
#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <span>

namespace onpath::testing_kernels {

enum class Edge { before, after };

/// `bytes` bytes right before (Edge::after) or right behind (Edge::before) a forbidden page. Alignment is
/// whatever results.
class Guarded {
 public:
  Guarded(size_t bytes, Edge edge) : bytes_(bytes) {
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t body = (bytes + page - 1) / page * page;
    mapped_ = body + 2 * page;
    base_ = static_cast<uint8_t*>(mmap(nullptr, mapped_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (base_ == MAP_FAILED || (body != 0 && mprotect(base_ + page, body, PROT_READ | PROT_WRITE) != 0))
      abort();
    data_ = edge == Edge::before ? base_ + page : base_ + page + body - bytes;
    slack_begin_ = edge == Edge::before ? data_ + bytes : base_ + page;
    slack_bytes_ = body - bytes;
    std::memset(slack_begin_, kCanary, slack_bytes_);
  }
  ~Guarded() { munmap(base_, mapped_); }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  uint8_t* data() const { return data_; }
  size_t size() const { return bytes_; }
  std::span<uint8_t> span() const { return {data_, bytes_}; }
  template <class T>
  T* as() const {
    return reinterpret_cast<T*>(data_);
  }
  /// Whether the bytes on the open side are untouched.
  bool intact() const {
    for (size_t i = 0; i < slack_bytes_; ++i) {
      if (slack_begin_[i] != kCanary) return false;
    }
    return true;
  }

 private:
  static constexpr uint8_t kCanary = 0xc5;
  size_t bytes_, mapped_ = 0, slack_bytes_ = 0;
  uint8_t *base_, *data_ = nullptr, *slack_begin_ = nullptr;
};

/// Random bytes, or the extremes, by turns.
inline void fill(std::span<uint8_t> bytes, uint32_t seed) {
  std::mt19937 random(seed);
  for (uint8_t& byte : bytes) {
    switch (seed % 4) {
      case 0:
        byte = 255;
        break;
      case 1:
        byte = (random() & 1) != 0 ? 255 : 0;
        break;
      default:
        byte = static_cast<uint8_t>(random());
    }
  }
}

/// Lengths around every vector width, and none.
inline constexpr size_t kLengths[] = {0,   1,   2,   3,   4,   5,   7,   8,   9,   13,  15,   16,   17,
                                      31,  32,  33,  47,  48,  63,  64,  65,  66,  95,  96,   97,   127,
                                      128, 129, 191, 192, 193, 255, 256, 257, 511, 640, 1000, 1466, 4099};

}  // namespace onpath::testing_kernels
