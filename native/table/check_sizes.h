// Sizes along one axis that every table of a resize takes.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace onpath {

inline constexpr uint32_t kMaxTableSize = 65535;  // pixels

/// Errors: INVALID_SPEC for zero sizes, LIMIT_EXCEEDED above 65,535 pixels.
inline Result<void> check_table_sizes(uint32_t in_size, uint32_t out_size) {
  const std::string sizes = std::to_string(in_size) + " -> " + std::to_string(out_size);
  if (in_size == 0 || out_size == 0) {
    return Error{ErrorCode::INVALID_SPEC, "resize needs sizes of at least 1 pixel, got " + sizes};
  }
  if (in_size > kMaxTableSize || out_size > kMaxTableSize) {
    return Error{ErrorCode::LIMIT_EXCEEDED,
                 "resize takes sides of at most " + std::to_string(kMaxTableSize) + " pixels, got " + sizes};
  }
  return {};
}

}  // namespace onpath
