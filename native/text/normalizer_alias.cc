#include "text/normalizer_alias.h"

#include <cstring>
#include <string>

#include "text/utf8.h"

namespace onpath::text {
namespace {

/// Bytes of text[0, size), whole code points, before the first U+2581.
size_t without_low_line(const uint8_t* text, size_t size) {
  // The middle byte: the first is that of much punctuation, the last that of half the Cyrillic letters.
  for (size_t at = 1; at + 1 < size;) {
    const void* found = std::memchr(text + at, static_cast<uint8_t>(kSpaceSymbol[1]), size - at - 1);
    if (!found) return size;
    at = static_cast<size_t>(static_cast<const uint8_t*>(found) - text);
    if (text[at - 1] == static_cast<uint8_t>(kSpaceSymbol[0]) &&
        text[at + 1] == static_cast<uint8_t>(kSpaceSymbol[2]))
      return at - 1;
    ++at;
  }
  return size;
}

class AliasNormalizer final : public Normalizer {
 public:
  explicit AliasNormalizer(std::string_view prefix) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(prefix.data());
    for (size_t at = 0; at < prefix.size();) {
      const CodePoint c = decode_utf8(bytes + at);
      prefix_.append(c.code == 0x2581 ? std::string_view(" ") : prefix.substr(at, c.size));
      at += c.size;
    }
  }

  size_t unchanged(const uint8_t* text, size_t size, Place place) const override {
    if (place.first && !prefix_.empty()) return 0;
    return without_low_line(text, place.last ? size : whole_code_points(text, size));
  }

  size_t normalize(const uint8_t* text, size_t size, Place place, NormalizedText& out) const override {
    if (!place.last) size = whole_code_points(text, size);
    if (size && place.first)
      append(reinterpret_cast<const uint8_t*>(prefix_.data()), prefix_.size(), {0, utf8_size(text[0])}, out);
    for (size_t at = 0; at < size;) {
      const size_t same = without_low_line(text + at, size - at);
      out.bytes.insert(out.bytes.end(), text + at, text + at + same);
      if (out.detailed) append_origins(text, at, at + same, out);
      at += same;
      if (at == size) break;
      append(reinterpret_cast<const uint8_t*>(" "), 1,
             {static_cast<uint32_t>(at), static_cast<uint32_t>(at + 3)}, out);
      at += 3;
    }
    return size;
  }

  uint32_t expansion() const override { return static_cast<uint32_t>(prefix_.size()) + 1; }
  uint64_t bytes() const override { return sizeof(*this) + prefix_.capacity(); }

 private:
  static void append(const uint8_t* bytes, size_t size, ByteSpan from, NormalizedText& out) {
    out.bytes.insert(out.bytes.end(), bytes, bytes + size);
    if (out.detailed) out.origin.insert(out.origin.end(), size, from);
  }
  static void append_origins(const uint8_t* text, size_t begin, size_t end, NormalizedText& out) {
    while (begin < end) {
      const uint32_t size = utf8_size(text[begin]);
      const auto from = static_cast<uint32_t>(begin);
      out.origin.insert(out.origin.end(), size, ByteSpan{from, from + size});
      begin += size;
    }
  }
  std::string prefix_;
};

}  // namespace

NormalizerPtr make_alias_normalizer(std::string_view prefix) {
  return std::make_unique<AliasNormalizer>(prefix);
}

}  // namespace onpath::text
