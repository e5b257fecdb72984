// The captures of a plane: starting, counting what they hold, ending with the plane. Control path only.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "base/result.h"
#include "dataplane/capture.h"
#include "dataplane/epoch.h"
#include "dataplane/plane_parts.h"

namespace onpath {

class CaptureSession;

class PlaneCaptures {
 public:
  explicit PlaneCaptures(PlaneParts& parts) : parts_(parts) {}

  /// Errors: INVALID_ARGUMENT, NOT_FOUND, BUSY (CapturePoint::kMost run), CLOSED, LIMIT_EXCEEDED,
  /// OUT_OF_MEMORY, PERMISSION_DENIED.
  Result<std::shared_ptr<Capture>> start(CaptureConfig config);
  /// Workers have stopped: captures into files are completed, the others keep what they took.
  void close();
  /// Rings of the captures that run.
  uint64_t memory_bytes() const;

 private:
  Result<CaptureFilter> filter_of(const CaptureConfig& config) const;

  PlaneParts& parts_;
  const int64_t epoch_offset_ns_ = epoch_offset_ns();  // one for all: their times can be compared
  mutable std::mutex mutex_;
  std::vector<std::weak_ptr<CaptureSession>> sessions_;
  bool closed_ = false;
};

}  // namespace onpath
