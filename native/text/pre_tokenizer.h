// Cutting text into pieces that the model encodes one by one.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/definition.h"
#include "text/flat.h"
#include "text/unicode.h"

namespace onpath::text {

/// Set in the end of a piece that the model does not see (whitespace that a pre-tokenizer removes).
inline constexpr uint32_t kDropped = 0x80000000u;
/// So a call takes less than 2 GiB; callers cut there only between calls, never inside a text.
inline constexpr size_t kMaxSplitBytes = kDropped - 1;

struct SplitResult {
  size_t pieces = 0;  // ends written
  /// False: `ends` was full. True: no further piece of this text is final; more text, or `last`, is needed.
  bool exhausted = false;
  /// A foreign regex ran into its limits: the text can only be refused.
  bool failed = false;
};

/// Immutable; used by many threads. Text is valid UTF-8, except that `size` may cut a code point when not
/// `last`. Pieces tile the text: piece i is [ends[i-1], ends[i]), the first begins at 0. A cut between two
/// pieces depends on nothing before it but what `split` was given from the last cut on: so a text may be
/// given again from the last end that a call wrote, and equals the whole. (Not from ends before that: a piece
/// of CLIP's special tokens, or of a foreign regex in a sequence, does not tell what it is a piece of.)
class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  /// Writes the ends of pieces of text[0, size), as many as fit (`ends` has room for 64 at least). Unless
  /// `last`, only of pieces that no continuation of the text can change. No allocation.
  virtual SplitResult split(const uint8_t* text, size_t size, bool last, std::span<uint32_t> ends) const = 0;
  /// "cl100k masks", "sequence(...)": for explain and tests.
  virtual std::string_view name() const = 0;
  virtual uint64_t bytes() const { return 0; }
};
using PreTokenizerPtr = std::unique_ptr<const PreTokenizer>;

/// Patterns with an automaton of their own. The regexes themselves are in pre_tokenizer_patterns.h.
/// gpt2: r50k, p50k and ByteLevel's; the others are named after who published them first.
enum class Family : uint8_t { gpt2, cl100k, o200k, llama3, qwen2, deepseek3, tekken, clip };

/// The fast one (masks where this CPU has them, the automaton elsewhere), or the automaton alone (ground
/// truth, for tests and fuzzing). `kernels` as bind() takes them; empty: the best. Null if this CPU lacks the
/// set that it names.
PreTokenizerPtr make_family_pre_tokenizer(Family family, std::string_view kernels = {});
PreTokenizerPtr make_family_automaton(Family family);
/// Whitespace dropped, each punctuation character a piece. "scalar": without masks.
PreTokenizerPtr make_bert_pre_tokenizer(std::string_view kernels = {});

/// Makes what the definitions ask for: a family where they are one, otherwise their sequence, regexes by
/// PCRE2 with the classes of `engine`. Metaspace and ByteLevel only cut here: bytes stay what they are, see
/// `space_alias` in tokenizer.h. An empty list yields null: the text is one piece. Errors: INVALID_VOCABULARY
/// (a regex that does not compile), UNSUPPORTED (a construct that PCRE2 and the reference read differently).
Result<PreTokenizerPtr> make_pre_tokenizer(std::span<const PreTokenizerDef> definitions, bool space_alias,
                                           RegexEngine engine = RegexEngine::oniguruma);

}  // namespace onpath::text
