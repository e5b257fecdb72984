#include <cstring>

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
