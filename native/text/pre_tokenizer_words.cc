// Words that begin with a space.
#include <cstring>

#include "text/pre_tokenizer_component.h"

namespace onpath::text {
namespace {

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

PreTokenizerPtr make_space_pre_tokenizer() { return std::make_unique<Spaces>(); }

}  // namespace onpath::text
