// Frames that begin with a number, so that one can tell which came.
#pragma once

#include <cstring>

#include "dataplane/plane_testing.h"

namespace onpath::testing {

inline Bytes numbered(uint32_t number, size_t bytes = 64) {
  Bytes frame(bytes);
  std::memcpy(frame.data(), &number, 4);
  return frame;
}

inline uint32_t number_of(const Bytes& frame) {
  uint32_t number;
  std::memcpy(&number, frame.data(), 4);
  return number;
}

}  // namespace onpath::testing
