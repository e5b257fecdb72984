// The one clock of the data plane: CLOCK_MONOTONIC, which the kernel's vDSO answers without a system call.
#pragma once

#include <time.h>

#include <cstdint>

namespace onpath {

inline uint64_t now_ns() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(time.tv_nsec);
}

/// Tells the core that this is a spinning loop.
inline void spin_pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace onpath
