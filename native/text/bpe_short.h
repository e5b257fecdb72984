// Merging for pieces of a few symbols, on the stack. The same order as the heap's: the lowest rank, the
// leftmost first among equals.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "text/bpe_tables.h"
#include "text/large_memory.h"

namespace onpath::text {

/// What text is before any merge, by byte; and what two such bytes merge into.
class BpeShort {
 public:
  struct First {
    uint32_t rank = 0;  // 0: they do not merge
    TokenId result = 0;
  };
  static constexpr size_t kMostSymbols = 32;

  explicit BpeShort(const BpeTables& tables);

  /// Writes the tokens of the piece and returns their number; 0 if it has a symbol that is no token, or too
  /// many. `piece` is not empty.
  size_t encode(const BpeTables& tables, const uint8_t* piece, size_t size, TokenId* out) const {
    if (!usable_ || size > kMostSymbols) return 0;
    return size <= 16 ? encode_up_to<16>(tables, piece, size, out)
                      : encode_up_to<32>(tables, piece, size, out);
  }
  uint64_t bytes() const { return memory_.size(); }

 private:
  template <unsigned kMost>
  size_t encode_up_to(const BpeTables& tables, const uint8_t* piece, size_t size, TokenId* out) const;

  bool usable_ = false;
  bool bytes_ = false;  // every byte is a symbol; otherwise only those of ASCII are looked up by byte
  std::array<TokenId, 256> symbols_{};
  LargeMemory memory_;
  First* first_ = nullptr;  // of 256 * 256 pairs of bytes
};

}  // namespace onpath::text
