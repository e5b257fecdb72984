// Where pieces of ASCII text begin, by 64 bytes at a time. What the rules mean is for those who name them:
// see text/pre_tokenizer_rules.h, whose automata say the same.
#pragma once

#include <cstddef>
#include <cstdint>

namespace onpath {

enum class CutRules : uint8_t { gpt2, cl100k, qwen2, o200k, tekken, deepseek3, clip, bert };

struct Cuts {
  size_t count = 0;  // ends written
  size_t taken = 0;  // the last of them: what lies behind was not decided
};

/// In an end: the piece before it is dropped.
inline constexpr uint32_t kCutDropped = 0x80000000u;

}  // namespace onpath
