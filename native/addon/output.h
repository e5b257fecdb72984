// Writes plain objects and arrays for JavaScript. While the environment is being torn down, or an exception
// is pending, every step fails quietly and value() is what had been made. Must not know what the values are
// for.
#pragma once

#include <napi.h>

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace onpath::addon {

inline napi_value js_number(napi_env env, double number) {
  napi_value value = nullptr;
  napi_create_double(env, number, &value);
  return value;
}

inline napi_value js_count(napi_env env, uint64_t count) {
  return js_number(env, static_cast<double>(count));
}

inline napi_value js_word(napi_env env, uint32_t word) {
  napi_value value = nullptr;
  napi_create_uint32(env, word, &value);
  return value;
}

inline napi_value js_text(napi_env env, std::string_view text) {
  napi_value value = nullptr;
  napi_create_string_utf8(env, text.data(), text.size(), &value);
  return value;
}

inline napi_value js_undefined(napi_env env) {
  napi_value value = nullptr;
  napi_get_undefined(env, &value);
  return value;
}

/// A new typed array of `count` elements; `data` is its memory. Null, with an exception pending, if it could
/// not be made.
template <class Element>
napi_value new_typed_array(napi_env env, size_t count, Element*& data) {
  static_assert(std::is_same_v<Element, uint8_t> || std::is_same_v<Element, uint32_t>);
  constexpr bool kBytes = std::is_same_v<Element, uint8_t>;
  void* memory = nullptr;
  napi_value buffer = nullptr, view = nullptr;
  if (napi_create_arraybuffer(env, count * sizeof(Element), &memory, &buffer) != napi_ok ||
      napi_create_typedarray(env, kBytes ? napi_uint8_array : napi_uint32_array, count, buffer, 0, &view) !=
          napi_ok) {
    return nullptr;
  }
  data = static_cast<Element*>(memory);
  return view;
}

/// A copy of numbers as a typed array.
template <class Element>
napi_value js_typed_array(napi_env env, std::span<const Element> elements) {
  Element* data = nullptr;
  napi_value view = new_typed_array(env, elements.size(), data);
  if (view != nullptr && !elements.empty()) std::memcpy(data, elements.data(), elements.size_bytes());
  return view;
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
