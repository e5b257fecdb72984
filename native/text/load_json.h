// JSON for the loaders: a document of RapidJSON and typed access to it, with errors that name the field.
#pragma once

#include <rapidjson/document.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/definition.h"

namespace onpath::text {

using JsonValue = rapidjson::Value;

/// A parsed file. Strings point into a copy of the file.
class JsonFile {
 public:
  /// Numbers are read as serde_json reads them (the reference's reader, whose fractions are not always the
  /// nearest doubles). Errors: INVALID_VOCABULARY with the byte position, LIMIT_EXCEEDED.
  static Result<JsonFile> parse(std::span<const uint8_t> file, std::string_view what);
  const JsonValue& root() const { return *document_; }

 private:
  std::unique_ptr<std::vector<char>> text_;
  std::unique_ptr<rapidjson::Document> document_;
};

inline std::string_view view(const JsonValue& text) { return {text.GetString(), text.GetStringLength()}; }

/// A number of a JSON text as serde_json 1.0 without float_roundtrip reads it. Null: too large a number.
std::optional<double> serde_double(std::string_view number);

/// A JSON object and where it stands in the file ("model.vocab"), for errors. A repeated key counts as its
/// last value.
class JsonObject {
 public:
  JsonObject(const JsonValue& value, std::string path) : value_(&value), path_(std::move(path)) {}

  const std::string& path() const { return path_; }
  const JsonValue& value() const { return *value_; }
  /// Null: no such key, or its value is null.
  const JsonValue* find(const char* key) const;
  bool has(const char* key) const { return find(key) != nullptr; }
  Error wrong(const char* key, const std::string& expected) const;

  Result<std::string> text(const char* key) const;
  Result<bool> boolean(const char* key) const;
  Result<uint32_t> number(const char* key) const;
  Result<uint32_t> code_point(const char* key) const;
  Result<JsonObject> object(const char* key) const;
  /// With a default where the key is missing or null.
  Result<std::string> text_or(const char* key, std::string otherwise) const;
  Result<bool> boolean_or(const char* key, bool otherwise) const;
  Result<uint32_t> number_or(const char* key, uint32_t otherwise) const;
  Result<const JsonValue*> array(const char* key) const;

 private:
  const JsonValue* value_;
  std::string path_;
};

Result<JsonObject> as_object(const JsonValue& value, std::string path);
/// "string", "number", ...
std::string kind_of(const JsonValue& value);
Error unsupported_component(const std::string& path, std::string_view component);

/// The templates that a tokenizer without post-processor has.
PostProcessorDef default_post_processor();
/// An added token that has no rule but that it is special.
AddedTokenDef special_token(TokenId id, std::string text);
void sort_by_id(std::vector<TokenEntry>& tokens);

/// Standard alphabet with padding. Null: not base64.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace onpath::text
