#include <algorithm>
#include <array>
#include <utility>

#include "text/text_stream_input.h"
#include "text/tokenizer_parts.h"

namespace onpath::text {
namespace {

constexpr uint32_t kNoWord = 0xFFFFFFFF;
constexpr uint64_t kMaxCapBytes = uint64_t{1} << 30;

class Stream final : public TextStream {
 public:
  Stream(const TokenizerView& view, const StreamOptions& options)
      : view_(view), options_(options), input_(options.detailed) {
    const TokenizerParts& parts = *view.parts;
    const HoldLimits limits{options.whole ? SIZE_MAX : static_cast<size_t>(options.cap_bytes),
                            options.detailed};
    const TrimRule trim{view.trim, view.settings->post.trim_add_prefix_space};
    pieces_ = std::make_unique<PieceStage>(*parts.encoder, parts.plan.prefix, parts.pre_tokenizer == nullptr,
                                           trim, limits);
    first_ = pieces_.get();
    if (parts.plan.alias_by_metaspace) {
      mark_ = std::make_unique<MarkStage>(parts.plan.words, options.detailed, *first_);
      first_ = mark_.get();
    }
    normalized_added_ = make_added(view.matchers->normalized, parts.plan.alias_by_normalizer, limits);
    if (parts.normalizer) {
      normalize_ = std::make_unique<NormalizeStage>(
          *parts.normalizer, parts.plan.prefix == PrefixSpace::at_input_start, *first_, limits);
      first_ = normalize_.get();
    }
    raw_added_ = make_added(view.matchers->raw, false, limits);
    if (options.truncate && view.settings->truncation) {
      const TruncationDef& truncation = *view.settings->truncation;
      const size_t around =
          options.add_special_tokens ? view.single->before.size() + view.single->behind.size() : 0;
      limit_ = truncation.max_length > around ? truncation.max_length - around : 0;
      cut_left_ = truncation.side == Side::left;
    }
    begin();
  }

  void begin() override {
    for (Stage* stage : stages()) {
      if (stage) stage->begin();
    }
    input_.begin();
    started_ = false;
    tokens_ = 0;
    status_ = StreamStatus::ok;
    full_ = false;
  }

  StreamStatus push(std::span<const uint8_t> bytes, Workspace& workspace, TokenBuffer& out) override {
    return push_until(bytes, false, workspace, out, SIZE_MAX);
  }
  StreamStatus end(Workspace& workspace, TokenBuffer& out) override {
    return push_until({}, true, workspace, out, SIZE_MAX);
  }

  StreamStatus push_until(std::span<const uint8_t> bytes, bool last, Workspace& workspace, TokenBuffer& out,
                          size_t most) {
    if (status_ != StreamStatus::ok) return status_;
    start(out);
    PushContext context = context_of(workspace, out, most);
    const size_t before = out.size();
    const StreamStatus status = full_ ? StreamStatus::ok : input_.push(bytes, last, *first_, context);
    if (settle(status, before, out) == StreamStatus::ok && last) finish(out);
    return status_;
  }

  uint64_t held_bytes() const override {
    uint64_t held = input_.held();
    for (const Stage* stage : stages()) held += stage ? stage->held() : 0;
    return held;
  }
  uint64_t state_bytes() const override {
    uint64_t bytes = sizeof *this;
    for (const Stage* stage : stages()) bytes += stage ? stage->bytes() : 0;
    return bytes;
  }
  std::optional<TokenId> refused() const override {
    for (const AddedStage* stage : {raw_added_.get(), normalized_added_.get()}) {
      if (stage && stage->refused()) return stage->refused();
    }
    return std::nullopt;
  }

 private:
  std::array<Stage*, 5> stages() const {
    return {pieces_.get(), mark_.get(), normalized_added_.get(), normalize_.get(), raw_added_.get()};
  }
  std::unique_ptr<AddedStage> make_added(const AddedMatcher& matcher, bool space_is_mark,
                                         const HoldLimits& limits) {
    std::vector<AddedAction> actions;
    bool any = false;
    const Format format = view_.settings->format;
    SpecialPolicy policy = SpecialPolicy::text;
    if (format == Format::tokenizer_json || format == Format::vocab_txt) policy = SpecialPolicy::parse;
    if (format == Format::tiktoken) policy = SpecialPolicy::refuse;
    policy = options_.special.value_or(policy);
    for (const AddedMatcher::Entry& entry : matcher.entries()) {
      AddedAction action = AddedAction::parse;
      const auto& allowed = options_.allowed_special;
      if (entry.token.special && std::find(allowed.begin(), allowed.end(), entry.token.id) == allowed.end()) {
        if (policy == SpecialPolicy::refuse) action = AddedAction::refuse;
        if (policy == SpecialPolicy::text) {
          action = format == Format::tokenizer_json ? AddedAction::skip : AddedAction::skip_one;
        }
      }
      any = any || action == AddedAction::parse || action == AddedAction::refuse;
      actions.push_back(action);
    }
    if (!any) return nullptr;
    auto stage = std::make_unique<AddedStage>(matcher, std::move(actions), space_is_mark, *first_, limits);
    first_ = stage.get();
    return stage;
  }

  PushContext context_of(Workspace& workspace, TokenBuffer& out, size_t most) {
    auto& mine = static_cast<StreamWorkspace&>(workspace);
    size_t most_tokens = most;
    if (limit_ != SIZE_MAX && !cut_left_) most_tokens = std::min(most, out.size() + (limit_ - tokens_));
    return {mine.memory.get(), &mine.normalized, &mine.marked, &mine.repaired, &out, most_tokens};
  }

  void start(TokenBuffer& out) {
    if (started_) return;
    started_ = true;
    if (options_.add_special_tokens) out.append(view_.single->before, kNoWord);
    full_ = limit_ == 0;
  }

  // After a push: counts, and cuts what is more than truncation leaves.
  StreamStatus settle(StreamStatus status, size_t before, TokenBuffer& out) {
    tokens_ += out.size() - before;
    if (!cut_left_ && limit_ != SIZE_MAX && tokens_ >= limit_) {
      out.truncate(out.size() - static_cast<size_t>(tokens_ - limit_));
      tokens_ = limit_;
      full_ = true;
      if (status == StreamStatus::stopped) status = StreamStatus::ok;
    }
    status_ = status;
    return status;
  }

  // Left truncation, template and padding. What is done in front needs the whole text's tokens in `out`.
  void finish(TokenBuffer& out) {
    if (cut_left_ && tokens_ > limit_) {
      const size_t drop = static_cast<size_t>(tokens_ - limit_);
      const size_t first = out.size() - static_cast<size_t>(tokens_);
      const size_t kept = static_cast<size_t>(limit_);
      TokenId* ids = out.tail_ids() - out.size() + first;
      std::copy(ids + drop, ids + drop + kept, ids);
      if (out.detailed()) {
        ByteSpan* spans = out.tail_spans() - out.size() + first;
        uint32_t* words = out.tail_words() - out.size() + first;
        std::copy(spans + drop, spans + drop + kept, spans);
        std::copy(words + drop, words + drop + kept, words);
      }
      out.truncate(first + kept);
      tokens_ = limit_;
    }
    if (options_.add_special_tokens) out.append(view_.single->behind, kNoWord);
    if (!options_.pad || !view_.settings->padding || !view_.settings->padding->fixed) return;
    const PaddingDef& padding = *view_.settings->padding;
    uint64_t length = *padding.fixed;
    if (padding.multiple_of > 0) {
      length = (length + padding.multiple_of - 1) / padding.multiple_of * padding.multiple_of;
    }
    uint64_t total = tokens_;
    if (options_.add_special_tokens) total += view_.single->before.size() + view_.single->behind.size();
    if (total >= length) return;
    const auto missing = static_cast<size_t>(length - total);
    out.reserve(missing);
    for (size_t i = 0; i < missing; ++i) out.push(padding.id, {}, kNoWord);
    if (padding.side == Side::right) return;
    const auto count = static_cast<size_t>(length);
    const auto rotate = [count, missing](auto* values) {
      std::rotate(values, values + count - missing, values + count);
    };
    rotate(out.tail_ids() - count);
    if (out.detailed()) {
      rotate(out.tail_spans() - count);
      rotate(out.tail_words() - count);
    }
  }

  TokenizerView view_;
  StreamOptions options_;
  std::unique_ptr<PieceStage> pieces_;
  std::unique_ptr<MarkStage> mark_;
  std::unique_ptr<AddedStage> normalized_added_;
  std::unique_ptr<NormalizeStage> normalize_;
  std::unique_ptr<AddedStage> raw_added_;
  Stage* first_ = nullptr;

  InputRepair input_;
  uint64_t limit_ = SIZE_MAX;
  bool cut_left_ = false;
  bool started_ = false;
  bool full_ = false;    // truncation leaves no more
  uint64_t tokens_ = 0;  // of the text, without the template's
  StreamStatus status_ = StreamStatus::ok;
};

Error no_stream(const std::string& what) {
  return {ErrorCode::UNSUPPORTED, what + " needs the whole text and cannot be done in a stream."};
}

}  // namespace

uint64_t StreamWorkspace::bytes() const {
  return sizeof *this + memory->bytes() + normalized.bytes.capacity() +
         normalized.origin.capacity() * sizeof(ByteSpan) + marked.capacity_bytes() +
         repaired.capacity_bytes();
}

StreamStatus encode_whole(std::span<const uint8_t> text, TextStream& stream, Workspace& workspace,
                          TokenBuffer& out, size_t most_tokens) {
  auto& mine = static_cast<Stream&>(stream);
  mine.begin();
  return mine.push_until(text, true, workspace, out, most_tokens);
}

Result<std::unique_ptr<TextStream>> make_text_stream(const TokenizerView& view,
                                                     const StreamOptions& options) {
  const TokenizerDefinition& settings = *view.settings;
  if (options.truncate && settings.truncation) {
    if (settings.truncation->side == Side::left && !options.whole) return no_stream("Truncation on the left");
    if (settings.truncation->strategy == TruncationStrategy::only_second) {
      return Error{ErrorCode::UNSUPPORTED, "Truncation of the second text only needs a second text."};
    }
  }
  if (options.pad && settings.padding && !options.whole) {
    if (settings.padding->side == Side::left) return no_stream("Padding on the left");
    if (!settings.padding->fixed) return no_stream("Padding to the longest text");
  }
  if (!options.whole && options.cap_bytes < 64) {
    return Error{ErrorCode::INVALID_ARGUMENT, "The cap of a stream is " + std::to_string(options.cap_bytes) +
                                                  " bytes; expected at least 64."};
  }
  if (!options.whole && options.cap_bytes > kMaxCapBytes) {
    return Error{ErrorCode::INVALID_ARGUMENT, "The cap of a stream is " + std::to_string(options.cap_bytes) +
                                                  " bytes; expected at most " + std::to_string(kMaxCapBytes) +
                                                  "."};
  }
  std::unique_ptr<TextStream> stream = std::make_unique<Stream>(view, options);
  return stream;
}

}  // namespace onpath::text
