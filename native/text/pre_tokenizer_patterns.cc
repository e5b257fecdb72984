#include "text/pre_tokenizer_patterns.h"

namespace onpath::text::patterns {
namespace {

/// Every character of a text is matched by these regexes, so keeping the rest and dropping it are the same.
bool keeps_matches(const SplitDef& split) {
  return (split.behavior == SplitBehavior::isolated) ||
         (split.behavior == SplitBehavior::removed && split.invert);
}

std::optional<Family> family_of_split(const SplitDef& split) {
  struct Known {
    std::string_view pattern;
    Family family;
  };
  static constexpr Known kKnown[] = {{kGpt2, Family::gpt2},
                                     {kCl100k, Family::cl100k},
                                     {kQwen2, Family::qwen2},
                                     {kO200k, Family::o200k},
                                     {kTekken, Family::tekken}};
  if (!split.pattern.regex || !keeps_matches(split)) return std::nullopt;
  for (const Known& known : kKnown) {
    if (split.pattern.text == known.pattern) return known.family;
  }
  return std::nullopt;
}

bool is_split(const PreTokenizerDef& definition, std::string_view pattern, SplitBehavior behavior,
              bool invert) {
  const auto* split = std::get_if<SplitDef>(&definition);
  return split != nullptr && split->pattern.regex && split->pattern.text == pattern &&
         split->behavior == behavior && split->invert == invert;
}

/// ByteLevel that neither adds a space nor cuts: nothing to do here.
bool is_nothing(const PreTokenizerDef& definition) {
  const auto* byte_level = std::get_if<ByteLevelDef>(&definition);
  return byte_level != nullptr && !byte_level->use_regex && !byte_level->add_prefix_space;
}

}  // namespace

std::optional<Family> family_of(std::span<const PreTokenizerDef> definitions) {
  const size_t count = definitions.size();
  if (count == 0) return std::nullopt;
  if (count == 1) {
    // The prefix space belongs to whoever has the text's beginning.
    const auto* byte_level = std::get_if<ByteLevelDef>(&definitions[0]);
    if (byte_level != nullptr && byte_level->use_regex) return Family::gpt2;
  }
  const auto* last = std::get_if<ByteLevelDef>(&definitions[count - 1]);
  if (count == 2 && last != nullptr && last->use_regex && !last->add_prefix_space &&
      is_split(definitions[0], kClip, SplitBehavior::removed, true)) {
    return Family::clip;
  }
  const size_t splits = is_nothing(definitions[count - 1]) ? count - 1 : count;
  if (splits == 1) {
    if (const auto* split = std::get_if<SplitDef>(&definitions[0])) return family_of_split(*split);
  }
  if (splits == 3 && is_split(definitions[0], kDeepseek3[0], SplitBehavior::isolated, false) &&
      is_split(definitions[1], kDeepseek3[1], SplitBehavior::isolated, false) &&
      is_split(definitions[2], kDeepseek3[2], SplitBehavior::isolated, false)) {
    return Family::deepseek3;
  }
  return std::nullopt;
}

}  // namespace onpath::text::patterns
