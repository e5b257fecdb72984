// Encoding without merging. A row of tokens is what merging makes of its bytes if and only if that is so for
// each two neighbours: the first merge across a border between tokens would be the first across that border
// among these two alone. And each prefix of a text has one such row. So: take the longest token that fits
// behind the one before; where none does, go back one token and take a shorter one. An end of text that led
// nowhere is marked and never tried again, which makes it linear.
#pragma once

#include <cstdint>
#include <vector>

#include "text/bpe_heap.h"
#include "text/bpe_tables.h"

namespace onpath::text {

/// Memory for encoding pieces of any size.
struct BpeWork {
  std::vector<uint64_t> dead;   // by position, for long pieces
  std::vector<uint8_t> tagged;  // a piece with its end tag
  BpeHeap heap;
  std::vector<TokenId> parts;
  /// What merging said of neighbours that need it; direct mapped.
  struct Verdict {
    TokenId left = kNoToken, right = kNoToken;
    bool stays = false;
  };
  std::vector<Verdict> verdicts;

  uint64_t bytes() const {
    return dead.capacity() * 8 + tagged.capacity() + heap.bytes() + parts.capacity() * sizeof(TokenId) +
           verdicts.capacity() * sizeof(Verdict);
  }
};

/// Do the two stay as they are, if nothing else stood around them?
bool bpe_stays_by_merging(const BpeTables& tables, TokenId left, TokenId right, BpeWork& work);

inline bool bpe_stays(const BpeTables& tables, TokenId left, TokenId right, BpeWork& work) {
  const BpeToken* tokens = tables.tokens.data();
  if (((tokens[left].length | tokens[right].length) & BpeToken::kImproper) != 0)
    return bpe_stays_by_merging(tables, left, right, work);
  return !merges_across(tokens, tables.pairs, left, right, /*skip_last=*/false);
}

/// Writes the tokens of text[begin, end) to `out`, up to the first symbol that is no token; returns the
/// position reached. `dead` has a bit for each position up to `end`, of those not reached before all clear.
size_t bpe_backtrack(const BpeTables& tables, const uint8_t* text, size_t begin, size_t end, uint64_t* dead,
                     BpeWork& work, TokenId* out, size_t& count);

}  // namespace onpath::text
