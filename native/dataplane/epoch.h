// The plane's clock in terms of the system's.
#pragma once

#include <cstdint>

namespace onpath {

/// What to add to CLOCK_MONOTONIC for Unix time, now. A later step of the system's clock does not move it.
int64_t epoch_offset_ns();

}  // namespace onpath
