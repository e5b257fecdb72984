#include "text/normalize_characters.h"

#include <string>

#include "text/normalize_unicode.h"

namespace onpath::text {
namespace {

void append_lower(uint32_t code, ByteSpan from, StageText& out) {
  if (code < 0x80) return out.append(static_cast<uint8_t>(code - 'A' < 26u ? code | 0x20 : code), from);
  if (!CodePointKind(code).lowers()) return out.append_code(code, from);
  const Utf8Image image = lower_case(code);
  out.append(image.data(), image.size(), from);
}

/// Map: what becomes of a code point; appends it with its origin.
template <class Map>
class CharacterStage final : public NormalizerStage {
 public:
  CharacterStage(Map map, uint32_t expansion) : map_(std::move(map)), expansion_(expansion) {}

  bool apply(const StageText& in, const BlockPlace&, StageScratch&, StageText& out) const override {
    map_all(in, out);
    return true;
  }
  NextCharacter behind(const NextCharacter& next, StageText& image) const override {
    if (next.kind != NextCharacter::Kind::known) return NextCharacter::unknown();
    image.begin(false);
    map_(next.code, ByteSpan{}, image);
    if (image.size() == 0) return NextCharacter::unknown();
    const CodePoint first = decode_utf8(image.bytes());
    return {NextCharacter::Kind::known, first.code, first.size == image.size() ? next.repeats : 1};
  }
  bool asks_for_next() const override { return false; }
  Alone stand_alone(const StageText& in, StageText& out) const override {
    map_all(in, out);
    return Alone::yes;
  }
  uint32_t expansion() const override { return expansion_; }

 private:
  void map_all(const StageText& in, StageText& out) const {
    for (size_t at = 0; at < in.size();) {
      const CodePoint c = decode_utf8(in.bytes() + at);
      map_(c.code, in.from(at), out);
      at += c.size;
    }
  }
  Map map_;
  uint32_t expansion_;
};

template <class Map>
NormalizerStagePtr character_stage(uint32_t expansion, Map map) {
  return std::make_unique<CharacterStage<Map>>(std::move(map), expansion);
}

bool nmt_removes(uint32_t c) {
  return (c >= 0x01 && c <= 0x08) || c == 0x0B || (c >= 0x0E && c <= 0x1F) || c == 0x7F || c == 0x8F ||
         c == 0x9F;
}

bool nmt_blanks(uint32_t c) {
  switch (c) {
    case 0x09:
    case 0x0A:
    case 0x0C:
    case 0x0D:
    case 0x1680:
    case 0x2028:
    case 0x2029:
    case 0x2581:
    case 0xFEFF:
    case 0xFFFD:
      return true;
    default:
      return c >= 0x200B && c <= 0x200F;
  }
}

/// The GPT-2 alphabet: bytes that print stand for themselves, the others for U+0100 and up, in order.
uint32_t byte_level_code(uint8_t byte) {
  const uint32_t b = byte;
  if (b <= 0x20) return 0x100 + b;
  if (b >= 0x7F && b <= 0xA0) return 0x121 + (b - 0x7F);
  if (b == 0xAD) return 0x143;
  return b;
}

}  // namespace

NormalizerStagePtr make_lowercase_stage() {
  return character_stage(3, [](uint32_t c, ByteSpan from, StageText& out) { append_lower(c, from, out); });
}

NormalizerStagePtr make_nmt_stage() {
  return character_stage(1, [](uint32_t c, ByteSpan from, StageText& out) {
    if (nmt_blanks(c))
      out.append(' ', from);
    else if (!nmt_removes(c))
      out.append_code(c, from);
  });
}

NormalizerStagePtr make_strip_accents_stage() {
  return character_stage(1, [](uint32_t c, ByteSpan from, StageText& out) {
    if (!CodePointKind(c).combining()) out.append_code(c, from);
  });
}

NormalizerStagePtr make_byte_level_stage() {
  return character_stage(2, [](uint32_t c, ByteSpan from, StageText& out) {
    uint8_t utf8[4];
    const uint32_t size = encode_utf8(c, utf8);
    for (uint32_t i = 0; i < size; ++i) out.append_code(byte_level_code(utf8[i]), from);
  });
}

NormalizerStagePtr make_bert_clean_stage(bool clean_text, bool chinese_spaces) {
  return character_stage(2, [=](uint32_t c, ByteSpan from, StageText& out) {
    const CodePointKind kind(c);
    if (clean_text && kind.bert_removes()) return;
    if (clean_text && kind.white()) return out.append(' ', from);
    const bool spaces = chinese_spaces && kind.chinese();
    if (spaces) out.append(' ', from);
    out.append_code(c, from);
    if (spaces) out.append(' ', from);
  });
}

NormalizerStagePtr make_bert_accents_stage(bool strip_accents, bool lowercase) {
  return character_stage(3, [=](uint32_t c, ByteSpan from, StageText& out) {
    if (strip_accents && CodePointKind(c).nonspacing()) return;
    if (lowercase)
      append_lower(c, from, out);
    else
      out.append_code(c, from);
  });
}

NormalizerStagePtr make_replace_character_stage(uint32_t code, std::string_view content) {
  const uint32_t expansion = content.empty() ? 1 : static_cast<uint32_t>(content.size());
  return character_stage(
      expansion, [code, content = std::string(content)](uint32_t c, ByteSpan from, StageText& out) {
        if (c == code)
          out.append(reinterpret_cast<const uint8_t*>(content.data()), content.size(), from);
        else
          out.append_code(c, from);
      });
}

}  // namespace onpath::text
