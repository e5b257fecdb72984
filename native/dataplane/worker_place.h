// Where a worker is: what the watchdog says of one that hangs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace onpath {

struct WorkerPlace {
  enum class What : uint32_t { starting, receiving, taking, sending, ticking };

  What what = What::starting;
  uint32_t port = 0;            // not of `starting` and `ticking`
  std::optional<size_t> route;  // of `taking`, once it is known

  /// In one word, which one thread stores and another reads.
  static uint64_t packed(What what, uint32_t index) { return static_cast<uint64_t>(what) << 32 | index; }
};

}  // namespace onpath
