#include "text/bpe_backtrack.h"

namespace onpath::text {

bool bpe_stays_by_merging(const BpeTables& tables, TokenId left, TokenId right, BpeWork& work) {
  const uint64_t hash = (uint64_t{left} << 32 | right) * 0x9E3779B97F4A7C15ull;
  BpeWork::Verdict& verdict = work.verdicts[(hash >> 32) & (work.verdicts.size() - 1)];
  if (verdict.left == left && verdict.right == right) return verdict.stays;
  work.heap.clear();
  for (const TokenId token : {left, right}) {
    work.parts.assign(1, token);
    while (!work.parts.empty()) {
      const TokenId part = work.parts.back();
      work.parts.pop_back();
      if (tables.tokens[part].left == kNoToken) {
        work.heap.push(part, tables.tokens[part].size());
      } else {
        work.parts.push_back(tables.tokens[part].right);
        work.parts.push_back(tables.tokens[part].left);
      }
    }
  }
  work.heap.merge(tables.pairs);
  const std::vector<BpeSymbol>& merged = work.heap.symbols();
  verdict = {left, right, merged.size() == 2 && merged[0].id == left && merged[1].id == right};
  return verdict.stays;
}

size_t bpe_backtrack(const BpeTables& tables, const uint8_t* text, size_t begin, size_t end, uint64_t* dead,
                     BpeWork& work, TokenId* out, size_t& count) {
  const BpeToken* tokens = tables.tokens.data();
  const auto is_dead = [dead](size_t at) { return ((dead[at >> 6] >> (at & 63)) & 1) != 0; };
  TokenId* const bottom = out + count;
  TokenId* top = bottom;
  size_t at = begin;
  while (at < end) {
    size_t size = 0;
    TokenId token = tables.matcher.longest(text + at, text + end, size);
    if (token == kNoToken) break;
    for (;;) {
      const size_t stop = at + size;
      if (stop <= end && !is_dead(stop) && (top == bottom || bpe_stays(tables, top[-1], token, work))) {
        *top++ = token;
        at = stop;
        break;
      }
      token = tables.prefixes[token];
      while (token == kNoToken) {
        // Symbols always have tokens, so only a damaged form comes here with nothing left.
        if (top == bottom) return begin;
        dead[at >> 6] |= uint64_t{1} << (at & 63);
        const TokenId last = *--top;
        at -= tokens[last].size();
        token = tables.prefixes[last];
      }
      size = tokens[token].size();
    }
  }
  count += static_cast<size_t>(top - bottom);
  return at;
}

}  // namespace onpath::text
