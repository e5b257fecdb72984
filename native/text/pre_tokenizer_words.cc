// The components that have a loop of their own: BERT's, and words that begin with a space.
#include <cstring>

#include "text/pre_tokenizer_component.h"

namespace onpath::text {
namespace {

using scan::Text;

constexpr uint8_t kCutting = component::kWhitespace | component::kBertPunctuation;

/// Components of the character at `at`, and its size. The ASCII block is the table's first.
inline uint8_t bits_at(const Text& text, size_t at, uint32_t& size) {
  const uint8_t byte = text.bytes[at];
  if (byte < 0x80) {
    size = 1;
    return tables::kComponentBlocks[byte];
  }
  const CodePoint point = decode_utf8(text.bytes + at);
  size = point.size;
  return components_of(point.code);
}

class Bert final : public PreTokenizer {
 public:
  SplitResult split(const uint8_t* bytes, size_t size, bool last, std::span<uint32_t> ends) const override {
    const Text text{bytes, last ? size : whole_code_points(bytes, size), last};
    SplitResult result;
    for (size_t at = 0; at < text.size;) {
      if (result.pieces == ends.size()) return result;
      uint32_t step = 0;
      const uint8_t first = bits_at(text, at, step) & kCutting;
      at += step;
      if (first != component::kBertPunctuation) {
        while (at < text.size && (bits_at(text, at, step) & kCutting) == first) at += step;
        if (at == text.size && !last) break;
      }
      const bool dropped = (first & component::kWhitespace) != 0;
      ends[result.pieces++] = static_cast<uint32_t>(at) | (dropped ? kDropped : 0u);
    }
    result.exhausted = true;
    return result;
  }
  std::string_view name() const override { return "bert"; }
};

class Spaces final : public PreTokenizer {
 public:
  SplitResult split(const uint8_t* text, size_t size, bool last, std::span<uint32_t> ends) const override {
    SplitResult result;
    for (size_t at = 0; at < size;) {
      if (result.pieces == ends.size()) return result;
      at = next_space(text, at + 1, size);
      if (at == size && !last) break;
      ends[result.pieces++] = static_cast<uint32_t>(at);
    }
    result.exhausted = true;
    return result;
  }
  std::string_view name() const override { return "spaces"; }

 private:
  /// Words are short: eight bytes at a time, without a call.
  static size_t next_space(const uint8_t* text, size_t at, size_t size) {
    constexpr uint64_t kOnes = 0x0101010101010101u, kHigh = 0x8080808080808080u;
    for (; at + 8 <= size; at += 8) {
      uint64_t word = 0;
      std::memcpy(&word, text + at, 8);
      word ^= kOnes * ' ';
      const uint64_t zero = (word - kOnes) & ~word & kHigh;
      if (zero != 0) return at + static_cast<size_t>(__builtin_ctzll(zero)) / 8;
    }
    while (at < size && text[at] != ' ') ++at;
    return at;
  }
};

}  // namespace

PreTokenizerPtr make_bert_pre_tokenizer() { return std::make_unique<Bert>(); }
PreTokenizerPtr make_space_pre_tokenizer() { return std::make_unique<Spaces>(); }

}  // namespace onpath::text
