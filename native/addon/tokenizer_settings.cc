#include "addon/tokenizer_settings.h"

#include "addon/bytes.h"
#include "addon/input.h"
#include "addon/names.h"
#include "addon/output.h"
#include "addon/tokenizer.h"

namespace onpath::addon {

namespace {

constexpr Choice<text::Format> kFormats[] = {{"tokenizer.json", text::Format::tokenizer_json},
                                             {"tiktoken", text::Format::tiktoken},
                                             {"sentencepiece", text::Format::sentencepiece},
                                             {"tekken", text::Format::tekken},
                                             {"vocab.txt", text::Format::vocab_txt}};
constexpr Choice<text::Side> kSides[] = {{"left", text::Side::left}, {"right", text::Side::right}};
constexpr Choice<text::TruncationStrategy> kStrategies[] = {
    {"longestFirst", text::TruncationStrategy::longest_first},
    {"onlyFirst", text::TruncationStrategy::only_first},
    {"onlySecond", text::TruncationStrategy::only_second}};
constexpr Choice<text::SpecialPolicy> kPolicies[] = {{"parse", text::SpecialPolicy::parse},
                                                     {"refuse", text::SpecialPolicy::refuse},
                                                     {"text", text::SpecialPolicy::text}};

napi_value template_to_js(napi_env env, const std::vector<text::TemplateItem>& items) {
  return js_array(env, items, [&](const text::TemplateItem& item) {
    ObjectWriter object(env);
    if (item.sequence) object.count("sequence", *item.sequence);
    object.set("ids", js_array(env, item.ids, [&](text::TokenId id) { return js_count(env, id); }));
    return object.count("typeId", item.type_id).value();
  });
}

napi_value truncation_to_js(napi_env env, const text::TruncationDef& truncation) {
  return ObjectWriter(env)
      .count("maxLength", truncation.max_length)
      .count("stride", truncation.stride)
      .text("side", name_of(kSides, truncation.side))
      .text("strategy", name_of(kStrategies, truncation.strategy))
      .value();
}

napi_value padding_to_js(napi_env env, const text::PaddingDef& padding) {
  ObjectWriter object(env);
  if (padding.fixed) object.count("length", *padding.fixed);
  return object.count("multipleOf", padding.multiple_of)
      .text("side", name_of(kSides, padding.side))
      .count("id", padding.id)
      .count("typeId", padding.type_id)
      .text("token", padding.token)
      .value();
}

}  // namespace

napi_value settings_to_js(napi_env env, const text::Tokenizer& tokenizer) {
  const text::TokenizerDefinition& definition = tokenizer.settings();
  ObjectWriter object(env);
  object.text("format", name_of(kFormats, tokenizer.format())).text("name", definition.name);
  object.count("vocabSize", tokenizer.vocabulary().size())
      .count("idLimit", tokenizer.vocabulary().id_limit());
  object.set("single", template_to_js(env, definition.post.single));
  object.set("pair", template_to_js(env, definition.post.pair));
  object.boolean("trimOffsets", definition.post.trim_offsets)
      .boolean("trimAddPrefixSpace", definition.post.trim_add_prefix_space)
      .boolean("allTypeZero", definition.post.all_type_zero);
  if (definition.truncation) object.set("truncation", truncation_to_js(env, *definition.truncation));
  if (definition.padding) object.set("padding", padding_to_js(env, *definition.padding));
  return object.value();
}

napi_value added_to_js(napi_env env, const text::Tokenizer& tokenizer) {
  return js_array(env, tokenizer.settings().added, [&](const text::AddedTokenDef& token) {
    return ObjectWriter(env)
        .count("id", token.id)
        .text("text", token.text)
        .boolean("singleWord", token.single_word)
        .boolean("lstrip", token.lstrip)
        .boolean("rstrip", token.rstrip)
        .boolean("normalized", token.normalized)
        .boolean("special", token.special)
        .value();
  });
}

std::vector<text::TokenId> ids_from_js(const Input& input) {
  if (input.failed()) return {};
  const std::optional<std::span<uint32_t>> ids = ids_of(input.env(), input.value());
  if (!ids) {
    input.fail("a Uint32Array of token ids");
    return {};
  }
  return {ids->begin(), ids->end()};
}

TextOptions text_options_from_js(const Input& input) {
  TextOptions options;
  options.stream.detailed = input["detailed"].boolean();
  if (const Input special = input["special"]; !special.is_undefined())
    options.stream.special = special.choice(kPolicies);
  if (const Input allowed = input["allowedSpecial"]; !allowed.is_undefined())
    options.stream.allowed_special = ids_from_js(allowed);
  if (const Input prefix = input["prefix"]; !prefix.is_undefined()) options.prefix = ids_from_js(prefix);
  if (const Input suffix = input["suffix"]; !suffix.is_undefined()) options.suffix = ids_from_js(suffix);
  if (const Input cap = input["capBytes"]; !cap.is_undefined())
    options.stream.cap_bytes = cap.integer<uint64_t>();
  return options;
}

}  // namespace onpath::addon
