// Post-processors of tokenizer.json: all become templates.
#include <map>
#include <utility>

#include "text/load_tokenizer_json.h"

namespace onpath::text {
namespace {

constexpr size_t kMaxTemplateItems = 4096;

TemplateItem sequence(uint8_t which, uint32_t type_id) { return {which, {}, type_id}; }
TemplateItem special(TokenId id, uint32_t type_id) { return {std::nullopt, {id}, type_id}; }

// ["</s>", 2]
Result<TokenId> named_id(const JsonObject& component, const char* key) {
  ONPATH_TAKE(pair, component.array(key));
  if (pair->Size() != 2 || !(*pair)[0].IsString() || !(*pair)[1].IsUint()) {
    return component.wrong(key, "[token, id]");
  }
  return (*pair)[1].GetUint();
}

Result<std::vector<TemplateItem>> read_template(const JsonObject& component, const char* key,
                                                const std::map<std::string, std::vector<TokenId>>& tokens) {
  ONPATH_TAKE(array, component.array(key));
  if (array->Size() > kMaxTemplateItems) {
    return Error{ErrorCode::LIMIT_EXCEEDED, "`" + component.path() + "." + key + "` has " +
                                                std::to_string(array->Size()) + " items; at most " +
                                                std::to_string(kMaxTemplateItems) + " are taken."};
  }
  std::vector<TemplateItem> items;
  for (rapidjson::SizeType i = 0; i < array->Size(); ++i) {
    const std::string path = component.path() + "." + key + "[" + std::to_string(i) + "]";
    ONPATH_TAKE(item, as_object((*array)[i], path));
    if (item.has("Sequence")) {
      ONPATH_TAKE(inner, item.object("Sequence"));
      ONPATH_TAKE(id, inner.text("id"));
      ONPATH_TAKE(type_id, inner.number("type_id"));
      if (id != "A" && id != "B") return inner.wrong("id", "'A' or 'B'");
      items.push_back(sequence(id == "B" ? 1 : 0, type_id));
    } else {
      ONPATH_TAKE(inner, item.object("SpecialToken"));
      ONPATH_TAKE(id, inner.text("id"));
      ONPATH_TAKE(type_id, inner.number("type_id"));
      const auto found = tokens.find(id);
      if (found == tokens.end()) return inner.wrong("id", "a key of `special_tokens`");
      items.push_back({std::nullopt, found->second, type_id});
    }
  }
  return items;
}

Result<void> read_templates(const JsonObject& component, PostProcessorDef& out) {
  std::map<std::string, std::vector<TokenId>> tokens;
  ONPATH_TAKE(specials, component.object("special_tokens"));
  for (const auto& member : specials.value().GetObject()) {
    const std::string name(view(member.name));
    ONPATH_TAKE(token, as_object(member.value, specials.path() + "." + name));
    ONPATH_TAKE(ids, token.array("ids"));
    std::vector<TokenId> list;
    for (const JsonValue& id : ids->GetArray()) {
      if (!id.IsUint()) return token.wrong("ids", "token ids");
      list.push_back(id.GetUint());
    }
    tokens[name] = std::move(list);
  }
  ONPATH_TAKE(single, read_template(component, "single", tokens));
  ONPATH_TAKE(pair, read_template(component, "pair", tokens));
  for (const TemplateItem& item : single) {
    if (item.sequence && *item.sequence == 1) {
      return invalid_vocabulary("`" + component.path() +
                                ".single` has the sequence B, which a single text does not have.");
    }
  }
  out.single = std::move(single);
  out.pair = std::move(pair);
  return {};
}

Result<void> read_trimming(const JsonObject& component, PostProcessorDef& out) {
  ONPATH_TAKE(trim, component.boolean("trim_offsets"));
  ONPATH_TAKE(prefix, component.boolean("add_prefix_space"));
  if (!trim) return {};
  if (out.trim_offsets) return unsupported_component(component.path(), "a second trimming of offsets");
  out.trim_offsets = true;
  out.trim_add_prefix_space = prefix;
  return {};
}

Result<void> read(const JsonObject& component, PostProcessorDef& out, int depth, bool& has_template) {
  ONPATH_TAKE(type, component.text_or("type", ""));
  if (type == "Sequence") {
    if (depth >= kMaxComponentDepth) return invalid_vocabulary("`" + component.path() + "` nests too deep.");
    ONPATH_TAKE(array, component.array("processors"));
    for (rapidjson::SizeType i = 0; i < array->Size(); ++i) {
      ONPATH_TAKE(part, as_object((*array)[i], component.path() + ".processors[" + std::to_string(i) + "]"));
      Result<void> done = read(part, out, depth + 1, has_template);
      if (!done.ok()) return done;
    }
    return {};
  }
  if (type == "ByteLevel") return read_trimming(component, out);
  if (has_template) return unsupported_component(component.path(), "a second template");
  has_template = true;
  if (component.has("single")) return read_templates(component, out);
  if (!component.has("cls") || !component.has("sep")) {
    return unsupported_component(component.path(),
                                 "the post-processor " + (type.empty() ? "without type" : type));
  }
  ONPATH_TAKE(cls, named_id(component, "cls"));
  ONPATH_TAKE(sep, named_id(component, "sep"));
  out.single = {special(cls, 0), sequence(0, 0), special(sep, 0)};
  // Files are told apart by these two fields, whatever their type says.
  if (component.has("trim_offsets") && component.has("add_prefix_space")) {
    out.pair = {special(cls, 0), sequence(0, 0), special(sep, 0),
                special(sep, 0), sequence(1, 0), special(sep, 0)};
    out.all_type_zero = true;
    return read_trimming(component, out);
  }
  out.pair = {special(cls, 0), sequence(0, 0), special(sep, 0), sequence(1, 1), special(sep, 1)};
  return {};
}

}  // namespace

PostProcessorDef default_post_processor() {
  PostProcessorDef post;
  post.single = {sequence(0, 0)};
  post.pair = {sequence(0, 0), sequence(1, 1)};
  return post;
}

Result<void> read_post_processor(const JsonObject& component, PostProcessorDef& out) {
  bool has_template = false;
  return read(component, out, 0, has_template);
}

}  // namespace onpath::text
