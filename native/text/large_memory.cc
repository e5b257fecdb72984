#include "text/large_memory.h"

#include <new>
#include <utility>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace onpath::text {
namespace {

constexpr size_t kLargePage = size_t{2} << 20;
size_t alignment_of(size_t bytes) { return bytes >= kLargePage ? kLargePage : 64; }

}  // namespace

LargeMemory::LargeMemory(size_t bytes) : size_(bytes) {
  if (bytes == 0) return;
  data_ = static_cast<uint8_t*>(::operator new (bytes, std::align_val_t{alignment_of(bytes)}));
#if defined(__linux__)
  // Only whole pages: the memory behind the last one is the allocator's. Where it is refused, nothing is lost
  // but speed.
  if (bytes >= kLargePage) madvise(data_, bytes / kLargePage * kLargePage, MADV_HUGEPAGE);
#endif
}

LargeMemory::~LargeMemory() {
  if (data_) ::operator delete (data_, std::align_val_t{alignment_of(size_)});
}

LargeMemory::LargeMemory(LargeMemory&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

LargeMemory& LargeMemory::operator=(LargeMemory&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

}  // namespace onpath::text
