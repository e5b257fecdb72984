#include "plan/text_plan.h"

#include <algorithm>
#include <new>

#include "plan/step.h"
#include "plan/text_state.h"

namespace onpath {
namespace {

constexpr size_t kMostIds = 65536;  // of each list
constexpr uint64_t kMaxCapBytes = uint64_t{1} << 30;

text::StreamOptions stream_options(const TokenizeSpec& spec, TextLength length) {
  text::StreamOptions options;
  options.detailed = spec.offsets;
  options.special = spec.special;
  options.allowed_special = spec.allowed_special;
  options.cap_bytes = spec.cap_bytes;
  options.whole = length == TextLength::whole;
  return options;
}

class CompiledTextPlan final : public TextPlan {
 public:
  CompiledTextPlan(const TextPipelineSpec& spec, ReplacerPtr replacer)
      : spec_(spec), replacer_(std::move(replacer)), hash_(sha256(write_text_plan(spec))) {
    output_format_ = spec_.tokenize ? token_format(spec_.tokenize->tokenizer->hash()) : text_format();
  }

  /// Makes one of each, to see what they take. Errors: LIMIT_EXCEEDED, and those of make_state().
  Result<void> measure() {
    auto workspace = make_workspace();
    if (!workspace) return workspace.error();
    workspace_bytes_ = workspace.value()->bytes();
    const size_t around = spec_.tokenize ? spec_.tokenize->prefix.size() + spec_.tokenize->suffix.size() : 0;
    state_bytes_ =
        sizeof(TextStateOf) + around * sizeof(text::TokenId) + (replacer_ ? replacer_->window_bytes() : 0);
    if (spec_.tokenize) {
      auto stream =
          spec_.tokenize->tokenizer->make_stream(stream_options(*spec_.tokenize, TextLength::streamed));
      if (!stream) return stream.error();
      state_bytes_ += stream.value()->state_bytes();
    }
    if (state_bytes_ <= spec_.max_state_bytes) return {};
    return Error{ErrorCode::LIMIT_EXCEEDED, "One text could need " + std::to_string(state_bytes_) +
                                                " bytes of state; expected at most limits.stateBytes = " +
                                                std::to_string(spec_.max_state_bytes) +
                                                ". Raise it, or lower capBytes."};
  }

  const TextFormat& input() const override { return text_format(); }
  const TextFormat& output_format() const override { return output_format_; }
  const std::string& output_name() const override { return spec_.output_name; }
  TextElement element() const override { return spec_.tokenize ? TextElement::token : TextElement::byte; }
  bool has_offsets() const override { return spec_.tokenize && spec_.tokenize->offsets; }
  const text::TokenizerPtr& tokenizer() const override {
    static const text::TokenizerPtr none;
    return spec_.tokenize ? spec_.tokenize->tokenizer : none;
  }
  uint64_t table_bytes() const override {
    uint64_t bytes = replacer_ ? replacer_->bytes() : 0;
    if (spec_.tokenize) {
      for (const auto& part : spec_.tokenize->tokenizer->memory()) bytes += part.bytes;
    }
    return bytes;
  }
  uint64_t state_bytes() const override { return state_bytes_; }
  uint64_t workspace_bytes() const override { return workspace_bytes_; }
  const Hash& hash() const override { return hash_; }
  std::vector<uint8_t> to_bytes() const override {
    std::vector<uint8_t> bytes = write_text_plan(spec_);
    bytes.insert(bytes.end(), hash_.begin(), hash_.end());
    return bytes;
  }

  Result<std::unique_ptr<TextState>> make_state(TextLength length) const override {
    std::unique_ptr<text::TextStream> stream;
    if (spec_.tokenize) {
      auto made = spec_.tokenize->tokenizer->make_stream(stream_options(*spec_.tokenize, length));
      if (!made) return made.error();
      stream = std::move(made).value();
    }
    const size_t slice = length == TextLength::whole ? SIZE_MAX : kSliceBytes;
    std::vector<text::TokenId> prefix, suffix;
    if (spec_.tokenize) prefix = spec_.tokenize->prefix, suffix = spec_.tokenize->suffix;
    return std::unique_ptr<TextState>(std::make_unique<TextStateOf>(replacer_, std::move(stream), slice,
                                                                    std::move(prefix), std::move(suffix)));
  }

  Result<std::unique_ptr<TextWorkspace>> make_workspace() const override {
    if (!spec_.tokenize)
      return std::unique_ptr<TextWorkspace>(std::make_unique<TextWorkspaceOf>(nullptr, false, 0));
    // All that waits and a slice become at most a token a byte, but for normalizers that make text longer.
    const size_t tokens = spec_.tokenize->cap_bytes + kSliceBytes + 64;
    return std::unique_ptr<TextWorkspace>(std::make_unique<TextWorkspaceOf>(
        spec_.tokenize->tokenizer->make_workspace(), spec_.tokenize->offsets, tokens));
  }

  std::vector<StepExplanation> explain() const override;

 private:
  const TextPipelineSpec spec_;
  const ReplacerPtr replacer_;
  TextFormat output_format_;
  uint64_t state_bytes_ = 0;
  uint64_t workspace_bytes_ = 0;
  const Hash hash_;
};

std::vector<StepExplanation> CompiledTextPlan::explain() const {
  std::vector<StepExplanation> steps;
  if (replacer_) {
    StepExplanation& step = steps.emplace_back();
    step.step = "replace " + std::to_string(replacer_->dictionary().size()) + " words";
    step.stage_class = StageClass::sequential;
    step.naive_table_entries = step.table_entries = replacer_->dictionary().size();
    step.table_bytes = replacer_->bytes();
    step.window_bytes = replacer_->window_bytes();
    step.state = "node of a trie";
    step.kernel = "scalar";
    step.tables = "1 trie";
  }
  if (spec_.tokenize) {
    const text::Tokenizer& tokenizer = *spec_.tokenize->tokenizer;
    StepExplanation& step = steps.emplace_back();
    step.step = "tokenize " + hash_hex(tokenizer.hash()).substr(0, 16);
    step.stage_class = StageClass::sequential;
    step.naive_table_entries = step.table_entries = tokenizer.vocabulary().size();
    for (const auto& part : tokenizer.memory()) step.table_bytes += part.bytes;
    step.window_bytes = spec_.tokenize->cap_bytes;
    step.state_bytes = state_bytes_;
    step.state = "stream";
    step.tables = tokenizer.explain();
  }
  return steps;
}

Result<void> check_tokenize(const TokenizeSpec& spec, bool replaces) {
  if (!spec.tokenizer) return invalid_spec("tokenize has no tokenizer. Give it a Tokenizer.");
  if (spec.cap_bytes < 1 || spec.cap_bytes > kMaxCapBytes) {
    return invalid_spec("tokenize.capBytes is " + std::to_string(spec.cap_bytes) + "; expected 1 to " +
                        std::to_string(kMaxCapBytes) + ".");
  }
  if (spec.special && *spec.special > text::SpecialPolicy::text)
    return invalid_spec("tokenize.special is unknown; expected parse, refuse or text.");
  for (const auto* ids : {&spec.allowed_special, &spec.prefix, &spec.suffix}) {
    if (ids->size() > kMostIds) {
      return invalid_spec("A list of ids of tokenize has " + std::to_string(ids->size()) +
                          " entries; expected at most " + std::to_string(kMostIds) + ".");
    }
  }
  if (spec.offsets && replaces) {
    return Error{ErrorCode::UNSUPPORTED,
                 "Offsets count in the text that came, and replace changes it before tokenize sees it. Leave "
                 "out one of the two."};
  }
  return {};
}

}  // namespace

const TextFormat& text_format() {
  static const TextFormat format = [] {
    TextFormat made{"onpath-sample/1 dtype=utf8 order=sequential", 0};
    made.digest = format_digest(made.text);
    return made;
  }();
  return format;
}

TextFormat token_format(const Hash& tokenizer) {
  TextFormat made{"onpath-sample/1 dtype=uint32 tokens=" + hash_hex(tokenizer) + " order=sequential", 0};
  made.digest = format_digest(made.text);
  return made;
}

Result<TextPlanPtr> compile_text(const TextPipelineSpec& spec) {
  try {
    if (spec.replace.empty() && !spec.tokenize)
      return invalid_spec(
          "The pipeline does nothing with a text. Give it a replace stage, a tokenize stage, or both.");
    if (spec.output_name.empty() || spec.output_name.size() > kMaxNameBytes) {
      return invalid_spec("output.name has " + std::to_string(spec.output_name.size()) +
                          " bytes; expected 1 to " + std::to_string(kMaxNameBytes) +
                          ". Give a short name such as 'ids'.");
    }
    if (spec.tokenize) {
      if (auto ok = check_tokenize(*spec.tokenize, !spec.replace.empty()); !ok) return ok.error();
    }
    ReplacerPtr replacer;
    if (!spec.replace.empty()) {
      auto made = Replacer::make(spec.replace);
      if (!made) return made.error();
      replacer = std::move(made).value();
    }
    TextPipelineSpec sorted = spec;
    if (replacer) sorted.replace = replacer->dictionary();
    auto plan = std::make_shared<CompiledTextPlan>(sorted, std::move(replacer));
    if (auto ok = plan->measure(); !ok) return ok.error();
    return TextPlanPtr(std::move(plan));
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::OUT_OF_MEMORY,
                 "The tables of the pipeline could not be had. Use a smaller dictionary or capBytes."};
  }
}

}  // namespace onpath
