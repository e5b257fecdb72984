#include "addon/input.h"

#include <array>
#include <cmath>
#include <cstdio>

#include "addon/bytes.h"
#include "addon/errors.h"

namespace onpath::addon {

namespace {

constexpr size_t kMostStringBytes = 65535;

napi_valuetype type_of(napi_env env, napi_value value) {
  napi_valuetype type = napi_undefined;
  if (value != nullptr) napi_typeof(env, value, &type);
  return type;
}

std::string number_text(double number) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.17g", number);
  return text.data();
}

/// A value as a message shows it; runs no code of the user's.
std::string describe(napi_env env, napi_value value) {
  switch (type_of(env, value)) {
    case napi_undefined:
      return "undefined";
    case napi_null:
      return "null";
    case napi_boolean: {
      bool boolean = false;
      napi_get_value_bool(env, value, &boolean);
      return boolean ? "true" : "false";
    }
    case napi_number: {
      double number = 0;
      napi_get_value_double(env, value, &number);
      return number_text(number);
    }
    case napi_string: {
      std::array<char, 48> text{};
      size_t length = 0;
      napi_get_value_string_utf8(env, value, text.data(), text.size(), &length);
      return "\"" + std::string(text.data(), length) + (length + 4 >= text.size() ? "...\"" : "\"");
    }
    case napi_symbol:
      return "a symbol";
    case napi_function:
      return "a function";
    case napi_bigint:
      return "a bigint";
    default: {
      bool is_array = false;
      napi_is_array(env, value, &is_array);
      return is_array ? "an array" : "an object";
    }
  }
}

}  // namespace

void Input::fail(const std::string& expected) const {
  if (reading_->failed) return;
  fail_because("expected " + expected + ", received " + describe(reading_->env, value_) + ".");
}

void Input::fail_because(const std::string& message) const {
  if (reading_->failed) return;
  reading_->failed = true;
  throw_error(reading_->env, ErrorCode::INVALID_ARGUMENT, path_ + ": " + message);
}

Input Input::operator[](const char* key) const {
  napi_value property = nullptr;
  if (!reading_->failed) {
    const napi_valuetype type = type_of(reading_->env, value_);
    if (type != napi_object && type != napi_function) {
      fail("an object");
    } else if (napi_get_named_property(reading_->env, value_, key, &property) != napi_ok) {
      reading_->failed = true;  // a getter threw: its exception is pending
      property = nullptr;
    }
  }
  return Input(*reading_, property, path_ + "." + key);
}

uint32_t Input::array_length(size_t most) const {
  if (reading_->failed) return 0;
  bool is_array = false;
  uint32_t length = 0;
  if (value_ == nullptr || napi_is_array(reading_->env, value_, &is_array) != napi_ok || !is_array ||
      napi_get_array_length(reading_->env, value_, &length) != napi_ok) {
    fail("an array");
    return 0;
  }
  if (length > most) {
    fail_because("expected at most " + std::to_string(most) + " elements, received " +
                 std::to_string(length) + ".");
    return 0;
  }
  return length;
}

Input Input::element(uint32_t index) const {
  napi_value value = nullptr;
  if (napi_get_element(reading_->env, value_, index, &value) != napi_ok) {
    reading_->failed = true;
    value = nullptr;
  }
  return Input(*reading_, value, path_ + "[" + std::to_string(index) + "]");
}

bool Input::is_undefined() const { return type_of(reading_->env, value_) == napi_undefined; }

bool Input::boolean() const {
  if (reading_->failed) return false;
  bool result = false;
  if (value_ == nullptr || napi_get_value_bool(reading_->env, value_, &result) != napi_ok) fail("a boolean");
  return result;
}

double Input::number(double least, double most) const {
  if (reading_->failed) return 0;
  double result = 0;
  if (value_ == nullptr || napi_get_value_double(reading_->env, value_, &result) != napi_ok ||
      !(result >= least) || !(result <= most)) {
    fail(least == -std::numeric_limits<double>::max() && most == std::numeric_limits<double>::max()
             ? "a finite number"
             : "a number from " + number_text(least) + " to " + number_text(most));
    return 0;
  }
  return result;
}

double Input::whole(double least, double most) const {
  if (reading_->failed) return 0;
  double result = 0;
  if (value_ == nullptr || napi_get_value_double(reading_->env, value_, &result) != napi_ok ||
      !(result >= least) || !(result <= most) || result != std::floor(result)) {
    fail("a whole number from " + number_text(least) + " to " + number_text(most));
    return 0;
  }
  return result;
}

uint64_t Input::big_unsigned() const {
  if (reading_->failed) return 0;
  uint64_t result = 0;
  bool lossless = false;
  if (value_ == nullptr ||
      napi_get_value_bigint_uint64(reading_->env, value_, &result, &lossless) != napi_ok || !lossless) {
    fail("a bigint from 0 to 2^64 - 1");
    return 0;
  }
  return result;
}

std::string Input::text() const {
  if (reading_->failed) return {};
  size_t length = 0;
  if (value_ == nullptr ||
      napi_get_value_string_utf8(reading_->env, value_, nullptr, 0, &length) != napi_ok) {
    fail("a string");
    return {};
  }
  if (length > kMostStringBytes) {
    fail("a string of at most " + std::to_string(kMostStringBytes) + " bytes");
    return {};
  }
  std::string result(length, '\0');
  napi_get_value_string_utf8(reading_->env, value_, result.data(), length + 1, &length);
  return result;
}

std::vector<uint8_t> Input::bytes(size_t most) const {
  if (reading_->failed) return {};
  const std::optional<Bytes> bytes = bytes_of(reading_->env, value_);
  if (!bytes) {
    fail("a Uint8Array");
    return {};
  }
  if (bytes->size > most) {
    fail_because("expected at most " + std::to_string(most) + " bytes, received " +
                 std::to_string(bytes->size) + ".");
    return {};
  }
  return {bytes->data, bytes->data + bytes->size};
}

}  // namespace onpath::addon
