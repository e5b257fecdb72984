#include "text/word_cache.h"

#include <algorithm>
#include <bit>
#include <memory>

namespace onpath::text {
namespace {

template <class T>
LargeMemory room_for(uint64_t bytes, uint64_t& mask) {
  const uint64_t count = std::bit_floor(std::max<uint64_t>(bytes / sizeof(T), 1));
  mask = count - 1;
  return LargeMemory(count * sizeof(T));
}

}  // namespace

WordCache::WordCache(uint64_t bytes)
    : memory_(room_for<Line>(bytes, mask_)), lines_(reinterpret_cast<Line*>(memory_.data())) {
  clear();
}

void WordCache::clear() { std::uninitialized_fill_n(lines_, mask_ + 1, Line{}); }

LongWordCache::LongWordCache(uint64_t bytes)
    : memory_(room_for<LongWord>(bytes, mask_)), words_(reinterpret_cast<LongWord*>(memory_.data())) {
  clear();
}

void LongWordCache::clear() { std::uninitialized_fill_n(words_, mask_ + 1, LongWord{}); }

}  // namespace onpath::text
