// Memory for tables that are read all over: aligned, and on large pages where the system has them, as with
// small ones most look-ups would wait for the page tables first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include "text/flat.h"

namespace onpath::text {

class LargeMemory {
 public:
  LargeMemory() = default;
  /// Zeros.
  explicit LargeMemory(size_t bytes);
  ~LargeMemory();
  LargeMemory(LargeMemory&& other) noexcept;
  LargeMemory& operator=(LargeMemory&& other) noexcept;
  /// Aligned to 64 at least.
  uint8_t* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

/// Has the system give memory that is about to be written, all at once, and in large pages where some fit:
/// one fault for each page costs more than the writing. Does nothing for a little memory, or where there is
/// no such thing.
void populate(void* memory, size_t bytes);

/// So that the next array is aligned as well as the one before it.
inline size_t rounded_up(size_t bytes) { return (bytes + 63) / 64 * 64; }
/// What gather_into() takes of its memory.
template <class T>
size_t gathered_bytes(const Flat<T>& array) {
  return rounded_up(array.bytes());
}
/// Moves an array to `free`, which then points behind it.
template <class T>
void gather_into(Flat<T>& array, uint8_t*& free) {
  if (!array.empty()) std::memcpy(free, array.data(), array.bytes());
  Flat<T> moved(std::span<const T>(reinterpret_cast<const T*>(free), array.size()));
  free += gathered_bytes(array);
  array = std::move(moved);
}

}  // namespace onpath::text
