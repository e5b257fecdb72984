// A capture as its owner sees it: packets of a port or a route, as they came, written as pcapng until one of
// its bounds is reached or it is stopped. Control path; the workers' end is capture_tap.h.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace onpath {

struct CaptureConfig {
  std::string port;   // one of these two
  std::string route;  // packets of its port whose headers name the route
  std::string file;   // created or overwritten, readable by its owner only; empty: read() gives the bytes
  uint32_t snap_length = 65535;  // bytes of a packet that are kept
  uint64_t max_packets = UINT64_MAX;
  uint64_t max_bytes = UINT64_MAX;   // of the file
  uint64_t max_ns = UINT64_MAX;      // from the start
  uint64_t buffer_bytes = 4u << 20;  // of each worker's ring; rounded up to a power of two
  /// Called once, by whichever thread ended the capture. May be empty.
  std::function<void()> on_end;
};

struct CaptureStats {
  uint64_t packets = 0;          // written
  uint64_t bytes = 0;            // of the file, headers included
  uint64_t missed = 0;           // found the ring full, before a bound was reached
  bool ended = false;            // nothing more is written; of read(), everything was read
  std::optional<Error> failure;  // why it ended early
};

/// Outlives the plane if its owner holds it; what was taken until the plane closed stays readable.
class Capture {
 public:
  /// Stops it.
  virtual ~Capture() = default;
  /// No packet is taken from now on; returns when the file is complete. Idempotent, any thread.
  virtual void stop() = 0;
  virtual CaptureStats stats() const = 0;
  /// Without a file: the next bytes, about `most` at a time; empty: there are none now. After the last ones
  /// `ended` is true. One thread at a time.
  virtual std::vector<uint8_t> read(size_t most) = 0;
};

}  // namespace onpath
