// Which tokens merging can produce, and by which last merge.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "text/bpe_heap.h"
#include "text/bpe_pairs.h"
#include "text/bpe_source.h"
#include "text/bpe_tables.h"

namespace onpath::text {

/// Takes the merges by rank. A merge makes its token if nothing merges across the border of its two parts
/// before; that is quick to tell as long as both parts come about by rising ranks, and by lower ones than
/// the merge's own. Where not, the token's bytes are merged for real.
class BpeReach {
 public:
  explicit BpeReach(const BpeSource& source);
  void run();

  std::vector<BpeToken> tokens;
  BpePairs pairs;  // not frozen yet
  uint32_t improper = 0;

 private:
  enum : uint8_t { kUnknown = 0, kReached = 1, kNever = 2 };
  void consider(const BpePair& merge, size_t index);
  void wait(TokenId part, size_t index);
  void reached(TokenId token, TokenId left, TokenId right, uint32_t rank, bool is_improper);
  void simulate(TokenId token);
  void settle();
  const BpePairs& all_merges();

  const BpeSource& source_;
  std::vector<uint8_t> state_;
  std::vector<uint32_t> waiting_;  // of each token, the first merge that waits for it; then next_ on
  std::vector<uint32_t> next_;
  std::vector<TokenId> fresh_;  // reached, and merges that wait for them not yet looked at
  std::vector<TokenId> stack_;
  BpeHeap heap_;
  std::optional<BpePairs> all_;
};

}  // namespace onpath::text
