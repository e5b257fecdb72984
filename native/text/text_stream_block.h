// What the stages of a stream hand to each other: text that lies together, and where it came from.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "text/tokens.h"
#include "text/utf8.h"

namespace onpath::text {

/// Valid UTF-8 of whole code points. Byte i came from the input's bytes origin[i]; without origin text[0] is
/// the input's byte `at`, and each byte has the span of its code point. Origins exist only in detailed
/// streams.
struct Block {
  const uint8_t* text = nullptr;
  size_t size = 0;
  const ByteSpan* origin = nullptr;
  uint32_t at = 0;
  bool input_start = false;  // text[0] came from the input's first byte

  Block from(size_t offset) const { return part(offset, size - offset); }
  Block part(size_t offset, size_t bytes) const {
    return {text + offset, bytes, origin ? origin + offset : nullptr, at + static_cast<uint32_t>(offset),
            input_start && offset == 0};
  }
  /// Of the input, for bytes [begin, end) of the block.
  ByteSpan span(size_t begin, size_t end) const {
    if (begin >= end) {
      const uint32_t place = begin < size ? begin_of(begin) : size > 0 ? end_of(size - 1) : at;
      return {place, place};
    }
    return {begin_of(begin), end_of(end - 1)};
  }
  uint32_t begin_of(size_t i) const {
    if (origin) return origin[i].begin;
    while (i > 0 && is_continuation(text[i])) --i;
    return at + static_cast<uint32_t>(i);
  }
  uint32_t end_of(size_t i) const {
    if (origin) return origin[i].end;
    ++i;
    while (i < size && is_continuation(text[i])) ++i;
    return at + static_cast<uint32_t>(i);
  }
  /// The largest part of at most `bytes` bytes that cuts no code point; a code point if `bytes` is less.
  size_t whole(size_t bytes) const {
    if (bytes >= size) return size;
    while (bytes > 0 && is_continuation(text[bytes])) --bytes;
    return bytes > 0 ? bytes : std::min<size_t>(size, utf8_size(text[0]));
  }
};

/// Text of a stage's own: built anew, or kept until more is known. Grows only when a text is larger than any
/// before.
struct BuiltText {
  std::vector<uint8_t> bytes;
  std::vector<ByteSpan> origin;  // empty unless detailed
  void clear() {
    bytes.clear();
    origin.clear();
  }
  void append(const Block& block, bool detailed) {
    bytes.insert(bytes.end(), block.text, block.text + block.size);
    if (!detailed) return;
    for (size_t i = 0; i < block.size; ++i) origin.push_back({block.begin_of(i), block.end_of(i)});
  }
  Block block(bool detailed, bool input_start) const {
    return {bytes.data(), bytes.size(), detailed ? origin.data() : nullptr, 0, input_start};
  }
  uint64_t capacity_bytes() const { return bytes.capacity() + origin.capacity() * sizeof(ByteSpan); }
};

/// Text that a stage has taken but not handed on: it waits for what follows.
class Pending {
 public:
  explicit Pending(bool detailed) : detailed_(detailed) {}

  bool empty() const { return text_.bytes.empty(); }
  size_t size() const { return text_.bytes.size(); }
  uint64_t capacity_bytes() const { return text_.capacity_bytes(); }
  void reserve(size_t bytes) {
    text_.bytes.reserve(bytes);
    if (detailed_) text_.origin.reserve(bytes);
  }
  void clear() { text_.clear(); }
  Block block() const { return text_.block(detailed_, input_start_); }
  void append(const Block& block) {
    if (empty()) input_start_ = block.input_start;
    text_.append(block, detailed_);
  }
  /// A byte that is not in the input, in front of all.
  void insert(uint8_t byte, ByteSpan origin, bool input_start) {
    if (empty()) input_start_ = input_start;
    text_.bytes.push_back(byte);
    if (detailed_) text_.origin.push_back(origin);
  }
  void drop(size_t bytes) {
    if (bytes == 0) return;
    const auto count = static_cast<ptrdiff_t>(bytes);
    text_.bytes.erase(text_.bytes.begin(), text_.bytes.begin() + count);
    if (detailed_) text_.origin.erase(text_.origin.begin(), text_.origin.begin() + count);
    input_start_ = false;
  }

 private:
  bool detailed_;
  bool input_start_ = false;
  BuiltText text_;
};

}  // namespace onpath::text
