// The families as pre-tokenizers: their automata, and masks where the CPU has vectors, with the automata
// where masks cannot tell.
#include <algorithm>
#include <array>
#include <cstring>

#include "kernel/kernels.h"
#include "text/pre_tokenizer.h"
#include "text/pre_tokenizer_rules.h"

namespace onpath::text {
namespace {

using scan::Text;

static_assert(kCutDropped == kDropped);

/// Writes the pieces that begin at `at`: one, or those of a special token. Returns where they end, or
/// undecided. Room for kMost.
template <auto kAdvance>
struct OneByOne {
  static constexpr size_t kMost = 1;
  static size_t step(const Text& text, size_t at, uint32_t* ends, size_t& count) {
    const size_t end = kAdvance(text, at);
    if (end != scan::kUndecided) ends[count++] = static_cast<uint32_t>(end);
    return end;
  }
};

struct ClipSteps {
  static constexpr size_t kMost = 3;
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
  static constexpr size_t kMost = 1;
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

template <class Steps>
class Automaton final : public PreTokenizer {
 public:
  explicit Automaton(std::string_view family) : name_(std::string(family) + " automaton") {}

  SplitResult split(const uint8_t* bytes, size_t size, bool last, std::span<uint32_t> ends) const override {
    const Text text{bytes, last ? size : whole_code_points(bytes, size), last};
    SplitResult result;
    for (size_t at = 0; at < text.size;) {
      // The pieces of a special token are given together: cutting between them would lose what it was.
      if (ends.size() - result.pieces < Steps::kMost) return result;
      at = Steps::step(text, at, ends.data(), result.pieces);
      if (at == scan::kUndecided) break;
    }
    result.exhausted = true;
    return result;
  }
  std::string_view name() const override { return name_; }

 private:
  std::string name_;
};

template <class Steps, CutRules kRules>
class Masks final : public PreTokenizer {
 public:
  Masks(const KernelSet& kernels, std::string name) : cut_(kernels.cut_text), name_(std::move(name)) {}

  SplitResult split(const uint8_t* bytes, size_t size, bool last, std::span<uint32_t> ends) const override {
    // Masks look at 64 bytes. Where they told nothing, because other scripts or long runs stand there, the
    // automaton goes further each time before they try again.
    constexpr size_t kMaskBytes = 64;
    constexpr size_t kFewestBytes = 16;  // of the rest: with fewer the automaton is as fast
    constexpr size_t kFarthest = 512;
    size_t step = 1;
    const Text text{bytes, last ? size : whole_code_points(bytes, size), last};
    SplitResult result;
    for (size_t at = 0; at < text.size;) {
      size_t until = text.size;
      const bool room = ends.size() - result.pieces >= kMaskBytes;
      // Masks take room for a block. The caller is sooner back with more than the automaton fills the rest.
      if (!room && result.pieces != 0 && text.size - at >= kMaskBytes) return result;
      const size_t left = text.size - at;
      if (room && left >= kFewestBytes) {
        const uint8_t* from = bytes + at;
        std::array<uint8_t, kMaskBytes> block;
        if (left < kMaskBytes) {
          // Behind the rest stands what masks know nothing of: they cut where any continuation would be cut.
          block.fill(0xFF);
          std::memcpy(block.data(), from, left);
          from = block.data();
        }
        const Cuts cuts = cut_(kRules, from, std::max(left, kMaskBytes), static_cast<uint32_t>(at),
                               ends.data() + result.pieces, ends.size() - result.pieces);
        result.pieces += cuts.count;
        at += cuts.taken;
        step = cuts.count != 0 ? 1 : step < kFarthest ? step * 4 : step;
        until = at + step;
      }
      do {
        if (ends.size() - result.pieces < Steps::kMost) return result;
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
  std::string name_;
};

/// By masks, or by the automaton alone if there are no kernels.
template <class Steps, CutRules kRules>
PreTokenizerPtr make(std::string_view family, const KernelSet* kernels) {
  if (kernels == nullptr) return std::make_unique<Automaton<Steps>>(family);
  return std::make_unique<Masks<Steps, kRules>>(*kernels, std::string(family) + " masks");
}

PreTokenizerPtr make(Family family, const KernelSet* kernels) {
  switch (family) {
    case Family::gpt2:
      return make<OneByOne<&rules::gpt2>, CutRules::gpt2>("gpt2", kernels);
    case Family::cl100k:
      return make<OneByOne<&rules::cl100k>, CutRules::cl100k>("cl100k", kernels);
    case Family::llama3:
      return make<OneByOne<&rules::cl100k>, CutRules::cl100k>("llama3", kernels);
    case Family::qwen2:
      return make<OneByOne<&rules::qwen2>, CutRules::qwen2>("qwen2", kernels);
    case Family::o200k:
      return make<OneByOne<&rules::o200k>, CutRules::o200k>("o200k", kernels);
    case Family::tekken:
      return make<OneByOne<&rules::tekken>, CutRules::tekken>("tekken", kernels);
    case Family::deepseek3:
      return make<OneByOne<&rules::deepseek3>, CutRules::deepseek3>("deepseek3", kernels);
    case Family::clip:
      return make<ClipSteps, CutRules::clip>("clip", kernels);
  }
  return nullptr;
}

}  // namespace

PreTokenizerPtr make_family_automaton(Family family) { return make(family, nullptr); }

PreTokenizerPtr make_family_pre_tokenizer(Family family, std::string_view kernels) {
  if (kernels == "scalar") return make_family_automaton(family);
  const KernelSet* set = find_kernels(kernels);
  return set == nullptr ? nullptr : make(family, set);
}

PreTokenizerPtr make_bert_pre_tokenizer(std::string_view kernels) {
  const KernelSet* set = find_kernels(kernels);
  if (set == nullptr) return nullptr;
  return std::make_unique<Masks<BertSteps, CutRules::bert>>(*set, "bert");
}

}  // namespace onpath::text
