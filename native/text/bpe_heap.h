// The merge algorithm as the references define it: again and again the neighbours of lowest rank, the
// leftmost of them first. Ground truth of everything else here, and the way of models that the fast path does
// not take.
#pragma once

#include <cstdint>
#include <vector>

#include "text/bpe_pairs.h"
#include "text/tokens.h"

namespace onpath::text {

struct BpeSymbol {
  TokenId id = kNoToken;
  uint32_t length = 0;  // bytes it stands for; 0 once it has gone into its left neighbour
  uint32_t next = 0;
  uint32_t previous = 0;
};

/// What happened in a run.
struct BpeTrace {
  BpePair last;          // the last merge; result kNoToken if there was none
  bool monotone = true;  // no merge had a lower rank than one before it
};

/// Grows only when a run is longer than any before.
class BpeHeap {
 public:
  void clear() { symbols_.clear(); }
  void push(TokenId id, uint32_t length) { symbols_.push_back({id, length, 0, 0}); }
  /// Merges what was pushed; what is left is in symbols().
  void merge(const BpePairs& pairs, BpeTrace* trace = nullptr);
  const std::vector<BpeSymbol>& symbols() const { return symbols_; }
  void reserve(size_t symbols) {
    symbols_.reserve(symbols);
    queue_.reserve(3 * symbols);
  }
  uint64_t bytes() const {
    return symbols_.capacity() * sizeof(BpeSymbol) + queue_.capacity() * sizeof(Candidate);
  }

 private:
  struct Candidate {
    uint64_t order;  // rank, then position
    TokenId result;
  };
  void offer(const BpePairs& pairs, uint32_t position);

  std::vector<BpeSymbol> symbols_;
  std::vector<Candidate> queue_;
};

}  // namespace onpath::text
