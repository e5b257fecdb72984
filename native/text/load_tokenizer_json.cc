#include "text/load_tokenizer_json.h"

#include <map>

#include "text/load.h"

namespace onpath::text {
namespace {

Result<Side> read_side(const JsonObject& object) {
  ONPATH_TAKE(name, object.text_or("direction", "Right"));
  if (name == "Left") return Side::left;
  if (name == "Right") return Side::right;
  return object.wrong("direction", "'Left' or 'Right'");
}

Result<TruncationDef> read_truncation(const JsonObject& object) {
  TruncationDef truncation;
  ONPATH_TAKE(length, object.number("max_length"));
  ONPATH_TAKE(stride, object.number("stride"));
  ONPATH_TAKE(strategy, object.text("strategy"));
  ONPATH_TAKE(side, read_side(object));
  truncation.max_length = length;
  truncation.stride = stride;
  truncation.side = side;
  if (strategy == "LongestFirst") {
    truncation.strategy = TruncationStrategy::longest_first;
  } else if (strategy == "OnlyFirst") {
    truncation.strategy = TruncationStrategy::only_first;
  } else if (strategy == "OnlySecond") {
    truncation.strategy = TruncationStrategy::only_second;
  } else {
    return object.wrong("strategy", "'LongestFirst', 'OnlyFirst' or 'OnlySecond'");
  }
  return truncation;
}

Result<PaddingDef> read_padding(const JsonObject& object) {
  PaddingDef padding;
  const JsonValue* strategy = object.find("strategy");
  if (strategy != nullptr && strategy->IsObject()) {
    ONPATH_TAKE(fixed, JsonObject(*strategy, object.path() + ".strategy").number("Fixed"));
    padding.fixed = fixed;
  } else if (strategy == nullptr || !strategy->IsString() || view(*strategy) != "BatchLongest") {
    return object.wrong("strategy", "'BatchLongest' or {\"Fixed\": length}");
  }
  if (!object.has("direction")) return object.wrong("direction", "'Left' or 'Right'");
  ONPATH_TAKE(side, read_side(object));
  ONPATH_TAKE(multiple, object.number_or("pad_to_multiple_of", 0));
  ONPATH_TAKE(id, object.number("pad_id"));
  ONPATH_TAKE(type_id, object.number("pad_type_id"));
  ONPATH_TAKE(token, object.text("pad_token"));
  padding.side = side;
  padding.multiple_of = multiple;
  padding.id = id;
  padding.type_id = type_id;
  padding.token = std::move(token);
  return padding;
}

// A component that may be null or missing.
template <class Read, class Out>
Result<void> read_part(const JsonObject& root, const char* key, Read read, Out& out) {
  if (!root.has(key)) return {};
  ONPATH_TAKE(part, root.object(key));
  return read(JsonObject(part.value(), key), out);
}

}  // namespace

Result<void> read_added_tokens(const JsonValue& array, TokenizerDefinition& out) {
  TokenIds ids;
  ids.reserve(out.tokens.size());
  for (const TokenEntry& token : out.tokens) ids.set(token.text, token.id);
  std::map<TokenId, AddedTokenDef> added;
  auto next = static_cast<TokenId>(ids.size());
  for (rapidjson::SizeType i = 0; i < array.Size(); ++i) {
    ONPATH_TAKE(entry, as_object(array[i], "added_tokens[" + std::to_string(i) + "]"));
    AddedTokenDef token;
    ONPATH_TAKE(text, entry.text("content"));
    ONPATH_TAKE(single_word, entry.boolean("single_word"));
    ONPATH_TAKE(lstrip, entry.boolean("lstrip"));
    ONPATH_TAKE(rstrip, entry.boolean("rstrip"));
    ONPATH_TAKE(normalized, entry.boolean("normalized"));
    ONPATH_TAKE(special, entry.boolean("special"));
    ONPATH_TAKE(file_id, entry.number("id"));
    if (text.empty()) continue;
    if (text.size() > kMaxTokenBytes) {
      return Error{ErrorCode::LIMIT_EXCEEDED, "`" + entry.path() + ".content` has " +
                                                  std::to_string(text.size()) + " bytes; at most " +
                                                  std::to_string(kMaxTokenBytes) + " are taken."};
    }
    token.single_word = single_word;
    token.lstrip = lstrip;
    token.rstrip = rstrip;
    token.normalized = normalized;
    token.special = special;
    (void)file_id;
    const TokenId* known = ids.find(text);
    token.id = known ? *known : next++;
    if (token.id >= kMaxTokens) {
      return Error{ErrorCode::LIMIT_EXCEEDED, "`" + entry.path() + "` would have id " +
                                                  std::to_string(token.id) + "; ids below " +
                                                  std::to_string(kMaxTokens) + " are supported."};
    }
    if (!known) ids.set(view(*entry.find("content")), token.id);
    token.text = std::move(text);
    added[token.id] = std::move(token);
  }
  for (auto& [id, token] : added) out.added.push_back(std::move(token));
  return {};
}

Result<TokenizerDefinition> load_tokenizer_json(std::span<const uint8_t> file) {
  ONPATH_TAKE(json, JsonFile::parse(file, "tokenizer.json"));
  const JsonObject root(json.root(), "");
  TokenizerDefinition out;
  out.format = Format::tokenizer_json;
  if (root.has("version")) {
    ONPATH_TAKE(version, root.text("version"));
    if (version != "1.0") return root.wrong("version", "'1.0'");
  }
  if (const JsonValue* part = root.find("truncation")) {
    ONPATH_TAKE(object, as_object(*part, "truncation"));
    ONPATH_TAKE(truncation, read_truncation(object));
    out.truncation = truncation;
  }
  if (const JsonValue* part = root.find("padding")) {
    ONPATH_TAKE(object, as_object(*part, "padding"));
    ONPATH_TAKE(padding, read_padding(object));
    out.padding = padding;
  }
  Result<void> done = read_part(root, "normalizer", read_normalizer, out.normalizers);
  if (done.ok()) done = read_part(root, "pre_tokenizer", read_pre_tokenizer, out.pre_tokenizers);
  if (done.ok()) done = read_part(root, "decoder", read_decoder, out.decoders);
  if (!done.ok()) return done.error();
  out.post = default_post_processor();
  done = read_part(root, "post_processor", read_post_processor, out.post);
  if (!done.ok()) return done.error();
  ONPATH_TAKE(model, root.object("model"));
  done = read_model(JsonObject(model.value(), "model"), out);
  if (!done.ok()) return done.error();
  if (root.has("added_tokens")) {
    ONPATH_TAKE(array, root.array("added_tokens"));
    done = read_added_tokens(*array, out);
    if (!done.ok()) return done.error();
  }
  return out;
}

}  // namespace onpath::text
