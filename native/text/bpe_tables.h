// What the BPE model reads while it encodes: arrays that can lie in a compiled form.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

#include "text/bpe_pairs.h"
#include "text/bpe_trie.h"
#include "text/definition.h"
#include "text/flat.h"
#include "text/large_memory.h"
#include "text/model.h"

namespace onpath::text {

/// How a token comes about. Whatever stands around it, the merges inside of its bytes are those of its bytes
/// alone, as none of them crosses its borders; so its last merge is always the same one, and a token that its
/// own bytes alone do not lead to is never produced.
struct BpeToken {
  static constexpr uint32_t kImproper = 0x80000000;
  TokenId left = kNoToken;  // of the last merge; kNoToken: a symbol that no merge makes
  TokenId right = kNoToken;
  uint32_t rank = 0;    // of the last merge, from 1
  uint32_t length = 0;  // bytes; 0: never produced. kImproper: ranks of its merges do not only rise

  uint32_t size() const { return length & ~kImproper; }
  bool improper() const { return (length & kImproper) != 0; }
};

/// Bytes of the code point that begins with `lead`; 1 for what begins none.
inline size_t code_point_bytes(uint8_t lead) {
  return lead < 0xC2 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 1;
}

struct BpeSettings {
  enum : uint32_t {
    kByteLevel = 1,
    kWholePiece = 2,
    kByteFallback = 4,
    kFuseUnk = 8,
    kSpaceAlias = 16,
    kSentencePiece = 32,   // spans of fallback bytes as SentencePiece tells them
    kEndOfWord = 64,       // the last symbol of a piece differs; in tokens a byte 0xFF follows it
    kContinuing = 128,     // symbols but the first differ (heap only)
    kHeapOnly = 256,       // no fast path: merges of symbols one by one
    kByteLevelText = 512,  // texts of tokens are in the GPT-2 alphabet
  };
  uint32_t flags = 0;
  TokenId unk = kNoToken;
  uint32_t id_limit = 0;
  uint32_t longest = 0;   // bytes of the longest token
  uint32_t improper = 0;  // number of improper tokens
  uint32_t unproducible = 0;
  std::array<TokenId, 256> fallback{};  // kNoToken: none

  bool has(uint32_t flag) const { return (flags & flag) != 0; }
  /// Bytes of the symbol that text[0, size) begins with, without a tag.
  size_t symbol_bytes(const uint8_t* text, size_t size) const {
    return has(kByteLevel) ? 1 : std::min(code_point_bytes(*text), size);
  }
  /// Every byte has its token: then nothing is unknown.
  bool falls_back_always() const {
    if (!has(kByteFallback)) return false;
    for (const TokenId id : fallback)
      if (id == kNoToken) return false;
    return true;
  }
  /// What is unknown becomes one token together with unknown neighbours.
  bool fuses_unknown() const { return has(kFuseUnk) && unk != kNoToken && !falls_back_always(); }
};

/// Where text may be cut in two; see bpe_cuts.h.
struct BpeCutTables {
  bool usable = false;
  Flat<uint64_t> ascii;  // of two ASCII characters: bit first * 128 + second is set where some token has both
  Flat<uint64_t> hashed;  // of other neighbours, hashed
};

struct BpeTables {
  BpeSettings settings;
  Flat<BpeToken> tokens;   // by id
  Flat<TokenId> prefixes;  // by id: the longest shorter token that it begins with
  BpePairs pairs;          // one for each token that a merge makes; all merges if kHeapOnly
  BpeTrie matcher;         // tokens that are produced; symbols only if kHeapOnly
  BpeTrie whole;           // kWholePiece: tokens that only a whole piece can be
  BpeTrie frozen;          // user defined symbols
  BpeCutTables cuts;

  /// The token that a code point (or byte) is before any merge, or kNoToken. With its tag, see kLastTag.
  TokenId symbol(const uint8_t* text, size_t size) const {
    const TokenId id = matcher.exact({reinterpret_cast<const char*>(text), size});
    return id != kNoToken && tokens[id].left == kNoToken ? id : kNoToken;
  }

  void write(FlatWriter& form) const;
  static Result<BpeTables> read(const FlatReader& form);
  uint64_t bytes() const;
  /// Copies what encoding reads all over into memory on large pages.
  void gather();

 private:
  LargeMemory gathered_;
};

/// Behind a symbol's bytes in the matcher's strings: it is the last of its piece, not the first, or both. No
/// such byte is in UTF-8.
inline constexpr uint8_t kLastTag = 0xFF;
inline constexpr uint8_t kContinuingTag = 0xFE;
inline constexpr uint8_t kContinuingLastTag = 0xFD;
/// Of a symbol that is continuing, last or both.
inline constexpr uint8_t symbol_tag(bool continuing, bool last) {
  return !continuing ? kLastTag : last ? kContinuingLastTag : kContinuingTag;
}

/// Errors: as make_bpe.
Result<BpeTables> make_bpe_tables(const TokenizerDefinition& definition, const ModelContext& context);

/// Would merging bytes(left) + bytes(right) ever merge across the border between them? Both proper. Goes back
/// from the last merge to the first: between two merges at the border, the neighbours of that time merge if
/// their rank is lower than that of the merge that ended it (leftmost first among equals).
inline bool merges_across(const BpeToken* tokens, const BpePairs& pairs, TokenId left, TokenId right,
                          bool skip_last) {
  uint32_t limit = 0xFFFFFFFF;
  const BpeToken* l = &tokens[left];
  const BpeToken* r = &tokens[right];
  for (;; skip_last = false) {
    if (!skip_last) {
      const BpePair* pair = pairs.find(left, right);
      if (pair && pair->rank < limit) return true;
    }
    if (l->rank > r->rank) {
      limit = l->rank;
      left = l->right;
      l = &tokens[left];
    } else {
      if (r->rank == 0) return false;
      limit = r->rank + 1;
      right = r->left;
      r = &tokens[right];
    }
  }
}

}  // namespace onpath::text
