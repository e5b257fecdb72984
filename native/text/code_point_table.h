// Values of all code points, as the generated tables have them.
#pragma once

#include <cstdint>

namespace onpath::text {

/// Blocks of 128 code points, equal ones kept once; the index has the block of each 128.
template <class Block, class Value>
constexpr Value look_up(const Block* index, const Value* blocks, uint32_t code) {
  return blocks[index[code >> 7] * 128u + (code & 127u)];
}

}  // namespace onpath::text
