#include "text/normalize_table.h"

#include <algorithm>
#include <string>
#include <unordered_map>

#include "text/normalizer.h"

namespace onpath::text {
namespace {
constexpr size_t kBuffer = 2048;
}  // namespace

/// Collects what is written in small pieces.
class CharacterTable::Output {
 public:
  explicit Output(NormalizedText& out) : out_(out) {}
  ~Output() { flush(); }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  uint8_t* room(size_t bytes) {
    if (kBuffer - used_ < bytes) flush();
    return buffer_ + used_;
  }
  void commit(size_t bytes) { used_ += bytes; }
  void put(const uint8_t* bytes, size_t size, size_t from, size_t from_size) {
    std::memcpy(room(size), bytes, size);
    commit(size);
    origin(size, from, from_size);
  }
  void origin(size_t count, size_t from, size_t from_size) {
    if (!out_.detailed) return;
    const ByteSpan span{static_cast<uint32_t>(from), static_cast<uint32_t>(from + from_size)};
    out_.origin.insert(out_.origin.end(), count, span);
  }

 private:
  void flush() {
    out_.bytes.insert(out_.bytes.end(), buffer_, buffer_ + used_);
    used_ = 0;
  }
  NormalizedText& out_;
  size_t used_ = 0;
  uint8_t buffer_[kBuffer];
};

CharacterTable::CharacterTable(std::span<const NormalizerStagePtr> stages, size_t asking) {
  StageText texts[2];
  std::unordered_map<std::string, uint16_t> known;
  std::vector<uint32_t> block(128);
  for (uint32_t code = 0; code < kPlaces; code += 128) {
    const bool empty = (code >= 0xD800 && code < 0xF900) || (code >= 0x10000 && code < 0x1F000);
    for (uint32_t i = 0; i < 128; ++i)
      block[i] = empty ? kSpecial : make_entry(code + i, stages, asking, texts);
    const std::string key(reinterpret_cast<const char*>(block.data()), block.size() * sizeof(uint32_t));
    const auto [found, added] = known.emplace(key, static_cast<uint16_t>(known.size()));
    if (added) blocks_.insert(blocks_.end(), block.begin(), block.end());
    index_.push_back(found->second);
  }
  for (uint32_t c = 0; c < 256; ++c) {
    const uint32_t e = c < 0x80 ? entry(c) : kSpecial;
    const bool one = (e & kKind) == kSame || ((e & kKind) == kImage && pool_[e >> 3] == 1);
    ascii_class_[c] = one ? (e & kBetween ? 1 : 0) : 2;
    ascii_[c] = static_cast<uint8_t>(one && (e & kKind) == kImage ? pool_[(e >> 3) + 1] : c);
  }
}

uint32_t CharacterTable::make_entry(uint32_t code, std::span<const NormalizerStagePtr> stages, size_t asking,
                                    StageText texts[2]) {
  uint8_t utf8[6];
  const uint32_t size = encode_utf8(code, utf8 + 1);
  StageText* in = &texts[0];
  StageText* made = &texts[1];
  in->begin(false);
  in->append(utf8 + 1, size, {});
  uint32_t flags = 0;
  for (size_t i = 0; i < stages.size(); ++i) {
    made->begin(false);
    const NormalizerStage::Alone alone = stages[i]->stand_alone(*in, *made);
    if (alone == NormalizerStage::Alone::no) return kSpecial;
    if (alone == NormalizerStage::Alone::between) flags = kBetween;
    // What parts behind look at would be what is behind it.
    if (made->size() == 0 && (i + 1 < asking || flags)) return kSpecial;
    std::swap(in, made);
  }
  const std::span<const uint8_t> image(in->bytes(), in->size());
  if (std::ranges::equal(image, std::span(utf8 + 1, size))) return kSame | flags;
  utf8[0] = utf8[size + 1] = ' ';
  if (std::ranges::equal(image, std::span(utf8, size + 2))) return kSpaced | flags;
  if (image.size() > 255) return kSpecial;
  const auto at = static_cast<uint32_t>(pool_.size());
  pool_.push_back(static_cast<uint8_t>(image.size()));
  pool_.insert(pool_.end(), image.begin(), image.end());
  return kImage | flags | at << 3;
}

inline void CharacterTable::put(uint32_t e, const uint8_t* text, uint32_t size, size_t from,
                                Output& output) const {
  switch (e & kKind) {
    case kSame:
      return output.put(text, size, from, size);
    case kSpaced: {
      uint8_t spaced[6] = {' '};
      std::memcpy(spaced + 1, text, size);
      spaced[size + 1] = ' ';
      return output.put(spaced, size + 2, from, size);
    }
    default:
      return output.put(pool_.data() + (e >> 3) + 1, pool_[e >> 3], from, size);
  }
}

size_t CharacterTable::apply(const uint8_t* text, size_t size, bool last, size_t offset,
                             NormalizedText& out) const {
  Output output(out);
  size_t at = 0;        // read and written, and cut before
  bool between = true;  // as if one of those that stand only between others were before
  while (at < size) {
    if (text[at] < 0x80) {
      // Whole words of ASCII, as long as the one behind is ASCII of the table too.
      uint8_t before = between ? 1 : 0;
      const size_t most = std::min(size - at, kBuffer / 2);
      uint8_t* to = output.room(most);
      size_t n = 0;
      while (n < most) {
        const uint8_t byte = text[at + n];
        const uint8_t kind = ascii_class_[byte];
        if (kind & 2 || kind & before) break;
        before = kind;
        to[n++] = ascii_[byte];
      }
      // Not the last one, unless the text goes on with the table, or ends.
      const size_t end = at + n;
      const bool ended = end == size && last && before == 0;
      const uint8_t following = end < size ? ascii_class_[text[end]] : 2;
      const bool goes_on = n == most && !(following & 2) && !(following & before);
      if (!ended && !goes_on && n) {
        --n;
        before = n ? ascii_class_[text[at + n - 1]] : (between ? 1 : 0);
      }
      output.commit(n);
      if (out.detailed)
        for (size_t i = 0; i < n; ++i) output.origin(1, offset + at + i, 1);
      at += n;
      between = before != 0;
      if (ended || at == size) break;
      if (n && goes_on) continue;
    }
    // One code point after the other, each if the one behind it is in the table too.
    CodePoint c = decode_utf8(text + at);
    uint32_t e = entry(c.code);
    if ((e & kKind) == kSpecial || (between && (e & kBetween))) break;
    for (;;) {
      const size_t behind = at + c.size;
      CodePoint following;
      uint32_t following_entry = kSpecial;
      if (behind < size) {
        following = decode_utf8(text + behind);
        following_entry = entry(following.code);
        if ((following_entry & kKind) == kSpecial || (following_entry & e & kBetween)) return at;
      } else if (!last || (e & kBetween)) {
        return at;
      }
      put(e, text + at, c.size, offset + at, output);
      between = (e & kBetween) != 0;
      at = behind;
      if (at == size) return at;
      if (c.code < 0x80 && following.code < 0x80) break;
      c = following;
      e = following_entry;
    }
  }
  return at;
}

size_t CharacterTable::unchanged(const uint8_t* text, size_t size) const {
  constexpr uint32_t kBoth = kKind | kBetween;
  size_t before = 0;  // where the last one begins: that may depend on what is behind
  for (size_t at = 0; at < size;) {
    const CodePoint c = decode_utf8(text + at);
    const uint32_t e = entry(c.code);
    if ((e & kBoth) != kSame) {
      // One between its neighbours that stays itself: if they are such that it does.
      const size_t behind = at + c.size;
      if ((e & kBoth) != (kSame | kBetween) || at == 0 || behind >= size) return before;
      if ((entry(decode_utf8(text + behind).code) & kBoth) != kSame) return before;
    }
    before = at;
    at += c.size;
  }
  return before;
}

size_t CharacterTable::next_cut(const uint8_t* text, size_t size) const {
  bool before = false;
  for (size_t at = 0; at < size;) {
    const CodePoint c = decode_utf8(text + at);
    const bool now = plain(entry(c.code));
    if (before && now) return at;
    before = now;
    at += c.size;
  }
  return size;
}

uint64_t CharacterTable::bytes() const {
  return sizeof(*this) + index_.size() * sizeof(uint16_t) + blocks_.size() * sizeof(uint32_t) + pool_.size();
}

}  // namespace onpath::text
