// The families' automata as pre-tokenizers.
#include "text/pre_tokenizer.h"
#include "text/pre_tokenizer_masks.h"
#include "text/pre_tokenizer_rules.h"

namespace onpath::text {
namespace {

using Advance = size_t (*)(const rules::Text&, size_t);

template <Advance kAdvance>
class Automaton final : public PreTokenizer {
 public:
  explicit Automaton(std::string_view name) : name_(name) {}
  SplitResult split(const uint8_t* text, size_t size, bool last, std::span<uint32_t> ends) const override {
    return scan::split(text, size, last, ends,
                       [](const rules::Text& whole, size_t at) { return kAdvance(whole, at); });
  }
  std::string_view name() const override { return name_; }

 private:
  std::string_view name_;
};

class ClipAutomaton final : public PreTokenizer {
 public:
  SplitResult split(const uint8_t* bytes, size_t size, bool last, std::span<uint32_t> ends) const override {
    const rules::Text text{bytes, last ? size : whole_code_points(bytes, size), last};
    constexpr size_t kMostPieces = 3;
    SplitResult result;
    for (size_t at = 0; at < text.size;) {
      // The pieces of a special token are given together: cutting between them would lose what it was.
      if (ends.size() - result.pieces < kMostPieces) return result;
      const rules::ClipPiece piece = rules::clip(text, at);
      if (piece.end == scan::kUndecided) break;
      if (piece.special) {
        ends[result.pieces++] = static_cast<uint32_t>(at + 2);
        ends[result.pieces++] = static_cast<uint32_t>(piece.end - 2);
      }
      ends[result.pieces++] = static_cast<uint32_t>(piece.end) | (piece.dropped ? kDropped : 0u);
      at = piece.end;
    }
    result.exhausted = true;
    return result;
  }
  std::string_view name() const override { return "clip automaton"; }
};

}  // namespace

PreTokenizerPtr make_family_automaton(Family family) {
  switch (family) {
    case Family::gpt2:
      return std::make_unique<Automaton<&rules::gpt2>>("gpt2 automaton");
    case Family::cl100k:
      return std::make_unique<Automaton<&rules::cl100k>>("cl100k automaton");
    case Family::llama3:
      return std::make_unique<Automaton<&rules::cl100k>>("llama3 automaton");
    case Family::qwen2:
      return std::make_unique<Automaton<&rules::qwen2>>("qwen2 automaton");
    case Family::o200k:
      return std::make_unique<Automaton<&rules::o200k>>("o200k automaton");
    case Family::tekken:
      return std::make_unique<Automaton<&rules::tekken>>("tekken automaton");
    case Family::deepseek3:
      return std::make_unique<Automaton<&rules::deepseek3>>("deepseek3 automaton");
    case Family::clip:
      return std::make_unique<ClipAutomaton>();
  }
  return nullptr;
}

PreTokenizerPtr make_family_pre_tokenizer(Family family, std::string_view kernels) {
  if (kernels == "scalar") return make_family_automaton(family);
  return make_mask_pre_tokenizer(family, kernels);
}

}  // namespace onpath::text
