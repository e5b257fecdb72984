#include "text/word_cache.h"

#include <algorithm>
#include <bit>

namespace onpath::text {
namespace {

template <class T>
uint64_t places(uint64_t bytes, uint64_t fewest) {
  return std::bit_floor(std::max<uint64_t>(bytes / sizeof(T), fewest));
}

}  // namespace

WordCache::WordCache(uint64_t bytes)
    : memory_(places<Line>(bytes, 2) * sizeof(Line)),
      lines_(reinterpret_cast<Line*>(memory_.data())),
      shift_(64 - static_cast<unsigned>(std::countr_zero(places<Line>(bytes, 2)))) {}

void WordCache::clear() { std::memset(memory_.data(), 0, memory_.size()); }

LongWordCache::LongWordCache(uint64_t bytes)
    : memory_(places<LongWord>(bytes, 1) * sizeof(LongWord)),
      words_(reinterpret_cast<LongWord*>(memory_.data())),
      mask_(places<LongWord>(bytes, 1) - 1) {}

void LongWordCache::clear() { std::memset(memory_.data(), 0, memory_.size()); }

}  // namespace onpath::text
