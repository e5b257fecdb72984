#include <array>
#include <cstring>
#include <vector>

#include "text/text_stream_stages.h"
#include "text/unicode.h"

namespace onpath::text {
namespace {

constexpr size_t kBuildBytes = 16384;

// The first byte of U+2581, or `size`.
size_t find_mark(const uint8_t* text, size_t size, size_t at) {
  while (at < size) {
    const void* found = std::memchr(text + at, 0xE2, size - at);
    if (!found) return size;
    at = static_cast<size_t>(static_cast<const uint8_t*>(found) - text);
    if (at + 2 < size && text[at + 1] == 0x96 && text[at + 2] == 0x81) return at;
    ++at;
  }
  return size;
}

/// Whitespace of ASCII, by byte.
constexpr std::array<bool, 128> kWhite = [] {
  std::array<bool, 128> white{};
  for (const char c : {'\t', '\n', '\v', '\f', '\r', ' '}) white[static_cast<size_t>(c)] = true;
  return white;
}();

size_t end_of_ascii(const uint8_t* text, size_t at, size_t size) {
  for (uint64_t eight; at + 8 <= size; at += 8) {
    std::memcpy(&eight, text + at, 8);
    if ((eight & 0x8080808080808080u) != 0) break;
  }
  while (at < size && text[at] < 0x80) ++at;
  return at;
}

/// Appends the words of ASCII text, each with a space before it, and returns whether the last goes on. Where
/// words begin and end cannot be predicted, so there is no branch for it.
bool split_ascii(const uint8_t* text, size_t size, bool in_word, std::vector<uint8_t>& out) {
  const size_t written = out.size();
  // A space for the first word; each other one takes the place of what was before it.
  out.resize(written + size + 1);
  uint8_t* to = out.data() + written;
  size_t inside = in_word ? 1 : 0;
  for (size_t at = 0; at < size; ++at) {
    const size_t stays = kWhite[text[at]] ? 0 : 1;
    *to = ' ';
    to += stays & ~inside;
    *to = text[at];
    to += stays;
    inside = stays;
  }
  out.resize(static_cast<size_t>(to - out.data()));
  return inside != 0;
}

void add_space(ByteSpan origin, bool detailed, BuiltText& out) {
  out.bytes.push_back(' ');
  if (detailed) out.origin.push_back(origin);
}

}  // namespace

void MarkStage::replace_marks(const Block& block, BuiltText& out) const {
  for (size_t at = 0; at < block.size;) {
    const size_t mark = find_mark(block.text, block.size, at);
    out.append(block.part(at, mark - at), detailed_);
    at = mark;
    if (at == block.size) break;
    add_space(block.span(at, at + 3), detailed_, out);
    at += 3;
  }
}

void MarkStage::split_words(const Block& block, BuiltText& out) {
  for (size_t at = 0; at < block.size;) {
    if (!detailed_ && block.text[at] < 0x80) {
      const size_t end = end_of_ascii(block.text, at, block.size);
      in_word_ = split_ascii(block.text + at, end - at, in_word_, out.bytes);
      at = end;
      continue;
    }
    const CodePoint next = decode_utf8(block.text + at);
    if ((components_of(next.code) & component::kWhitespace) != 0) {
      in_word_ = false;
    } else {
      if (!in_word_ && next.code != kSpaceMark) add_space(block.span(at, at + next.size), detailed_, out);
      in_word_ = true;
      if (next.code == kSpaceMark) {
        add_space(block.span(at, at + next.size), detailed_, out);
      } else {
        out.append(block.part(at, next.size), detailed_);
      }
    }
    at += next.size;
  }
}

StreamStatus MarkStage::text(const Block& block, bool last, PushContext& context) {
  BuiltText& out = *context.marked;
  for (size_t at = 0; at < block.size;) {
    Block rest = block.from(at);
    if (!words_) {
      const size_t mark = find_mark(rest.text, rest.size, 0);
      if (mark > 0) {
        const StreamStatus status = next_.text(rest.part(0, mark), false, context);
        if (status != StreamStatus::ok) return status;
        at += mark;
        continue;
      }
    }
    rest = rest.part(0, rest.whole(kBuildBytes));
    out.clear();
    if (words_) {
      split_words(rest, out);
    } else {
      replace_marks(rest, out);
    }
    at += rest.size;
    if (out.bytes.empty()) continue;
    const StreamStatus status = next_.text(out.block(detailed_, rest.input_start), false, context);
    if (status != StreamStatus::ok) return status;
  }
  if (!last) return StreamStatus::ok;
  in_word_ = false;
  return next_.text({}, true, context);
}

}  // namespace onpath::text
