// Writes plain objects and arrays for JavaScript. While the environment is being torn down, or an exception
// is pending, every step fails quietly and value() is what had been made. Must not know what the values are
// for.
#pragma once

#include <napi.h>

#include <string>
#include <string_view>

namespace onpath::addon {

inline napi_value js_number(napi_env env, double number) {
  napi_value value = nullptr;
  napi_create_double(env, number, &value);
  return value;
}

inline napi_value js_count(napi_env env, uint64_t count) {
  return js_number(env, static_cast<double>(count));
}

inline napi_value js_text(napi_env env, std::string_view text) {
  napi_value value = nullptr;
  napi_create_string_utf8(env, text.data(), text.size(), &value);
  return value;
}

class ObjectWriter {
 public:
  explicit ObjectWriter(napi_env env) : env_(env) { napi_create_object(env, &value_); }

  ObjectWriter& set(const char* key, napi_value value) {
    if (value_ != nullptr && value != nullptr) napi_set_named_property(env_, value_, key, value);
    return *this;
  }
  ObjectWriter& number(const char* key, double number) { return set(key, js_number(env_, number)); }
  ObjectWriter& count(const char* key, uint64_t count) { return set(key, js_count(env_, count)); }
  ObjectWriter& boolean(const char* key, bool truth) {
    napi_value value = nullptr;
    napi_get_boolean(env_, truth, &value);
    return set(key, value);
  }
  ObjectWriter& text(const char* key, std::string_view text) { return set(key, js_text(env_, text)); }
  napi_value value() const { return value_; }

 private:
  napi_env env_;
  napi_value value_ = nullptr;
};

/// An array of `make(element)` for each element.
template <class Elements, class Make>
napi_value js_array(napi_env env, const Elements& elements, Make&& make) {
  napi_value array = nullptr;
  if (napi_create_array_with_length(env, std::size(elements), &array) != napi_ok) return nullptr;
  uint32_t index = 0;
  for (const auto& element : elements) {
    napi_value value = make(element);
    if (value != nullptr) napi_set_element(env, array, index, value);
    ++index;
  }
  return array;
}

}  // namespace onpath::addon
