// Normalizers, pre-tokenizers and decoders of tokenizer.json, with the fields and defaults of tokenizers
// 0.23.
#include <utility>

#include "text/load_tokenizer_json.h"

namespace onpath::text {
namespace {

constexpr size_t kMaxComponents = 256;

// Files before tokenizers had "type" are known by their fields; so are unknown types.
std::string normalizer_type(const JsonObject& component) {
  if (component.has("type")) {
    Result<std::string> type = component.text("type");
    for (const char* known : {"Strip", "StripAccents", "NFC", "NFD", "NFKC", "NFKD", "Sequence", "Lowercase",
                              "Nmt", "Precompiled", "Replace", "Prepend", "ByteLevel"}) {
      if (type.ok() && type.value() == known) return known;
    }
    if (type.ok() && (type.value() == "BertNormalizer" || type.value() == "Bert")) return "Bert";
  }
  if (component.has("clean_text") && component.has("handle_chinese_chars")) return "Bert";
  if (component.has("strip_left") && component.has("strip_right")) return "Strip";
  if (component.has("precompiled_charsmap")) return "Precompiled";
  if (component.has("pattern") && component.has("content")) return "Replace";
  if (component.has("prepend")) return "Prepend";
  Result<std::string> type = component.text_or("type", "a component without `type`");
  return type.ok() ? type.value() : "a component whose `type` is no string";
}

template <class Def, class Reader>
Result<void> read_sequence(const JsonObject& component, const char* key, std::vector<Def>& out, int depth,
                           Reader reader) {
  if (depth >= kMaxComponentDepth) {
    return invalid_vocabulary("`" + component.path() + "` nests deeper than " +
                              std::to_string(kMaxComponentDepth) + " sequences.");
  }
  ONPATH_TAKE(array, component.array(key));
  for (rapidjson::SizeType i = 0; i < array->Size(); ++i) {
    ONPATH_TAKE(part, as_object((*array)[i], component.path() + "." + key + "[" + std::to_string(i) + "]"));
    Result<void> done = reader(part, out, depth + 1);
    if (!done.ok()) return done;
    if (out.size() > kMaxComponents) {
      return Error{ErrorCode::LIMIT_EXCEEDED, "`" + component.path() + "` has more than " +
                                                  std::to_string(kMaxComponents) + " components."};
    }
  }
  return {};
}

Result<SplitBehavior> read_behavior(const JsonObject& component) {
  ONPATH_TAKE(name, component.text("behavior"));
  if (name == "Removed") return SplitBehavior::removed;
  if (name == "Isolated") return SplitBehavior::isolated;
  if (name == "MergedWithPrevious") return SplitBehavior::merged_with_previous;
  if (name == "MergedWithNext") return SplitBehavior::merged_with_next;
  if (name == "Contiguous") return SplitBehavior::contiguous;
  return component.wrong("behavior", "Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous");
}

Result<PrependScheme> read_prepend_scheme(const JsonObject& component) {
  ONPATH_TAKE(name, component.text_or("prepend_scheme", "always"));
  PrependScheme scheme = PrependScheme::always;
  if (name == "first") {
    scheme = PrependScheme::first;
  } else if (name == "never") {
    scheme = PrependScheme::never;
  } else if (name != "always") {
    return component.wrong("prepend_scheme", "'always', 'first' or 'never'");
  }
  ONPATH_TAKE(add, component.boolean_or("add_prefix_space", true));
  if (!add && scheme != PrependScheme::never) {
    return invalid_vocabulary("`" + component.path() +
                              ".add_prefix_space` is false, but `prepend_scheme` is '" + name +
                              "'; expected 'never'.");
  }
  return scheme;
}

Result<void> normalizer(const JsonObject& component, std::vector<NormalizerDef>& out, int depth) {
  const std::string type = normalizer_type(component);
  if (type == "Sequence") return read_sequence(component, "normalizers", out, depth, normalizer);
  if (type == "Bert") {
    BertNormalizerDef bert;
    ONPATH_TAKE(clean, component.boolean("clean_text"));
    ONPATH_TAKE(chinese, component.boolean("handle_chinese_chars"));
    ONPATH_TAKE(lowercase, component.boolean("lowercase"));
    if (component.has("strip_accents")) {
      ONPATH_TAKE(strip, component.boolean("strip_accents"));
      bert.strip_accents = strip;
    }
    bert.clean_text = clean;
    bert.handle_chinese_chars = chinese;
    bert.lowercase = lowercase;
    out.emplace_back(bert);
  } else if (type == "Strip") {
    ONPATH_TAKE(left, component.boolean("strip_left"));
    ONPATH_TAKE(right, component.boolean("strip_right"));
    out.emplace_back(StripDef{left, right});
  } else if (type == "StripAccents") {
    out.emplace_back(StripAccentsDef{});
  } else if (type == "NFC") {
    out.emplace_back(UnicodeFormDef{true, false});
  } else if (type == "NFD") {
    out.emplace_back(UnicodeFormDef{false, false});
  } else if (type == "NFKC") {
    out.emplace_back(UnicodeFormDef{true, true});
  } else if (type == "NFKD") {
    out.emplace_back(UnicodeFormDef{false, true});
  } else if (type == "Lowercase") {
    out.emplace_back(LowercaseDef{});
  } else if (type == "Nmt") {
    out.emplace_back(NmtDef{});
  } else if (type == "Precompiled") {
    ONPATH_TAKE(encoded, component.text("precompiled_charsmap"));
    std::optional<std::string> charsmap = decode_base64(encoded);
    if (!charsmap) return component.wrong("precompiled_charsmap", "base64");
    PrecompiledDef precompiled;
    precompiled.charsmap = std::move(*charsmap);
    out.emplace_back(std::move(precompiled));
  } else if (type == "Replace") {
    ONPATH_TAKE(pattern, read_pattern(component));
    ONPATH_TAKE(content, component.text("content"));
    out.emplace_back(ReplaceDef{std::move(pattern), std::move(content)});
  } else if (type == "Prepend") {
    ONPATH_TAKE(text, component.text("prepend"));
    out.emplace_back(PrependDef{std::move(text)});
  } else if (type == "ByteLevel") {
    out.emplace_back(ByteLevelNormalizerDef{});
  } else {
    return unsupported_component(component.path(), "the normalizer " + type);
  }
  return {};
}

Result<void> pre_tokenizer(const JsonObject& component, std::vector<PreTokenizerDef>& out, int depth) {
  ONPATH_TAKE(type, component.text("type"));
  if (type == "Sequence") return read_sequence(component, "pretokenizers", out, depth, pre_tokenizer);
  if (type == "BertPreTokenizer") {
    out.emplace_back(BertPreTokenizerDef{});
  } else if (type == "ByteLevel") {
    ONPATH_TAKE(prefix, component.boolean("add_prefix_space"));
    ONPATH_TAKE(regex, component.boolean_or("use_regex", true));
    out.emplace_back(ByteLevelDef{prefix, regex});
  } else if (type == "CharDelimiterSplit") {
    ONPATH_TAKE(delimiter, component.code_point("delimiter"));
    out.emplace_back(CharDelimiterSplitDef{delimiter});
  } else if (type == "Metaspace") {
    ONPATH_TAKE(replacement, component.code_point("replacement"));
    ONPATH_TAKE(scheme, read_prepend_scheme(component));
    ONPATH_TAKE(split, component.boolean_or("split", true));
    out.emplace_back(MetaspaceDef{replacement, scheme, split});
  } else if (type == "Whitespace") {
    out.emplace_back(WhitespaceDef{});
  } else if (type == "WhitespaceSplit") {
    out.emplace_back(WhitespaceSplitDef{});
  } else if (type == "Split") {
    ONPATH_TAKE(pattern, read_pattern(component));
    ONPATH_TAKE(behavior, read_behavior(component));
    ONPATH_TAKE(invert, component.boolean("invert"));
    out.emplace_back(SplitDef{std::move(pattern), behavior, invert});
  } else if (type == "Punctuation") {
    PunctuationDef punctuation;
    if (component.has("behavior")) {
      ONPATH_TAKE(behavior, read_behavior(component));
      punctuation.behavior = behavior;
    }
    out.emplace_back(punctuation);
  } else if (type == "Digits") {
    ONPATH_TAKE(individual, component.boolean("individual_digits"));
    out.emplace_back(DigitsDef{individual});
  } else {
    return unsupported_component(component.path(), "the pre-tokenizer " + type);
  }
  return {};
}

std::string decoder_type(const JsonObject& component) {
  if (component.has("type")) {
    Result<std::string> type = component.text("type");
    return type.ok() ? type.value() : "a component whose `type` is no string";
  }
  if (component.has("suffix")) return "BPEDecoder";
  if (component.has("prefix") && component.has("cleanup")) return "WordPiece";
  if (component.has("pattern")) return "Replace";
  if (component.has("start") && component.has("stop")) return "Strip";
  return "a component without `type`";
}

Result<void> decoder(const JsonObject& component, std::vector<DecoderDef>& out, int depth) {
  const std::string type = decoder_type(component);
  if (type == "Sequence") return read_sequence(component, "decoders", out, depth, decoder);
  if (type == "BPEDecoder") {
    ONPATH_TAKE(suffix, component.text("suffix"));
    out.emplace_back(BpeDecoderDef{std::move(suffix)});
  } else if (type == "ByteLevel") {
    out.emplace_back(ByteLevelDecoderDef{});
  } else if (type == "WordPiece") {
    ONPATH_TAKE(prefix, component.text("prefix"));
    ONPATH_TAKE(cleanup, component.boolean("cleanup"));
    out.emplace_back(WordPieceDecoderDef{std::move(prefix), cleanup});
  } else if (type == "Metaspace") {
    ONPATH_TAKE(replacement, component.code_point("replacement"));
    ONPATH_TAKE(scheme, read_prepend_scheme(component));
    out.emplace_back(MetaspaceDecoderDef{replacement, scheme});
  } else if (type == "Replace") {
    ONPATH_TAKE(pattern, read_pattern(component));
    ONPATH_TAKE(content, component.text("content"));
    out.emplace_back(ReplaceDecoderDef{std::move(pattern), std::move(content)});
  } else if (type == "Fuse") {
    out.emplace_back(FuseDecoderDef{});
  } else if (type == "Strip") {
    ONPATH_TAKE(content, component.code_point("content"));
    ONPATH_TAKE(start, component.number("start"));
    ONPATH_TAKE(stop, component.number("stop"));
    out.emplace_back(StripDecoderDef{content, start, stop});
  } else if (type == "ByteFallback") {
    out.emplace_back(ByteFallbackDecoderDef{});
  } else {
    return unsupported_component(component.path(), "the decoder " + type);
  }
  return {};
}

}  // namespace

Result<Pattern> read_pattern(const JsonObject& component) {
  ONPATH_TAKE(object, component.object("pattern"));
  if (object.has("String")) {
    ONPATH_TAKE(text, object.text("String"));
    return Pattern{std::move(text), false};
  }
  ONPATH_TAKE(text, object.text("Regex"));
  return Pattern{std::move(text), true};
}

Result<void> read_normalizer(const JsonObject& component, std::vector<NormalizerDef>& out) {
  return normalizer(component, out, 0);
}
Result<void> read_pre_tokenizer(const JsonObject& component, std::vector<PreTokenizerDef>& out) {
  return pre_tokenizer(component, out, 0);
}
Result<void> read_decoder(const JsonObject& component, std::vector<DecoderDef>& out) {
  return decoder(component, out, 0);
}

}  // namespace onpath::text
