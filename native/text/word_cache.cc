#include "text/word_cache.h"

#include <algorithm>
#include <bit>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace onpath::text {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;

}  // namespace

WordCache::WordCache(uint64_t bytes) {
  const uint64_t lines = std::bit_floor(std::max<uint64_t>(bytes / sizeof(Line), 1));
  mask_ = lines - 1;
  const size_t alignment = lines * sizeof(Line) >= kHugePage ? kHugePage : 64;
  lines_ = static_cast<Line*>(::operator new (lines * sizeof(Line), std::align_val_t{alignment}));
#if defined(__linux__)
  // Words lie all over it, so with small pages most look-ups would wait for the page tables.
  if (alignment == kHugePage) madvise(lines_, lines * sizeof(Line), MADV_HUGEPAGE);
#endif
  clear();
}

WordCache::~WordCache() {
  const size_t alignment = bytes() >= kHugePage ? kHugePage : 64;
  ::operator delete (lines_, std::align_val_t{alignment});
}

void WordCache::clear() { std::fill_n(lines_, mask_ + 1, Line{}); }

LongWordCache::LongWordCache(uint64_t bytes)
    : words_(std::bit_floor(std::max<uint64_t>(bytes / sizeof(LongWord), 1))), mask_(words_.size() - 1) {}

void LongWordCache::clear() { std::fill(words_.begin(), words_.end(), LongWord{}); }

}  // namespace onpath::text
