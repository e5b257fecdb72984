// The parts of a chain of normalizers. A chain cuts a text into blocks where no part can tell; each part then
// takes a whole block, so that streaming is decided in one place.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "text/tokens.h"
#include "text/utf8.h"

namespace onpath::text {

/// A block between two parts: bytes and, in detailed mode, where each came from.
class StageText {
 public:
  bool detailed = false;
  const uint8_t* bytes() const { return bytes_.get(); }
  const ByteSpan* origin() const { return origin_.get(); }
  size_t size() const { return size_; }
  void begin(bool with_origin) {
    size_ = 0;
    if (with_origin && !origin_) capacity_ = 0;
    detailed = with_origin;
  }

  void append(const uint8_t* bytes, size_t count, ByteSpan from) {
    if (count == 0) return;
    if (capacity_ - size_ < count) grow(count);
    std::memcpy(bytes_.get() + size_, bytes, count);
    if (detailed)
      for (size_t i = 0; i < count; ++i) origin_[size_ + i] = from;
    size_ += count;
  }
  void append(uint8_t byte, ByteSpan from) {
    if (capacity_ == size_) grow(1);
    if (detailed) origin_[size_] = from;
    bytes_[size_++] = byte;
  }
  void append_code(uint32_t code, ByteSpan from) {
    uint8_t utf8[4];
    append(utf8, encode_utf8(code, utf8), from);
  }
  /// Bytes of another text as they are.
  void copy(const StageText& other, size_t begin, size_t end) {
    if (begin == end) return;
    if (capacity_ - size_ < end - begin) grow(end - begin);
    std::memcpy(bytes_.get() + size_, other.bytes() + begin, end - begin);
    if (detailed)
      std::memcpy(origin_.get() + size_, other.origin() + begin, (end - begin) * sizeof(ByteSpan));
    size_ += end - begin;
  }
  /// The raw text, each byte from its own code point; positions count from text[0].
  void assign(const uint8_t* text, size_t begin, size_t end);

  ByteSpan from(size_t at) const { return detailed ? origin_[at] : ByteSpan{}; }

 private:
  void grow(size_t more);
  std::unique_ptr<uint8_t[]> bytes_;
  std::unique_ptr<ByteSpan[]> origin_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

/// What is known of the character behind a block, as it comes to a part.
struct NextCharacter {
  enum class Kind : uint8_t {
    end,       // none: the segment ends with the block
    known,     // `code`, and it stands there `repeats` times at least
    composed,  // `code`, or a code point whose canonical decomposition begins with it
    unknown
  };
  Kind kind = Kind::end;
  uint32_t code = 0;
  uint32_t repeats = 1;

  bool is_end() const { return kind == Kind::end; }
  static NextCharacter unknown() { return {Kind::unknown, 0, 1}; }
  /// It could be `other`.
  bool may_be(uint32_t other) const {
    if (kind == Kind::known) return code == other;
    return kind == Kind::unknown || (kind == Kind::composed && (code == other || other >= 0x80));
  }
};

/// A code point on its way through a Unicode form. `change` as Hugging Face counts: 1 is inserted, 0 stands
/// for a code point of the input, -n for one and the n behind it.
struct FormItem {
  uint32_t code;
  uint32_t rank;
  int32_t change;
};

/// A worker's memory.
struct StageScratch {
  StageText texts[2], character;
  std::vector<FormItem> pending, sorted, composing;
  bool failed = false;  // a regex gave up at its limit
};

struct BlockPlace {
  bool first = true;  // the block begins its segment
  NextCharacter next;
};

/// Immutable.
class NormalizerStage {
 public:
  virtual ~NormalizerStage() = default;
  /// Appends what becomes of a block. False: what follows could change that, or the block changes what
  /// becomes of what follows; `out` is of no use then. Never false at the end of a segment.
  virtual bool apply(const StageText& in, const BlockPlace& place, StageScratch& scratch,
                     StageText& out) const = 0;
  /// False if apply() would return false for this next character whatever the block. Cheap.
  virtual bool cuts_before(const NextCharacter&) const { return true; }
  /// What the next character is for the part behind. Only asked if the block may end before it.
  virtual NextCharacter behind(const NextCharacter& next, StageText& scratch) const = 0;
  /// False: apply() does not look at the next character.
  virtual bool asks_for_next() const { return true; }
  /// What it does depends on BlockPlace::first.
  virtual bool asks_for_first() const { return false; }
  /// Appends what becomes of a character (here: what parts before made of one) among others that stand alone,
  /// inside a segment. between: only if those beside it are `yes`.
  enum class Alone : uint8_t { no, yes, between };
  virtual Alone stand_alone(const StageText&, StageText&) const { return Alone::no; }
  /// If this were the only part: Normalizer::unchanged. Empty: it cannot say.
  virtual std::optional<size_t> unchanged(const uint8_t*, size_t, bool) const { return {}; }
  /// Most bytes out for a byte in.
  virtual uint32_t expansion() const = 0;
  virtual uint64_t bytes() const { return 0; }
};
using NormalizerStagePtr = std::unique_ptr<const NormalizerStage>;

}  // namespace onpath::text
