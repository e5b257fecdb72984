// A compiled pipeline whose samples are texts: bytes of UTF-8 in, of a length that is not known before the
// end, token ids (or text) out, as soon as no later byte can change them. Immutable; a plan holds its
// tokenizer and is named by its hash and the tokenizer's.
//   TextPlan       shared by all
//   TextWorkspace  caches and buffers of one thread
//   TextState      one text on its way: taken once, used for text after text
// The path of bytes takes no lock, makes no system call and logs nothing; it allocates nothing once buffers
// have seen their largest run.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/sha256.h"
#include "plan/plan.h"
#include "stage/replace.h"
#include "text/tokenizer.h"

namespace onpath {

struct TokenizeSpec {
  text::TokenizerPtr tokenizer;
  bool offsets = false;  // byte offsets of each token in the text beside its id
  std::optional<text::SpecialPolicy> special;
  std::vector<text::TokenId> allowed_special;
  std::vector<text::TokenId> prefix, suffix;  // ids around the text's own
  uint64_t cap_bytes = 1u << 20;
};

/// At least one of both.
struct TextPipelineSpec {
  std::vector<Replacement> replace;  // empty: no such stage
  std::optional<TokenizeSpec> tokenize;
  std::string output_name = "ids";
  uint64_t max_state_bytes = 256u << 20;
};

/// What leaves: ids, or bytes of UTF-8.
enum class TextElement : uint8_t { byte = 0, token = 1 };
constexpr uint32_t element_bytes(TextElement element) { return element == TextElement::token ? 4 : 1; }

struct TextFormat {
  std::string text;     // canonical
  uint32_t digest = 0;  // first 32 bits of its SHA-256
};

/// Samples that are texts: "onpath-sample/1 dtype=utf8 order=sequential".
const TextFormat& text_format();
/// Token ids: little-endian uint32, of one vocabulary:
/// "onpath-sample/1 dtype=uint32 tokens=<64 hexadecimal digits of the tokenizer's hash> order=sequential".
TextFormat token_format(const Hash& tokenizer);

/// Where an element came from: bytes [begin, end) of the text.
using TextSpan = text::ByteSpan;
/// Of a text that travels: places in it are of 32 bits.
inline constexpr uint64_t kMostTextBytes = UINT32_MAX;

/// Takes what became final.
class TextSink {
 public:
  virtual ~TextSink() = default;
  /// The next elements of the text, in order; `spans`, one per element, only if the plan has offsets. Read
  /// before the call returns. False: nothing more is wanted of this text.
  virtual bool take(std::span<const uint8_t> elements, std::span<const TextSpan> spans) = 0;
};

enum class TextStatus : uint8_t {
  ok,
  over_cap,         // more bytes than the cap wait for a decision
  special_refused,  // a special token stands in the text
  stopped,          // the sink wanted no more
};

class TextWorkspace {
 public:
  virtual ~TextWorkspace() = default;
  virtual uint64_t bytes() const = 0;
};

/// After a status but ok only begin() may follow.
class TextState {
 public:
  virtual ~TextState() = default;
  virtual void begin() = 0;
  /// Takes the next bytes of the text.
  virtual TextStatus push(std::span<const uint8_t> bytes, TextWorkspace& workspace, TextSink& sink) = 0;
  /// The text ends.
  virtual TextStatus end(TextWorkspace& workspace, TextSink& sink) = 0;
  /// Bytes that wait for a decision.
  virtual uint64_t held_bytes() const = 0;
  /// After special_refused: which.
  virtual std::optional<text::TokenId> refused() const = 0;
};

/// Whether a text comes in parts, of which only so much may wait, or is given in one call.
enum class TextLength : uint8_t { streamed, whole };

class TextPlan;
using TextPlanPtr = std::shared_ptr<const TextPlan>;

class TextPlan {
 public:
  virtual ~TextPlan() = default;
  virtual const TextFormat& input() const = 0;
  virtual const TextFormat& output_format() const = 0;
  virtual const std::string& output_name() const = 0;
  virtual TextElement element() const = 0;
  virtual bool has_offsets() const = 0;
  /// Null if the plan only replaces.
  virtual const text::TokenizerPtr& tokenizer() const = 0;
  virtual uint64_t table_bytes() const = 0;
  /// Of one text on its way, and of what each worker has.
  virtual uint64_t state_bytes() const = 0;
  virtual uint64_t workspace_bytes() const = 0;
  virtual const Hash& hash() const = 0;
  /// The byte form: everything but the tokenizer, of which it has the hash; ends with the content hash.
  virtual std::vector<uint8_t> to_bytes() const = 0;
  /// Errors: OUT_OF_MEMORY, and those of Tokenizer::make_stream.
  virtual Result<std::unique_ptr<TextState>> make_state(TextLength length) const = 0;
  virtual Result<std::unique_ptr<TextWorkspace>> make_workspace() const = 0;
  virtual std::vector<StepExplanation> explain() const = 0;
};

/// Errors: INVALID_SPEC, UNSUPPORTED, LIMIT_EXCEEDED, OUT_OF_MEMORY.
Result<TextPlanPtr> compile_text(const TextPipelineSpec& spec);

/// Whether bytes begin as those of a TextPlan do.
bool is_text_plan(std::span<const uint8_t> bytes);
/// Reads the byte form back; every field is validated, whatever the hash says. `tokenizer` is the one that
/// the plan was made with, null if it has none. Errors: INVALID_PLAN, INVALID_ARGUMENT (another tokenizer),
/// LIMIT_EXCEEDED.
Result<TextPlanPtr> text_plan_from_bytes(std::span<const uint8_t> bytes, text::TokenizerPtr tokenizer,
                                         uint64_t max_state_bytes = 256u << 20);

/// Writes everything but the content hash.
std::vector<uint8_t> write_text_plan(const TextPipelineSpec& spec);

}  // namespace onpath
