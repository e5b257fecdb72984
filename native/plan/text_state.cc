#include "plan/text_state.h"

#include <algorithm>
#include <utility>

namespace onpath {

void TextStateOf::begin() {
  if (replace_) replace_->begin();
  if (stream_) stream_->begin();
  started_ = false;
}

/// Tokens of the next slice come; the template's are before them.
void TextStateOf::start(text::TokenBuffer& tokens) {
  tokens.clear();
  if (std::exchange(started_, true)) return;
  tokens.append(prefix_);
}

TextStatus TextStateOf::push(std::span<const uint8_t> bytes, TextWorkspace& workspace, TextSink& sink) {
  auto& own = static_cast<TextWorkspaceOf&>(workspace);
  if (!replace_) return tokenize(bytes, own, sink);
  Onward onward(*this, own, sink);
  replace_->push(bytes, onward);
  return onward.status;
}

TextStatus TextStateOf::end(TextWorkspace& workspace, TextSink& sink) {
  auto& own = static_cast<TextWorkspaceOf&>(workspace);
  if (replace_) {
    Onward onward(*this, own, sink);
    replace_->end(onward);
    if (onward.status != TextStatus::ok) return onward.status;
  }
  if (!stream_) return TextStatus::ok;
  text::TokenBuffer& tokens = own.tokens();
  start(tokens);
  const text::StreamStatus status = stream_->end(own.tokenizing(), tokens);
  if (status == text::StreamStatus::ok) tokens.append(suffix_);
  return hand_on(status, tokens, sink);
}

TextStatus TextStateOf::tokenize(std::span<const uint8_t> bytes, TextWorkspaceOf& workspace, TextSink& sink) {
  if (!stream_) return bytes.empty() || sink.take(bytes, {}) ? TextStatus::ok : TextStatus::stopped;
  while (!bytes.empty()) {
    const auto slice = bytes.first(std::min(bytes.size(), slice_bytes_));
    bytes = bytes.subspan(slice.size());
    text::TokenBuffer& tokens = workspace.tokens();
    start(tokens);
    const TextStatus status = hand_on(stream_->push(slice, workspace.tokenizing(), tokens), tokens, sink);
    if (status != TextStatus::ok) return status;
  }
  return TextStatus::ok;
}

/// Tokens that were made before a text was refused leave all the same: in a stream, others have left already.
TextStatus TextStateOf::hand_on(text::StreamStatus status, const text::TokenBuffer& tokens, TextSink& sink) {
  if (tokens.size() > 0) {
    const std::span<const uint8_t> ids(reinterpret_cast<const uint8_t*>(tokens.ids()), tokens.size() * 4);
    const size_t spans = tokens.detailed() ? tokens.size() : 0;
    if (!sink.take(ids, {tokens.spans(), spans})) return TextStatus::stopped;
  }
  switch (status) {
    case text::StreamStatus::over_cap:
      return TextStatus::over_cap;
    case text::StreamStatus::special_refused:
      return TextStatus::special_refused;
    default:
      return TextStatus::ok;
  }
}

uint64_t TextStateOf::held_bytes() const {
  return (replace_ ? replace_->held_bytes() : 0) + (stream_ ? stream_->held_bytes() : 0);
}

}  // namespace onpath
