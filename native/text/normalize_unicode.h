// What normalizers ask of code points; generated from the reference.
#pragma once

#include <cstdint>
#include <span>

#include "text/code_point_table.h"

namespace onpath::text {

namespace unicode_map {
#include "text/unicode_map_kinds.inc"
}  // namespace unicode_map

/// How a code point takes part in grapheme clusters.
enum class ClusterKind : uint8_t {
  any,
  cr,
  lf,
  control,
  extend,
  joiner,
  regional_indicator,
  prepend,
  spacing_mark,
  hangul_l,
  hangul_v,
  hangul_t,
  hangul_lv,
  hangul_lvt,
  pictographic,
  conjunct_consonant
};

enum class UnicodeForm : uint8_t { nfc, nfd, nfkc, nfkd };

/// The properties of one code point.
class CodePointKind {
 public:
  explicit CodePointKind(uint32_t code)
      : bits_(unicode_map::kRecords[look_up(unicode_map::kRecordIndex, unicode_map::kRecordBlocks, code)]) {}
  bool white() const { return has(0); }                   // White_Space
  bool bert_removes() const { return has(1); }            // NUL, U+FFFD, controls
  bool nonspacing() const { return has(2); }              // what BERT takes for an accent
  bool combining() const { return has(3); }               // what StripAccents removes
  bool chinese() const { return has(4); }                 // what BERT puts spaces around
  bool composes_first() const { return has(8); }          // some composition begins with it
  bool composes_second() const { return has(9); }         // some composition ends with it
  bool decomposes() const { return has(10); }             // NFD changes it
  bool decomposes_compatibly() const { return has(11); }  // NFKD changes it
  bool lowers() const { return has(14); }
  /// The form changes it even where it stands alone.
  bool changed_by(UnicodeForm form) const {
    constexpr uint8_t kBit[] = {12, 10, 13, 11};
    return has(kBit[static_cast<uint8_t>(form)]);
  }
  /// A text may be cut before it: its decomposition begins with a starter that composes with nothing before.
  bool starts(UnicodeForm form) const {
    constexpr uint8_t kBit[] = {7, 5, 15, 6};
    return has(kBit[static_cast<uint8_t>(form)]);
  }
  /// Of code points that do not decompose: 0 for starters, else ordered like canonical combining classes.
  uint32_t rank() const { return bits_ >> 16 & 0xFF; }
  ClusterKind cluster() const { return static_cast<ClusterKind>(bits_ >> 24 & 0xF); }
  bool conjunct_extends() const { return has(30); }
  bool conjunct_links() const { return has(31); }

 private:
  bool has(uint32_t bit) const { return (bits_ >> bit & 1) != 0; }
  uint32_t bits_;
};

using Utf8Image = std::span<const uint8_t>;
/// Of code points that lowers() says.
Utf8Image lower_case(uint32_t code);
/// The full decomposition of code points that decomposes() says (compatible: decomposes_compatibly()), but
/// Hangul syllables.
Utf8Image decomposition(uint32_t code, bool compatible);

inline bool is_hangul_syllable(uint32_t code) { return code - 0xAC00u < 11172u; }
/// 2 or 3 code points.
uint32_t decompose_hangul(uint32_t code, uint32_t out[3]);
/// The composition of two code points, or 0.
uint32_t compose(uint32_t first, uint32_t second);

}  // namespace onpath::text
