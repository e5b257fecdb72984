// What a whole chain makes of single code points, so that ordinary text goes through no part. A code point is
// in the table if, between others of the table, it becomes the same wherever it stands.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "text/code_point_table.h"
#include "text/normalize_stage.h"

namespace onpath::text {

struct NormalizedText;

class CharacterTable {
 public:
  /// `asking`: parts up to the last that asks for the next character.
  CharacterTable(std::span<const NormalizerStagePtr> stages, size_t asking);

  /// Appends what becomes of the front of text[0, size), whole code points, and returns the bytes it took.
  /// What is behind them is in the table and may be cut off, or it took none; with `last` the text ends at
  /// size. `offset` is added to origins.
  size_t apply(const uint8_t* text, size_t size, bool last, size_t offset, NormalizedText& out) const;

  /// Bytes at the front of whole code points that stay as they are and may be cut off.
  size_t unchanged(const uint8_t* text, size_t size) const;
  /// ASCII letters stay what they are: unchanged() is worth asking.
  bool keeps_letters() const { return (entry('A') & kKind) == kSame && (entry('a') & kKind) == kSame; }

  /// The first place behind text[0] between two code points of the table that may be cut, or `size`.
  size_t next_cut(const uint8_t* text, size_t size) const;

  /// Of use: letters are in the table.
  bool useful() const { return plain(entry('a')); }
  uint64_t bytes() const;

 private:
  // An entry: its kind, and for images where pool_ has size and bytes.
  static constexpr uint32_t kSpecial = 0;  // not in the table
  static constexpr uint32_t kSame = 1;
  static constexpr uint32_t kSpaced = 2;  // itself between two spaces
  static constexpr uint32_t kImage = 3;
  static constexpr uint32_t kKind = 3;
  static constexpr uint32_t kBetween = 4;  // only between two that have not this
  static constexpr uint32_t kPlaces = 0x1FB00;

  uint32_t entry(uint32_t code) const {
    return code < kPlaces ? look_up(index_.data(), blocks_.data(), code) : kSpecial;
  }
  static bool plain(uint32_t entry) { return (entry & kKind) != kSpecial && !(entry & kBetween); }
  class Output;
  void put(uint32_t entry, const uint8_t* text, uint32_t size, size_t from, Output& output) const;
  uint32_t make_entry(uint32_t code, std::span<const NormalizerStagePtr> stages, size_t asking,
                      StageText texts[2]);

  std::vector<uint16_t> index_;
  std::vector<uint32_t> blocks_;
  std::vector<uint8_t> pool_;
  // ASCII that becomes one byte. Class 0: in the table; 1: in the table, only between others; 2: neither.
  uint8_t ascii_[256] = {};
  uint8_t ascii_class_[256] = {};
};

}  // namespace onpath::text
