#include "text/large_memory.h"

#include <cstring>
#include <new>
#include <utility>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace onpath::text {
namespace {

constexpr std::align_val_t kAlignment{64};
#if defined(__linux__)
constexpr size_t kLargePage = size_t{2} << 20;

/// Zeros from the system, so that nothing is written before it is used. Null for what is too small.
uint8_t* map(size_t bytes) {
  if (bytes < kLargePage) return nullptr;
  const size_t room = bytes + kLargePage;
  void* mapped =
      mmap(nullptr, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  uint8_t* const begin = static_cast<uint8_t*>(mapped);
  const size_t before = (kLargePage - reinterpret_cast<uintptr_t>(begin) % kLargePage) % kLargePage;
  if (before != 0) munmap(begin, before);
  uint8_t* const data = begin + before;
  constexpr size_t kSmallPage = 4096;
  const size_t kept = (bytes + kSmallPage - 1) / kSmallPage * kSmallPage;
  if (room - before > kept) munmap(data + kept, room - before - kept);
  // Only whole pages, so as not to take more than asked for. Where it is refused, nothing is lost but speed.
  madvise(data, bytes / kLargePage * kLargePage, MADV_HUGEPAGE);
  return data;
}
bool unmap(uint8_t* data, size_t bytes) {
  if (bytes < kLargePage) return false;
  munmap(data, bytes);
  return true;
}
#else
uint8_t* map(size_t) { return nullptr; }
bool unmap(uint8_t*, size_t) { return false; }
#endif

}  // namespace

LargeMemory::LargeMemory(size_t bytes) : size_(bytes) {
  if (bytes == 0) return;
  data_ = map(bytes);
  if (data_ != nullptr) return;
  data_ = static_cast<uint8_t*>(::operator new(bytes, kAlignment));
  std::memset(data_, 0, bytes);
}

LargeMemory::~LargeMemory() {
  if (data_ != nullptr && !unmap(data_, size_)) ::operator delete(data_, kAlignment);
}

LargeMemory::LargeMemory(LargeMemory&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

LargeMemory& LargeMemory::operator=(LargeMemory&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

void populate([[maybe_unused]] void* memory, [[maybe_unused]] size_t bytes) {
#if defined(MADV_POPULATE_WRITE)
  constexpr size_t kLittle = size_t{256} << 10;
  constexpr uintptr_t kPage = 4096;
  if (bytes < kLittle) return;
  const auto first = reinterpret_cast<uintptr_t>(memory);
  // Where it is refused, nothing is lost but speed.
  const auto advise = [first, bytes](uintptr_t page, int advice) {
    const uintptr_t begin = (first + page - 1) / page * page;
    const uintptr_t end = (first + bytes) / page * page;
    if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, advice);
  };
  advise(kLargePage, MADV_HUGEPAGE);
  advise(kPage, MADV_POPULATE_WRITE);
#endif
}

}  // namespace onpath::text
