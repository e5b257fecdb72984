#include "text/bpe_short.h"

#include <memory>

namespace onpath::text {
namespace {

constexpr uint32_t kNever = 0xFFFFFFFF;

template <unsigned kMost>
uint32_t least(const uint32_t* keys) {
  std::array<uint32_t, kMost / 2> best;
  for (unsigned i = 0; i < kMost / 2; ++i) best[i] = std::min(keys[i], keys[i + kMost / 2]);
  for (unsigned width = kMost / 4; width > 0; width /= 2)
    for (unsigned i = 0; i < width; ++i) best[i] = std::min(best[i], best[i + width]);
  return best[0];
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
  for (unsigned pair = 0; pair < 256 * 256; ++pair) {
    First* first = std::construct_at(first_ + pair);
    const TokenId left = symbols_[pair >> 8];
    const TokenId right = symbols_[pair & 255];
    if (left == kNoToken || right == kNoToken) continue;
    if (const BpePair* found = tables.pairs.find(left, right)) *first = {found->rank, found->result};
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
    if (behind < count) {
      if (const BpePair* pair = tables.pairs.find(made, ids[behind])) {
        keys[place] = pair->rank * kPlaces + place;
        results[place] = pair->result;
      }
    }
    if (place != 0) {
      const uint32_t ahead = previous[place];
      keys[ahead] = kNever;
      if (const BpePair* pair = tables.pairs.find(ids[ahead], made)) {
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
