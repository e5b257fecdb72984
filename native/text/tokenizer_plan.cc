#include <utility>

#include "text/tokenizer_parts.h"

namespace onpath::text {
namespace {

bool replaces_spaces(const NormalizerDef& normalizer) {
  const auto* replace = std::get_if<ReplaceDef>(&normalizer);
  return replace && !replace->pattern.regex && replace->pattern.text == " " &&
         replace->content.find(' ') == std::string::npos;
}

Error wrong_order(const char* what) {
  return {ErrorCode::UNSUPPORTED,
          std::string("The pre-tokenizers have ") + what + "; onpath does not have this combination."};
}

}  // namespace

Result<Plan> make_plan(const TokenizerDefinition& definition) {
  Plan plan;
  plan.pre_tokenizers = definition.pre_tokenizers;
  std::vector<PreTokenizerDef>& pre = plan.pre_tokenizers;

  // Where all spaces are replaced before, cutting at spaces cuts nothing (Gemma).
  if (!definition.normalizers.empty() && replaces_spaces(definition.normalizers.back())) {
    while (!pre.empty()) {
      const auto* split = std::get_if<SplitDef>(&pre.front());
      if (!split || split->pattern.regex || split->pattern.text != " " || split->invert) break;
      pre.erase(pre.begin());
    }
  }
  if (pre.size() >= 2 && std::holds_alternative<WhitespaceSplitDef>(pre[0]) &&
      std::holds_alternative<MetaspaceDef>(pre[1])) {
    const auto& metaspace = std::get<MetaspaceDef>(pre[1]);
    if (metaspace.prepend != PrependScheme::always || !metaspace.split) {
      return wrong_order(
          "WhitespaceSplit before a Metaspace that does not prepend always, or does not split");
    }
    plan.words = true;
    pre.erase(pre.begin());
  }
  for (size_t i = 0; i < pre.size(); ++i) {
    if (const auto* metaspace = std::get_if<MetaspaceDef>(&pre[i])) {
      if (metaspace->replacement != kSpaceMark) return wrong_order("a Metaspace of another mark than U+2581");
      if (i != 0) return wrong_order("a Metaspace behind another component than WhitespaceSplit");
      plan.alias_by_metaspace = true;
      if (!plan.words && metaspace->prepend == PrependScheme::always) plan.prefix = PrefixSpace::always;
      if (metaspace->prepend == PrependScheme::first) plan.prefix = PrefixSpace::at_input_start;
    }
    if (const auto* byte_level = std::get_if<ByteLevelDef>(&pre[i])) {
      if (i != 0 && byte_level->add_prefix_space) {
        return wrong_order("a ByteLevel that adds a prefix space behind another component");
      }
      if (i + 1 != pre.size()) return wrong_order("a component behind ByteLevel");
      if (byte_level->add_prefix_space) plan.prefix = PrefixSpace::always;
      if (!std::holds_alternative<BpeDefinition>(definition.model)) {
        return wrong_order("ByteLevel before a model that is not BPE");
      }
    }
  }
  plan.alias_by_normalizer = pre.empty() && wants_space_alias(definition);
  return plan;
}

Result<AddedMatchers> make_added_matchers(const TokenizerDefinition& settings, const TokenizerParts& parts) {
  std::vector<AddedMatcher::Entry> raw;
  std::vector<AddedMatcher::Entry> normalized;
  for (const AddedTokenDef& token : settings.added) {
    AddedMatcher::Entry entry{token.text, token};
    if (!token.normalized) {
      raw.push_back(std::move(entry));
      continue;
    }
    if (parts.normalizer) {
      NormalizedText text;
      parts.normalizer->normalize(reinterpret_cast<const uint8_t*>(token.text.data()), token.text.size(),
                                  {true, true}, text);
      entry.text.assign(text.bytes.begin(), text.bytes.end());
    }
    normalized.push_back(std::move(entry));
  }
  AddedMatchers made;
  Result<AddedMatcher> first = AddedMatcher::make(std::move(raw));
  if (!first.ok()) return first.error();
  Result<AddedMatcher> second = AddedMatcher::make(std::move(normalized));
  if (!second.ok()) return second.error();
  made.raw = std::move(first).value();
  made.normalized = std::move(second).value();
  return made;
}

Result<SingleTemplate> make_single_template(const PostProcessorDef& post) {
  SingleTemplate made;
  size_t texts = 0;
  for (const TemplateItem& item : post.single) {
    if (item.sequence) {
      texts += *item.sequence == 0 ? 1 : 2;
      continue;
    }
    std::vector<TokenId>& side = texts == 0 ? made.before : made.behind;
    side.insert(side.end(), item.ids.begin(), item.ids.end());
  }
  if (texts != 1) {
    return Error{
        ErrorCode::UNSUPPORTED,
        "The post-processor's template for a single text does not have it exactly once; onpath takes "
        "templates that do."};
  }
  return made;
}

}  // namespace onpath::text
