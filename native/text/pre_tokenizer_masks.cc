#include "text/pre_tokenizer_masks.h"

#include "kernel/kernels.h"
#include "text/pre_tokenizer_rules.h"

namespace onpath::text {
namespace {

using scan::Text;

static_assert(kCutDropped == kDropped);

/// Writes the pieces that begin at `at`: one, or those of a special token. Returns where they end, or
/// undecided. Room for three.
template <auto kAdvance>
struct OneByOne {
  static size_t step(const Text& text, size_t at, uint32_t* ends, size_t& count) {
    const size_t end = kAdvance(text, at);
    if (end != scan::kUndecided) ends[count++] = static_cast<uint32_t>(end);
    return end;
  }
};

struct ClipSteps {
  static size_t step(const Text& text, size_t at, uint32_t* ends, size_t& count) {
    const rules::ClipPiece piece = rules::clip(text, at);
    if (piece.end == scan::kUndecided) return piece.end;
    if (piece.special) {
      ends[count++] = static_cast<uint32_t>(at + 2);
      ends[count++] = static_cast<uint32_t>(piece.end - 2);
    }
    ends[count++] = static_cast<uint32_t>(piece.end) | (piece.dropped ? kDropped : 0u);
    return piece.end;
  }
};

struct BertSteps {
  static size_t step(const Text& text, size_t at, uint32_t* ends, size_t& count) {
    uint32_t size = 0;
    const uint8_t first = bits_at(text, at, size);
    at += size;
    if (first != component::kBertPunctuation) {
      while (at < text.size && bits_at(text, at, size) == first) at += size;
      if (at == text.size && !text.last) return scan::kUndecided;
    }
    const bool dropped = (first & component::kWhitespace) != 0;
    ends[count++] = static_cast<uint32_t>(at) | (dropped ? kDropped : 0u);
    return at;
  }
  static uint8_t bits_at(const Text& text, size_t at, uint32_t& size) {
    const CodePoint point = decode_utf8(text.bytes + at);
    size = point.size;
    return components_of(point.code) & (component::kWhitespace | component::kBertPunctuation);
  }
};

template <class Steps, CutRules kRules>
class Masks final : public PreTokenizer {
 public:
  Masks(const KernelSet& kernels, std::string_view name) : cut_(kernels.cut_text), name_(name) {}

  SplitResult split(const uint8_t* bytes, size_t size, bool last, std::span<uint32_t> ends) const override {
    // Masks look at 64 bytes. Where they told nothing, because other scripts or long runs stand there, the
    // automaton goes further each time before they try again.
    constexpr size_t kBlock = 64;
    constexpr size_t kFarthest = 512;
    size_t step = 1;
    constexpr size_t kMostSteps = 3;
    const Text text{bytes, last ? size : whole_code_points(bytes, size), last};
    SplitResult result;
    for (size_t at = 0; at < text.size;) {
      size_t until = text.size;
      const bool room = ends.size() - result.pieces >= kBlock;
      // Masks take room for a block. The caller is sooner back with more than the automaton fills the rest.
      if (!room && result.pieces != 0 && text.size - at >= kBlock) return result;
      if (room && text.size - at >= kBlock) {
        const Cuts cuts = cut_(kRules, bytes + at, text.size - at, static_cast<uint32_t>(at),
                               ends.data() + result.pieces, ends.size() - result.pieces);
        result.pieces += cuts.count;
        at += cuts.taken;
        step = cuts.count != 0 ? 1 : step < kFarthest ? step * 4 : step;
        until = at + step;
      }
      do {
        if (ends.size() - result.pieces < kMostSteps) return result;
        const size_t end = Steps::step(text, at, ends.data(), result.pieces);
        if (end == scan::kUndecided) {
          result.exhausted = true;
          return result;
        }
        at = end;
      } while (at < until && at < text.size);
    }
    result.exhausted = true;
    return result;
  }
  std::string_view name() const override { return name_; }

 private:
  decltype(KernelSet::cut_text) cut_;
  std::string_view name_;
};

}  // namespace

PreTokenizerPtr make_bert_pre_tokenizer(std::string_view kernels) {
  const KernelSet* set = find_kernels(kernels);
  if (set == nullptr) return nullptr;
  return std::make_unique<Masks<BertSteps, CutRules::bert>>(*set, "bert");
}

PreTokenizerPtr make_mask_pre_tokenizer(Family family, std::string_view kernels) {
  const KernelSet* set = find_kernels(kernels);
  if (set == nullptr) return nullptr;
  switch (family) {
    case Family::gpt2:
      return std::make_unique<Masks<OneByOne<&rules::gpt2>, CutRules::gpt2>>(*set, "gpt2 masks");
    case Family::cl100k:
      return std::make_unique<Masks<OneByOne<&rules::cl100k>, CutRules::cl100k>>(*set, "cl100k masks");
    case Family::llama3:
      return std::make_unique<Masks<OneByOne<&rules::cl100k>, CutRules::cl100k>>(*set, "llama3 masks");
    case Family::qwen2:
      return std::make_unique<Masks<OneByOne<&rules::qwen2>, CutRules::qwen2>>(*set, "qwen2 masks");
    case Family::o200k:
      return std::make_unique<Masks<OneByOne<&rules::o200k>, CutRules::o200k>>(*set, "o200k masks");
    case Family::tekken:
      return std::make_unique<Masks<OneByOne<&rules::tekken>, CutRules::tekken>>(*set, "tekken masks");
    case Family::deepseek3:
      return std::make_unique<Masks<OneByOne<&rules::deepseek3>, CutRules::deepseek3>>(*set,
                                                                                       "deepseek3 masks");
    case Family::clip:
      return std::make_unique<Masks<ClipSteps, CutRules::clip>>(*set, "clip masks");
  }
  return nullptr;
}

}  // namespace onpath::text
