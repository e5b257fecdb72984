#include "addon/bytes.h"

#include <functional>

#include "addon/errors.h"

namespace onpath::addon {

namespace {

/// `size` counts elements. The array buffer is left out if it is not asked for: a handle costs a little.
std::optional<Bytes> typed_array(napi_env env, napi_value value, napi_typedarray_type wanted,
                                 bool with_buffer = true) {
  napi_typedarray_type type = napi_int8_array;
  void* data = nullptr;
  Bytes found;
  // Says itself whether it is one.
  if (value == nullptr ||
      napi_get_typedarray_info(env, value, &type, &found.size, &data,
                               with_buffer ? &found.array_buffer : nullptr, nullptr) != napi_ok ||
      type != wanted) {
    return std::nullopt;
  }
  found.data = static_cast<uint8_t*>(data);
  if (found.data == nullptr) found.size = 0;
  return found;
}

}  // namespace

std::optional<Bytes> bytes_of(napi_env env, napi_value value) {
  return typed_array(env, value, napi_uint8_array);
}

std::optional<std::span<const uint8_t>> span_of(napi_env env, napi_value value) {
  const std::optional<Bytes> found = typed_array(env, value, napi_uint8_array, false);
  if (!found) return std::nullopt;
  return found->span();
}

std::optional<std::span<uint32_t>> ids_of(napi_env env, napi_value value) {
  const std::optional<Bytes> found = typed_array(env, value, napi_uint32_array, false);
  if (!found) return std::nullopt;
  return std::span(reinterpret_cast<uint32_t*>(found->data), found->size);
}

std::optional<std::span<uint32_t>> words_of(napi_env env, napi_value array_buffer) {
  void* data = nullptr;
  size_t bytes = 0;
  if (array_buffer == nullptr || napi_get_arraybuffer_info(env, array_buffer, &data, &bytes) != napi_ok)
    return std::nullopt;
  return std::span(static_cast<uint32_t*>(data), data == nullptr ? 0 : bytes / sizeof(uint32_t));
}

bool overlap(const Bytes& a, const Bytes& b) {
  if (a.size == 0 || b.size == 0) return false;
  const std::less<const uint8_t*> before;
  return before(a.data, b.data + b.size) && before(b.data, a.data + a.size);
}

std::shared_ptr<std::vector<uint8_t>> copy_if_resizable(const Environment& environment, const Bytes& bytes) {
  if (!environment.is_resizable(bytes.array_buffer)) return nullptr;
  return std::make_shared<std::vector<uint8_t>>(bytes.data, bytes.data + bytes.size);
}

std::optional<std::vector<napi_value>> array_values(napi_env env, napi_value array, const std::string& path,
                                                    size_t most) {
  bool is_array = false;
  uint32_t length = 0;
  if (napi_is_array(env, array, &is_array) != napi_ok || !is_array ||
      napi_get_array_length(env, array, &length) != napi_ok) {
    throw_error(env, ErrorCode::INVALID_ARGUMENT, path + ": expected an array.");
    return std::nullopt;
  }
  if (length > most) {
    throw_error(env, ErrorCode::INVALID_ARGUMENT,
                path + ": expected at most " + std::to_string(most) + " elements, received " +
                    std::to_string(length) + ".");
    return std::nullopt;
  }
  std::vector<napi_value> values(length, nullptr);
  for (uint32_t i = 0; i < length; ++i) {
    if (napi_get_element(env, array, i, &values[i]) != napi_ok) return std::nullopt;  // a getter threw
  }
  return values;
}

bool Kept::keep(napi_value value) {
  napi_ref reference = nullptr;
  if (napi_create_reference(env_, value, 1, &reference) != napi_ok) return false;
  references_.push_back(reference);
  return true;
}

void Kept::drop() {
  for (napi_ref reference : references_) napi_delete_reference(env_, reference);
  references_.clear();
}

napi_value Kept::value(size_t index) const {
  napi_value value = nullptr;
  if (index < references_.size()) napi_get_reference_value(env_, references_[index], &value);
  return value;
}

}  // namespace onpath::addon
