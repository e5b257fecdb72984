#include "text/bpe_reach.h"

namespace onpath::text {
namespace {

constexpr uint32_t kEnd = 0xFFFFFFFF;

}  // namespace

BpeReach::BpeReach(const BpeSource& source)
    : tokens(source.limit),
      pairs(source.limit),
      source_(source),
      state_(source.limit, kUnknown),
      waiting_(source.limit, kEnd),
      next_(source.merges.size(), kEnd) {
  for (TokenId id = 0; id < source.limit; ++id) {
    if (!source.is_symbol(id) || source.is_frozen(id)) continue;
    state_[id] = kReached;
    tokens[id].length = static_cast<uint32_t>(source.text(id).size());
  }
}

void BpeReach::run() {
  const std::vector<BpePair>& merges = source_.merges;
  for (size_t i = 0; i < merges.size(); ++i) {
    if (source_.repeats && all_merges().find(merges[i].left, merges[i].right)->rank != merges[i].rank)
      continue;
    consider(merges[i], i);
    settle();
  }
}

void BpeReach::consider(const BpePair& merge, size_t index) {
  if (state_[merge.result] != kUnknown) return;
  for (const TokenId part : {merge.left, merge.right}) {
    if (state_[part] == kNever) return;
    if (state_[part] == kUnknown) return wait(part, index);
  }
  const BpeToken& left = tokens[merge.left];
  const BpeToken& right = tokens[merge.right];
  // Parts of the same rank come with SentencePiece's equal scores; merging tells what comes first.
  if (left.improper() || right.improper() || left.rank >= merge.rank || right.rank >= merge.rank)
    return simulate(merge.result);
  if (!merges_across(tokens.data(), pairs, merge.left, merge.right, /*skip_last=*/true))
    reached(merge.result, merge.left, merge.right, merge.rank, false);
}

void BpeReach::wait(TokenId part, size_t index) {
  next_[index] = waiting_[part];
  waiting_[part] = static_cast<uint32_t>(index);
}

void BpeReach::reached(TokenId token, TokenId left, TokenId right, uint32_t rank, bool is_improper) {
  state_[token] = kReached;
  const uint32_t length = static_cast<uint32_t>(source_.text(token).size());
  tokens[token] = {left, right, rank, length | (is_improper ? BpeToken::kImproper : 0)};
  improper += is_improper;
  pairs.insert({left, right, token, rank});
  if (waiting_[token] != kEnd) fresh_.push_back(token);
}

/// Merges that waited for a token are late: whatever they make is merged for real.
void BpeReach::settle() {
  while (!fresh_.empty()) {
    const TokenId token = fresh_.back();
    fresh_.pop_back();
    uint32_t index = waiting_[token];
    waiting_[token] = kEnd;
    while (index != kEnd) {
      const uint32_t next = next_[index];
      const BpePair& merge = source_.merges[index];
      if (state_[merge.result] == kUnknown) {
        const TokenId other = state_[merge.left] != kReached ? merge.left : merge.right;
        if (state_[other] == kUnknown) {
          wait(other, index);
        } else if (state_[other] == kReached) {
          simulate(merge.result);
        }
      }
      index = next;
    }
  }
}

/// With the token, the parts that it comes from: they are tokens that merging produces too.
void BpeReach::simulate(TokenId wanted) {
  stack_.assign(1, wanted);
  while (!stack_.empty()) {
    const TokenId token = stack_.back();
    stack_.pop_back();
    if (state_[token] != kUnknown) continue;
    BpeTrace trace;
    heap_.clear();
    const bool whole = source_.push_symbols(token, heap_);
    if (whole) heap_.merge(all_merges(), &trace);
    if (!whole || heap_.symbols().size() != 1 || heap_.symbols()[0].id != token) {
      state_[token] = kNever;
      continue;
    }
    reached(token, trace.last.left, trace.last.right, trace.last.rank, !trace.monotone);
    stack_.push_back(trace.last.left);
    stack_.push_back(trace.last.right);
  }
}

const BpePairs& BpeReach::all_merges() {
  if (!all_) all_.emplace(source_.merges);
  return *all_;
}

}  // namespace onpath::text
