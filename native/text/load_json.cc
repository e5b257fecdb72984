#include "text/load_json.h"

#include <rapidjson/error/en.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <utility>

#include "text/utf8.h"

namespace onpath::text {
namespace {

constexpr size_t kMaxJsonBytes = size_t{1} << 28;
// RapidJSON takes all bytes of a UTF-8 character before it looks whether they are its bytes: of one that the end of the file cuts,
// up to three behind it.
constexpr size_t kZeroBytesBehind = 4;

// Builds the document, but reads numbers itself.
class Numbers {
 public:
  explicit Numbers(rapidjson::Document& to) : to_(to) {}
  using Size = rapidjson::SizeType;

  bool Null() { return to_.Null(); }
  bool Bool(bool value) { return to_.Bool(value); }
  bool Int(int value) { return to_.Int(value); }
  bool Uint(unsigned value) { return to_.Uint(value); }
  bool Int64(int64_t value) { return to_.Int64(value); }
  bool Uint64(uint64_t value) { return to_.Uint64(value); }
  bool Double(double value) { return to_.Double(value); }
  bool RawNumber(const char* text, Size size, bool) {
    const std::string_view number(text, size);
    if (size <= 19 && number.find_first_not_of("0123456789") == std::string_view::npos) {
      uint64_t value = 0;
      for (const char digit : number) value = value * 10 + static_cast<uint64_t>(digit - '0');
      return to_.Uint64(value);
    }
    const std::optional<double> value = serde_double(number);
    return value && to_.Double(*value);
  }
  bool String(const char* text, Size size, bool copy) { return to_.String(text, size, copy); }
  bool StartObject() { return to_.StartObject(); }
  bool Key(const char* text, Size size, bool copy) { return to_.Key(text, size, copy); }
  bool EndObject(Size count) { return to_.EndObject(count); }
  bool StartArray() { return to_.StartArray(); }
  bool EndArray(Size count) { return to_.EndArray(count); }

 private:
  rapidjson::Document& to_;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

Error unsupported_component(const std::string& path, std::string_view component) {
  return {ErrorCode::UNSUPPORTED, "`" + path + "` asks for " + std::string(component) +
                                      ", which onpath does not have; use a vocabulary without it."};
}

std::optional<double> serde_double(std::string_view number) {
  size_t at = 0;
  const bool negative = at < number.size() && number[at] == '-';
  if (negative) ++at;
  uint64_t digits = 0;
  int64_t exponent = 0;
  bool full = false;  // further digits are dropped
  const auto take = [&](bool fraction) {
    for (; at < number.size() && is_digit(number[at]); ++at) {
      const auto digit = static_cast<uint64_t>(number[at] - '0');
      if (!full && (digits > UINT64_MAX / 10 || (digits == UINT64_MAX / 10 && digit > UINT64_MAX % 10))) {
        full = true;
      }
      if (!full) digits = digits * 10 + digit;
      if (full != fraction) exponent += full ? 1 : -1;
    }
  };
  take(false);
  if (at < number.size() && number[at] == '.') {
    ++at;
    take(true);
  }
  if (at < number.size() && (number[at] == 'e' || number[at] == 'E')) {
    ++at;
    const bool down = at < number.size() && number[at] == '-';
    if (at < number.size() && (number[at] == '-' || number[at] == '+')) ++at;
    int64_t power = 0;
    for (; at < number.size() && is_digit(number[at]); ++at) {
      if (power < INT32_MAX) power = power * 10 + (number[at] - '0');
    }
    if (power > INT32_MAX) {
      if (digits != 0 && !down) return std::nullopt;
      return negative ? -0.0 : 0.0;
    }
    exponent += down ? -power : power;
  }
  // One division or multiplication by a power of ten, as there: not always the nearest double.
  static const std::array<double, 309> kPowers = [] {
    std::array<double, 309> powers{};
    for (size_t i = 0; i < powers.size(); ++i)
      powers[i] = std::strtod(("1e" + std::to_string(i)).c_str(), nullptr);
    return powers;
  }();
  auto value = static_cast<double>(digits);
  for (;;) {
    const int64_t size = exponent < 0 ? -exponent : exponent;
    if (size < static_cast<int64_t>(kPowers.size())) {
      const double power = kPowers[static_cast<size_t>(size)];
      value = exponent >= 0 ? value * power : value / power;
      if (std::isinf(value)) return std::nullopt;
      break;
    }
    if (value == 0) break;
    if (exponent >= 0) return std::nullopt;
    value /= 1e308;
    exponent += 308;
  }
  return negative ? -value : value;
}

Result<JsonFile> JsonFile::parse(std::span<const uint8_t> file, std::string_view what) {
  const std::string name(what);
  if (file.size() > kMaxJsonBytes) {
    return Error{ErrorCode::LIMIT_EXCEEDED, name + " has " + std::to_string(file.size()) +
                                                " bytes; at most " + std::to_string(kMaxJsonBytes) +
                                                " are read."};
  }
  if (file.empty()) return invalid_vocabulary(name + " is empty; expected a JSON object.");
  if (const void* zero = std::memchr(file.data(), 0, file.size())) {
    return invalid_vocabulary(name + " has a zero byte at " +
                              std::to_string(static_cast<const uint8_t*>(zero) - file.data()) +
                              "; expected JSON.");
  }
  JsonFile result;
  result.text_ = std::make_unique<std::vector<char>>(file.size() + kZeroBytesBehind);
  std::memcpy(result.text_->data(), file.data(), file.size());
  result.document_ = std::make_unique<rapidjson::Document>();

  rapidjson::ParseResult parsed;
  char* text = result.text_->data();
  auto generate = [&parsed, text](rapidjson::Document& document) {
    Numbers handler(document);
    rapidjson::InsituStringStream stream(text);
    rapidjson::Reader reader;
    constexpr unsigned kFlags = rapidjson::kParseInsituFlag | rapidjson::kParseIterativeFlag |
                                rapidjson::kParseNumbersAsStringsFlag | rapidjson::kParseValidateEncodingFlag;
    parsed = reader.Parse<kFlags>(stream, handler);
    return !parsed.IsError();
  };
  result.document_->Populate(generate);
  if (parsed.IsError()) {
    return invalid_vocabulary(name + " is no JSON at byte " + std::to_string(parsed.Offset()) + ": " +
                              rapidjson::GetParseError_En(parsed.Code()));
  }
  if (!result.document_->IsObject()) {
    return invalid_vocabulary(name + " is a JSON " + kind_of(*result.document_) + "; expected an object.");
  }
  return result;
}

std::string kind_of(const JsonValue& value) {
  switch (value.GetType()) {
    case rapidjson::kNullType:
      return "null";
    case rapidjson::kFalseType:
    case rapidjson::kTrueType:
      return "boolean";
    case rapidjson::kObjectType:
      return "object";
    case rapidjson::kArrayType:
      return "array";
    case rapidjson::kStringType:
      return "string";
    case rapidjson::kNumberType:
      return "number";
  }
  return "value";
}

const JsonValue* JsonObject::find(const char* key) const {
  const std::string_view wanted(key);
  const JsonValue* found = nullptr;
  for (const auto& member : value_->GetObject()) {
    if (view(member.name) == wanted) found = &member.value;
  }
  return found != nullptr && !found->IsNull() ? found : nullptr;
}

Error JsonObject::wrong(const char* key, const std::string& expected) const {
  const JsonValue* value = find(key);
  std::string found = "is missing";
  if (value != nullptr) {
    found = "is a " + kind_of(*value);
    if (value->IsString()) {
      std::string text(view(*value).substr(0, 40));
      found = "is '" + text + "'";
    }
  }
  return invalid_vocabulary("`" + path_ + "." + key + "` " + found + "; expected " + expected + ".");
}

Result<std::string> JsonObject::text(const char* key) const {
  const JsonValue* value = find(key);
  if (value == nullptr || !value->IsString()) return wrong(key, "a string");
  return std::string(view(*value));
}
Result<bool> JsonObject::boolean(const char* key) const {
  const JsonValue* value = find(key);
  if (value == nullptr || !value->IsBool()) return wrong(key, "true or false");
  return value->GetBool();
}
Result<uint32_t> JsonObject::number(const char* key) const {
  const JsonValue* value = find(key);
  if (value == nullptr || !value->IsUint()) return wrong(key, "an integer that is not negative");
  return value->GetUint();
}
Result<uint32_t> JsonObject::code_point(const char* key) const {
  const JsonValue* value = find(key);
  if (value == nullptr || !value->IsString()) return wrong(key, "one character");
  // Valid UTF-8: the parser has checked it.
  const std::string_view text = view(*value);
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  if (text.empty() || text.size() != utf8_size(bytes[0])) return wrong(key, "one character");
  return decode_utf8(bytes).code;
}
Result<JsonObject> JsonObject::object(const char* key) const {
  const JsonValue* value = find(key);
  if (value == nullptr || !value->IsObject()) return wrong(key, "an object");
  return JsonObject(*value, path_ + "." + key);
}
Result<const JsonValue*> JsonObject::array(const char* key) const {
  const JsonValue* value = find(key);
  if (value == nullptr || !value->IsArray()) return wrong(key, "an array");
  return value;
}
Result<std::string> JsonObject::text_or(const char* key, std::string otherwise) const {
  return has(key) ? text(key) : Result<std::string>(std::move(otherwise));
}
Result<bool> JsonObject::boolean_or(const char* key, bool otherwise) const {
  return has(key) ? boolean(key) : Result<bool>(otherwise);
}
Result<uint32_t> JsonObject::number_or(const char* key, uint32_t otherwise) const {
  return has(key) ? number(key) : Result<uint32_t>(otherwise);
}

Result<JsonObject> as_object(const JsonValue& value, std::string path) {
  if (!value.IsObject()) {
    return invalid_vocabulary("`" + path + "` is a " + kind_of(value) + "; expected an object.");
  }
  return JsonObject(value, std::move(path));
}

AddedTokenDef special_token(TokenId id, std::string text) {
  AddedTokenDef token;
  token.id = id;
  token.text = std::move(text);
  token.special = true;
  return token;
}

void sort_by_id(std::vector<TokenEntry>& tokens) {
  const auto before = [](const TokenEntry& a, const TokenEntry& b) { return a.id < b.id; };
  // Most files have them in order, and sorting would go through all of them again.
  if (!std::is_sorted(tokens.begin(), tokens.end(), before)) std::sort(tokens.begin(), tokens.end(), before);
}

std::optional<std::string> decode_base64(std::string_view text) {
  static const std::array<uint8_t, 256> kValues = [] {
    std::array<uint8_t, 256> values;
    values.fill(0xFF);
    const char* alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (uint8_t i = 0; i < 64; ++i) values[static_cast<uint8_t>(alphabet[i])] = i;
    return values;
  }();
  if (text.size() % 4 != 0) return std::nullopt;
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  for (size_t i = 0; i < text.size(); i += 4) {
    const bool last = i + 4 == text.size();
    const int padding = last ? (text[i + 3] == '=') + (text[i + 3] == '=' && text[i + 2] == '=') : 0;
    uint32_t bits = 0;
    for (size_t k = 0; k < 4; ++k) {
      const uint8_t value =
          k + static_cast<size_t>(padding) >= 4 ? 0 : kValues[static_cast<uint8_t>(text[i + k])];
      if (value == 0xFF) return std::nullopt;
      bits = bits << 6 | value;
    }
    bytes.push_back(static_cast<char>(bits >> 16));
    if (padding < 2) bytes.push_back(static_cast<char>(bits >> 8 & 0xFF));
    if (padding < 1) bytes.push_back(static_cast<char>(bits & 0xFF));
    if ((padding == 2 && (bits & 0xFFFF) != 0) || (padding == 1 && (bits & 0xFF) != 0)) return std::nullopt;
  }
  return bytes;
}

}  // namespace onpath::text
