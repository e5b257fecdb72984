// One text on its way through replace and tokenize. For the plan room only.
#pragma once

#include <memory>
#include <optional>

#include "plan/text_plan.h"

namespace onpath {

/// Text is handed on in slices, so that what one slice becomes has a bound that buffers can be made for.
inline constexpr size_t kSliceBytes = 4096;

class TextWorkspaceOf final : public TextWorkspace {
 public:
  TextWorkspaceOf(std::unique_ptr<text::Workspace> tokenizing, bool detailed, size_t tokens)
      : tokenizing_(std::move(tokenizing)), tokens_(detailed) {
    tokens_.reserve(tokens);
  }
  uint64_t bytes() const override {
    const uint64_t per_token = tokens_.detailed() ? 16 : 4;
    return sizeof *this + tokens_.capacity() * per_token + (tokenizing_ ? tokenizing_->bytes() : 0);
  }
  text::Workspace& tokenizing() { return *tokenizing_; }
  text::TokenBuffer& tokens() { return tokens_; }

 private:
  std::unique_ptr<text::Workspace> tokenizing_;
  text::TokenBuffer tokens_;
};

class TextStateOf final : public TextState {
 public:
  /// Either may be absent, not both.
  TextStateOf(ReplacerPtr replacer, std::unique_ptr<text::TextStream> stream, size_t slice_bytes,
              std::vector<text::TokenId> prefix, std::vector<text::TokenId> suffix)
      : stream_(std::move(stream)),
        slice_bytes_(slice_bytes),
        prefix_(std::move(prefix)),
        suffix_(std::move(suffix)) {
    if (replacer) replace_.emplace(std::move(replacer));
  }
  void begin() override;
  TextStatus push(std::span<const uint8_t> bytes, TextWorkspace& workspace, TextSink& sink) override;
  TextStatus end(TextWorkspace& workspace, TextSink& sink) override;
  uint64_t held_bytes() const override;
  std::optional<text::TokenId> refused() const override {
    return stream_ ? stream_->refused() : std::nullopt;
  }

 private:
  /// Where replaced text goes.
  struct Onward final : TextTaker {
    Onward(TextStateOf& owner, TextWorkspaceOf& buffers, TextSink& to)
        : state(owner), workspace(buffers), sink(to) {}
    bool take_text(std::span<const uint8_t> bytes) override {
      status = state.tokenize(bytes, workspace, sink);
      return status == TextStatus::ok;
    }
    TextStateOf& state;
    TextWorkspaceOf& workspace;
    TextSink& sink;
    TextStatus status = TextStatus::ok;
  };

  void start(text::TokenBuffer& tokens);
  TextStatus tokenize(std::span<const uint8_t> bytes, TextWorkspaceOf& workspace, TextSink& sink);
  static TextStatus hand_on(text::StreamStatus status, const text::TokenBuffer& tokens, TextSink& sink);

  std::optional<ReplaceState> replace_;
  std::unique_ptr<text::TextStream> stream_;
  const size_t slice_bytes_;
  const std::vector<text::TokenId> prefix_, suffix_;
  bool started_ = false;  // the prefix has left
};

}  // namespace onpath
