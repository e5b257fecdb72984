// The automata of the families: where the piece that begins at a boundary ends, exactly as the family's regex
// says. The ground truth for everything that is faster.
#pragma once

#include "text/pre_tokenizer_scan.h"

namespace onpath::text::rules {

using scan::Text;

/// r50k, p50k, ByteLevel.
size_t gpt2(const Text& text, size_t at);
/// cl100k and Llama 3 have the same regex.
size_t cl100k(const Text& text, size_t at);
size_t qwen2(const Text& text, size_t at);
size_t o200k(const Text& text, size_t at);
size_t tekken(const Text& text, size_t at);
size_t deepseek3(const Text& text, size_t at);

/// CLIP's regex drops what it does not match, and the GPT-2 regex then cuts its special tokens.
struct ClipPiece {
  size_t end = scan::kUndecided;
  bool dropped = false;
  /// "<|startoftext|>", "<|endoftext|>": cut behind "<|" and before "|>" too.
  bool special = false;
};
ClipPiece clip(const Text& text, size_t at);

}  // namespace onpath::text::rules
