// From definitions to a pre-tokenizer.
#include "text/pre_tokenizer_component.h"
#include "text/pre_tokenizer_patterns.h"

namespace onpath::text {
namespace {

Error refuse(const std::string& what) {
  return Error{ErrorCode::UNSUPPORTED, "Pre-tokenizer " + what + " is not supported."};
}

/// Adds what one definition of a sequence does to `out`.
class Maker {
 public:
  Maker(RegexEngine engine, std::vector<ComponentPtr>& out) : engine_(engine), out_(out) {}

  Result<void> operator()(const BertPreTokenizerDef&) {
    out_.push_back(make_class_component("whitespace_split", component::kWhitespace, SplitBehavior::removed));
    out_.push_back(make_class_component("punctuation", component::kBertPunctuation, SplitBehavior::isolated));
    return {};
  }
  Result<void> operator()(const ByteLevelDef& byte_level) {
    if (byte_level.add_prefix_space && !out_.empty()) {
      return refuse("ByteLevel with add_prefix_space behind another one, which adds a space to every piece,");
    }
    if (byte_level.use_regex) out_.push_back(make_gpt2_component());
    byte_level_ = true;
    return {};
  }
  Result<void> operator()(const CharDelimiterSplitDef& split) {
    out_.push_back(make_character_component("delimiter", split.delimiter, SplitBehavior::removed));
    return {};
  }
  Result<void> operator()(const MetaspaceDef&) { return refuse("Metaspace in this place"); }
  Result<void> operator()(const WhitespaceDef&) {
    out_.push_back(make_whitespace_component());
    return {};
  }
  Result<void> operator()(const WhitespaceSplitDef&) {
    out_.push_back(make_class_component("whitespace_split", component::kWhitespace, SplitBehavior::removed));
    return {};
  }
  Result<void> operator()(const SplitDef& split) {
    Result<ComponentPtr> made = make_split_component(split, engine_);
    if (!made.ok()) return made.error();
    out_.push_back(std::move(made).value());
    return {};
  }
  Result<void> operator()(const PunctuationDef& punctuation) {
    out_.push_back(make_class_component("punctuation", component::kPunctuation, punctuation.behavior));
    return {};
  }
  Result<void> operator()(const DigitsDef& digits) {
    out_.push_back(
        make_class_component("digits", component::kNumeric,
                             digits.individual ? SplitBehavior::isolated : SplitBehavior::contiguous));
    return {};
  }
  /// ByteLevel turns bytes into characters of their own, which a component behind it would see.
  bool after_byte_level() const { return byte_level_; }

 private:
  RegexEngine engine_;
  std::vector<ComponentPtr>& out_;
  bool byte_level_ = false;
};

/// Metaspace alone, or behind WhitespaceSplit where words have their spaces already.
const MetaspaceDef* only_metaspace(std::span<const PreTokenizerDef> definitions, bool space_alias) {
  if (definitions.empty()) return nullptr;
  const auto* metaspace = std::get_if<MetaspaceDef>(&definitions.back());
  const bool words =
      definitions.size() == 2 && std::holds_alternative<WhitespaceSplitDef>(definitions[0]) && space_alias;
  return definitions.size() == 1 || words ? metaspace : nullptr;
}

}  // namespace

Result<PreTokenizerPtr> make_pre_tokenizer(std::span<const PreTokenizerDef> definitions, bool space_alias,
                                           RegexEngine engine) {
  if (definitions.empty()) return PreTokenizerPtr();
  if (const std::optional<Family> family = patterns::family_of(definitions)) {
    return make_family_pre_tokenizer(*family);
  }
  if (definitions.size() == 1 && std::holds_alternative<BertPreTokenizerDef>(definitions[0])) {
    return make_bert_pre_tokenizer();
  }
  if (const MetaspaceDef* metaspace = only_metaspace(definitions, space_alias)) {
    // Without a split, the words that WhitespaceSplit made are pieces: they begin with a space too, but a
    // space of their own would not cut them.
    if (!metaspace->split && definitions.size() == 1) return PreTokenizerPtr();
    if (!metaspace->split) return refuse("Metaspace without split behind WhitespaceSplit");
    if (space_alias || metaspace->replacement == ' ') return make_space_pre_tokenizer();
  }
  std::vector<ComponentPtr> components;
  Maker maker(engine, components);
  for (const PreTokenizerDef& definition : definitions) {
    if (maker.after_byte_level()) return refuse("behind ByteLevel");
    const Result<void> made = std::visit(maker, definition);
    if (!made.ok()) return made.error();
  }
  if (components.empty()) return PreTokenizerPtr();
  return make_sequence(std::move(components));
}

}  // namespace onpath::text
