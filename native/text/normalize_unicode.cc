#include "text/normalize_unicode.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace onpath::text {

namespace unicode_map {
namespace {
struct Composition {
  uint32_t first, second, composed;
};
#include "text/unicode_map_lower.inc"
#include "text/unicode_map_nfd.inc"
#include "text/unicode_map_nfkd.inc"
#include "text/unicode_map_pairs.inc"

Utf8Image image(const uint8_t* bytes, const uint16_t* ends, uint32_t number) {
  return {bytes + ends[number - 1], bytes + ends[number]};
}
}  // namespace
}  // namespace unicode_map

Utf8Image lower_case(uint32_t code) {
  using namespace unicode_map;
  return image(kLowerBytes, kLowerEnds, look_up(kLowerIndex, kLowerBlocks, code));
}

Utf8Image decomposition(uint32_t code, bool compatible) {
  using namespace unicode_map;
  if (compatible) return image(kNfkdBytes, kNfkdEnds, look_up(kNfkdIndex, kNfkdBlocks, code));
  return image(kNfdBytes, kNfdEnds, look_up(kNfdIndex, kNfdBlocks, code));
}

namespace {
constexpr uint32_t kSyllables = 0xAC00, kLeading = 0x1100, kVowels = 0x1161, kTrailing = 0x11A7;
constexpr uint32_t kLeadingCount = 19, kVowelCount = 21, kTrailingCount = 28;
}  // namespace

uint32_t decompose_hangul(uint32_t code, uint32_t out[3]) {
  const uint32_t index = code - kSyllables;
  out[0] = kLeading + index / (kVowelCount * kTrailingCount);
  out[1] = kVowels + index / kTrailingCount % kVowelCount;
  out[2] = kTrailing + index % kTrailingCount;
  return out[2] == kTrailing ? 2 : 3;
}

uint32_t compose(uint32_t first, uint32_t second) {
  if (first - kLeading < kLeadingCount && second - kVowels < kVowelCount)
    return kSyllables + ((first - kLeading) * kVowelCount + (second - kVowels)) * kTrailingCount;
  if (is_hangul_syllable(first) && (first - kSyllables) % kTrailingCount == 0 &&
      second - (kTrailing + 1) < kTrailingCount - 1)
    return first + (second - kTrailing);
  if (!CodePointKind(first).composes_first() || !CodePointKind(second).composes_second()) return 0;
  const auto* end = std::end(unicode_map::kCompositions);
  const auto* found = std::lower_bound(std::begin(unicode_map::kCompositions), end, std::pair{first, second},
                                       [](const auto& entry, const auto& key) {
                                         return std::pair{entry.first, entry.second} < key;
                                       });
  return found != end && found->first == first && found->second == second ? found->composed : 0;
}

}  // namespace onpath::text
