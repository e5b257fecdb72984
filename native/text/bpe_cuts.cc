#include "text/bpe_cuts.h"

#include <algorithm>
#include <bit>
#include <utility>
#include <vector>

namespace onpath::text {
namespace {

/// The bytes of a code point as a number; `text` begins one, of `size` bytes.
uint32_t packed(const uint8_t* text, size_t size) {
  uint32_t value = 0;
  for (size_t i = 0; i < size; ++i) value = value << 8 | text[i];
  return value;
}

uint64_t hash_of(uint32_t first, uint32_t second) {
  uint64_t hash = (uint64_t{first} << 32 | second) * 0x9E3779B97F4A7C15ull;
  hash ^= hash >> 32;
  return hash * 0xD6E8FEB86659FD93ull >> 20;
}

class BpeCutter final : public PreTokenizer {
 public:
  explicit BpeCutter(const BpeTables& tables)
      : tables_(tables), mask_(tables.cuts.hashed.size() * 64 - 1), fuses_(tables.settings.fuses_unknown()) {}

  SplitResult split(const uint8_t* text, size_t size, bool last, std::span<uint32_t> ends) const override {
    SplitResult result;
    size_t at = 0;
    size_t before = 0;  // bytes of the character before `at`
    while (at < size) {
      if (before == 1 && text[at] < 0x80 && text[at - 1] < 0x80) {
        if (result.pieces == ends.size()) return result;
        result.pieces += split_ascii(text, at, size, ends.subspan(result.pieces));
        continue;
      }
      const size_t width = code_point_bytes(text[at]);
      if (width > size - at) break;
      if (before != 0 && may_cut(text + at - before, before, text + at, width)) {
        if (result.pieces == ends.size()) return result;
        ends[result.pieces++] = static_cast<uint32_t>(at);
      }
      before = width;
      at += width;
    }
    if (last && size > 0) {
      if (result.pieces == ends.size()) return result;
      ends[result.pieces++] = static_cast<uint32_t>(size);
    }
    result.exhausted = true;
    return result;
  }
  std::string_view name() const override { return "cuts between characters that no token has side by side"; }

 private:
  /// Goes on from text[at], which is ASCII as what is before it, and writes the cuts: up to what is not
  /// ASCII, or where they might have no more room. Where words end cannot be predicted, so there is no branch
  /// for it.
  size_t split_ascii(const uint8_t* text, size_t& at, size_t size, std::span<uint32_t> ends) const {
    const uint64_t* together = tables_.cuts.ascii.data();
    const size_t stop = std::min(size, at + ends.size());
    size_t count = 0;
    unsigned before = text[at - 1];
    for (; at < stop && text[at] < 0x80; ++at) {
      const unsigned pair = before * 128u + text[at];
      before = text[at];
      ends[count] = static_cast<uint32_t>(at);
      count += ~(together[pair >> 6] >> (pair & 63)) & 1;
    }
    return count;
  }

  /// Of two characters that are not both ASCII.
  bool may_cut(const uint8_t* first, size_t first_size, const uint8_t* second, size_t second_size) const {
    const uint64_t bit = hash_of(packed(first, first_size), packed(second, second_size)) & mask_;
    if ((tables_.cuts.hashed[bit >> 6] >> (bit & 63)) & 1) return false;
    return !fuses_ || tables_.symbol(first, first_size) != kNoToken ||
           tables_.symbol(second, second_size) != kNoToken;
  }

  const BpeTables& tables_;
  uint64_t mask_;
  bool fuses_;
};

}  // namespace

BpeCutTables make_bpe_cuts(const BpeTables& tables, const BpeSource& source) {
  BpeCutTables made;
  std::vector<uint64_t> ascii(256);
  const uint32_t unfit = BpeSettings::kHeapOnly | BpeSettings::kWholePiece | BpeSettings::kEndOfWord |
                         BpeSettings::kContinuing | BpeSettings::kByteLevel;
  if (tables.settings.has(unfit)) return made;
  made.usable = true;
  std::vector<std::pair<uint32_t, uint32_t>> others;
  for (TokenId id = 0; id < source.limit; ++id) {
    if (tables.tokens[id].length == 0 && !source.is_frozen(id)) continue;
    const std::string_view text = source.text(id);
    uint32_t before = 0;
    for (size_t at = 0; at < text.size();) {
      const uint8_t* here = reinterpret_cast<const uint8_t*>(text.data()) + at;
      const size_t width = std::min(code_point_bytes(*here), text.size() - at);
      const uint32_t value = packed(here, width);
      if (at != 0) {
        if (before < 0x80 && value < 0x80) {
          ascii[(before * 128 + value) >> 6] |= uint64_t{1} << (value & 63);
        } else {
          others.emplace_back(before, value);
        }
      }
      before = value;
      at += width;
    }
  }
  if (tables.settings.fuses_unknown()) {
    bool known[128];
    for (unsigned c = 0; c < 128; ++c) {
      const uint8_t byte = static_cast<uint8_t>(c);
      known[c] = tables.symbol(&byte, 1) != kNoToken;
    }
    for (unsigned pair = 0; pair < 128 * 128; ++pair)
      if (!known[pair >> 7] && !known[pair & 127]) ascii[pair >> 6] |= uint64_t{1} << (pair & 63);
  }
  std::vector<uint64_t> hashed(std::bit_ceil(16 * others.size() + 64) / 64);
  for (const auto& [first, second] : others) {
    const uint64_t bit = hash_of(first, second) & (hashed.size() * 64 - 1);
    hashed[bit >> 6] |= uint64_t{1} << (bit & 63);
  }
  made.ascii = Flat<uint64_t>(std::move(ascii));
  made.hashed = Flat<uint64_t>(std::move(hashed));
  return made;
}

PreTokenizerPtr make_bpe_cutter(const BpeTables& tables) {
  return tables.cuts.usable ? std::make_unique<BpeCutter>(tables) : nullptr;
}

}  // namespace onpath::text
