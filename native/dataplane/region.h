// Memory of a pool: taken whole at start and made resident, so that the hot path meets neither the allocator
// nor a page fault.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/result.h"

namespace onpath {

class Region {
 public:
  Region() = default;
  Region(Region&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  Region& operator=(Region&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Region();

  /// Zeroed, page-aligned, resident. Errors: OUT_OF_MEMORY; the message names `what`.
  static Result<Region> take(uint64_t bytes, const char* what);

  uint8_t* data() const { return data_; }
  uint64_t bytes() const { return bytes_; }

 private:
  uint8_t* data_ = nullptr;
  uint64_t bytes_ = 0;
};

}  // namespace onpath
