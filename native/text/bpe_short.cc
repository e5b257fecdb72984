#include "text/bpe_short.h"

#include <vector>

namespace onpath::text {
namespace {

constexpr uint32_t kNever = 0xFFFFFFFF;

/// A tree of comparisons that stays in registers.
template <unsigned kCount>
[[gnu::always_inline]] inline uint32_t least(const uint32_t* keys) {
  if constexpr (kCount == 1) {
    return keys[0];
  } else {
    return std::min(least<kCount / 2>(keys), least<kCount / 2>(keys + kCount / 2));
  }
}

}  // namespace

BpeShort::BpeShort(const BpeTables& tables) {
  const uint32_t unfit = BpeSettings::kHeapOnly | BpeSettings::kEndOfWord;
  if (tables.settings.has(unfit) || tables.pairs.highest_rank() >= kNever / kMostSymbols) return;
  usable_ = true;
  bytes_ = tables.settings.has(BpeSettings::kByteLevel);
  for (unsigned value = 0; value < 256; ++value) {
    const uint8_t byte = static_cast<uint8_t>(value);
    symbols_[value] = bytes_ || value < 0x80 ? tables.symbol(&byte, 1) : kNoToken;
  }
  memory_ = LargeMemory(sizeof(First) * 256 * 256);
  first_ = reinterpret_cast<First*>(memory_.data());
  // What two bytes merge into is a token of these bytes. Most tokens are not: the array is gone through once,
  // where looking up all pairs of bytes would wait for memory.
  std::vector<uint8_t> byte_of(tables.tokens.size());
  for (unsigned value = 0; value < 256; ++value)
    if (symbols_[value] != kNoToken) byte_of[symbols_[value]] = static_cast<uint8_t>(value);
  const auto is_byte = [&](TokenId id) { return symbols_[byte_of[id]] == id; };
  for (TokenId id = 0; id < tables.tokens.size(); ++id) {
    const BpeToken& token = tables.tokens[id];
    if (token.size() != 2 || token.rank == 0 || !is_byte(token.left) || !is_byte(token.right)) continue;
    first_[byte_of[token.left] << 8 | byte_of[token.right]] = {token.rank, id};
  }
}

template <unsigned kMost>
size_t BpeShort::encode_up_to(const BpeTables& tables, const uint8_t* piece, size_t size,
                              TokenId* out) const {
  // A key is a rank and, below it, a place: the least key is the next merge.
  constexpr uint32_t kPlaces = kMost;
  alignas(64) uint32_t keys[kMost];
  TokenId results[kMost];
  TokenId ids[kMost + 1];
  uint8_t next[kMost + 1];
  uint8_t previous[kMost + 1];
  std::fill_n(keys, kMost, kNever);

  uint32_t count = 0;
  uint8_t before = 0;
  bool single_before = false;
  for (size_t at = 0; at < size;) {
    const uint8_t byte = piece[at];
    const bool single = bytes_ || byte < 0x80;
    const size_t width = single ? 1 : std::min(code_point_bytes(byte), size - at);
    const TokenId id = single ? symbols_[byte] : tables.symbol(piece + at, width);
    if (id == kNoToken) return 0;
    ids[count] = id;
    if (count != 0) {
      First first;
      if (single && single_before) {
        first = first_[before << 8 | byte];
      } else if (const BpePair* pair = tables.pairs.find(ids[count - 1], id)) {
        first = {pair->rank, pair->result};
      }
      if (first.rank != 0) {
        keys[count - 1] = first.rank * kPlaces + (count - 1);
        results[count - 1] = first.result;
      }
    }
    next[count] = static_cast<uint8_t>(count + 1);
    previous[count] = static_cast<uint8_t>(count - 1);
    single_before = single;
    before = byte;
    at += width;
    ++count;
  }

  for (;;) {
    const uint32_t key = least<kMost>(keys);
    if (key == kNever) break;
    const uint32_t place = key % kPlaces;
    const uint32_t gone = next[place];
    const uint32_t behind = next[gone];
    const TokenId made = results[place];
    ids[place] = made;
    next[place] = static_cast<uint8_t>(behind);
    previous[behind] = static_cast<uint8_t>(place);
    keys[gone % kPlaces] = kNever;
    keys[place] = kNever;
    // Both neighbours at once: most of the time goes into waiting for the table.
    const uint32_t ahead = previous[place];
    const bool has_ahead = place != 0;
    const bool has_behind = behind < count;
    const TokenId left = ids[has_ahead ? ahead : 0];
    const TokenId right = ids[has_behind ? behind : 0];
    const uint64_t ahead_hash = tables.pairs.start(left, made);
    const uint64_t behind_hash = tables.pairs.start(made, right);
    if (has_behind) {
      if (const BpePair* pair = tables.pairs.find(behind_hash, made, right)) {
        keys[place] = pair->rank * kPlaces + place;
        results[place] = pair->result;
      }
    }
    if (has_ahead) {
      keys[ahead] = kNever;
      if (const BpePair* pair = tables.pairs.find(ahead_hash, left, made)) {
        keys[ahead] = pair->rank * kPlaces + ahead;
        results[ahead] = pair->result;
      }
    }
  }
  size_t tokens = 0;
  for (uint32_t place = 0; place < count; place = next[place]) out[tokens++] = ids[place];
  return tokens;
}

template size_t BpeShort::encode_up_to<16>(const BpeTables&, const uint8_t*, size_t, TokenId*) const;
template size_t BpeShort::encode_up_to<32>(const BpeTables&, const uint8_t*, size_t, TokenId*) const;

}  // namespace onpath::text
