#include "text/normalizer.h"

#include <string>
#include <utility>

#include "text/normalize_chain.h"
#include "text/normalize_characters.h"
#include "text/normalize_edges.h"
#include "text/normalize_forms.h"
#include "text/normalize_precompiled.h"
#include "text/normalize_replace.h"
#include "text/normalizer_alias.h"
#include "text/normalizer_sentencepiece.h"
#include "text/utf8.h"

namespace onpath::text {
namespace {

class StageMaker {
 public:
  Result<void> add(const NormalizerDef& definition) {
    return std::visit([this](const auto& one) { return make(one); }, definition);
  }
  std::vector<NormalizerStagePtr> take() { return std::move(stages_); }

 private:
  Result<void> push(NormalizerStagePtr stage) {
    stages_.push_back(std::move(stage));
    return {};
  }
  Result<void> push(Result<NormalizerStagePtr> stage) {
    if (!stage.ok()) return stage.error();
    return push(std::move(stage).value());
  }
  Result<void> make(const BertNormalizerDef& bert) {
    const bool accents = bert.strip_accents.value_or(bert.lowercase);
    if (bert.clean_text || bert.handle_chinese_chars)
      stages_.push_back(make_bert_clean_stage(bert.clean_text, bert.handle_chinese_chars));
    if (accents) stages_.push_back(make_form_stage(UnicodeForm::nfd));
    if (accents || bert.lowercase) stages_.push_back(make_bert_accents_stage(accents, bert.lowercase));
    return {};
  }
  Result<void> make(const StripDef& strip) {
    return strip.left || strip.right ? push(make_strip_stage(strip.left, strip.right)) : Result<void>();
  }
  Result<void> make(const StripAccentsDef&) { return push(make_strip_accents_stage()); }
  Result<void> make(const UnicodeFormDef& form) {
    return push(make_form_stage(form.compatibility ? (form.compose ? UnicodeForm::nfkc : UnicodeForm::nfkd)
                                                   : (form.compose ? UnicodeForm::nfc : UnicodeForm::nfd)));
  }
  Result<void> make(const LowercaseDef&) { return push(make_lowercase_stage()); }
  Result<void> make(const NmtDef&) { return push(make_nmt_stage()); }
  Result<void> make(const PrecompiledDef& precompiled) {
    if (precompiled.sentencepiece)
      return Error{ErrorCode::UNSUPPORTED,
                   "SentencePiece's own normalizer stands beside other normalizers; expected it alone"};
    return push(make_precompiled_stage(precompiled.charsmap));
  }
  Result<void> make(const ReplaceDef& replace) { return push(make_replace_stage(replace)); }
  Result<void> make(const PrependDef& prepend) {
    return prepend.text.empty() ? Result<void>() : push(make_prepend_stage(prepend.text));
  }
  Result<void> make(const ByteLevelNormalizerDef&) { return push(make_byte_level_stage()); }

  std::vector<NormalizerStagePtr> stages_;
};

bool replaces_space(const NormalizerDef& definition) {
  const auto* replace = std::get_if<ReplaceDef>(&definition);
  return replace && replace->pattern.text == " " && replace->content == kSpaceSymbol;
}

}  // namespace

bool wants_space_alias(const TokenizerDefinition& definition) {
  if (definition.format == Format::sentencepiece) {
    const auto* own = definition.normalizers.size() == 1
                          ? std::get_if<PrecompiledDef>(&definition.normalizers[0])
                          : nullptr;
    return own && own->sentencepiece && own->escape_whitespaces;
  }
  if (definition.format != Format::tokenizer_json) return false;
  for (const AddedTokenDef& token : definition.added)
    if (token.normalized && (token.lstrip || token.rstrip)) return false;
  return !definition.normalizers.empty() && replaces_space(definition.normalizers.back());
}

Result<NormalizerPtr> make_normalizer(std::span<const NormalizerDef> definitions, bool space_alias,
                                      bool table) {
  if (definitions.size() == 1) {
    const auto* precompiled = std::get_if<PrecompiledDef>(&definitions[0]);
    if (precompiled && precompiled->sentencepiece)
      return make_sentencepiece_normalizer(*precompiled, space_alias);
  }
  if (space_alias) {
    if (!definitions.empty() && replaces_space(definitions.back()))
      definitions = definitions.first(definitions.size() - 1);
    const auto* prepend = definitions.size() == 1 ? std::get_if<PrependDef>(&definitions[0]) : nullptr;
    if (definitions.empty() || prepend) return make_alias_normalizer(prepend ? prepend->text : "");
  }
  StageMaker maker;
  for (const NormalizerDef& definition : definitions)
    if (Result<void> added = maker.add(definition); !added.ok()) return added.error();
  std::vector<NormalizerStagePtr> stages = maker.take();
  if (space_alias) stages.push_back(make_replace_character_stage(0x2581, " "));
  return make_chain(std::move(stages), table);
}

}  // namespace onpath::text
