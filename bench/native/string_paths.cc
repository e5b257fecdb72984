// Ways of a JavaScript string into native memory, and of ids back: what the suite `strings` measures. A plain
// Node-API addon of its own; nothing of onpath is in it.
#include <node_api.h>

#include <cstdint>
#include <cstring>
#include <vector>

namespace {

std::vector<char> room(size_t{4} << 20);
std::vector<char16_t> room16(size_t{2} << 20);
uint8_t* shared = nullptr;
std::vector<uint32_t> ids(size_t{1} << 20);

napi_value argument(napi_env env, napi_callback_info info) {
  napi_value value = nullptr;
  size_t count = 1;
  napi_get_cb_info(env, info, &count, &value, nullptr, nullptr);
  return value;
}

napi_value number(napi_env env, size_t value) {
  napi_value result = nullptr;
  napi_create_uint32(env, static_cast<uint32_t>(value), &result);
  return result;
}

uint32_t count_of(napi_env env, napi_callback_info info) {
  uint32_t count = 0;
  napi_get_value_uint32(env, argument(env, info), &count);
  return count;
}

napi_value utf8(napi_env env, napi_callback_info info) {
  size_t length = 0;
  napi_get_value_string_utf8(env, argument(env, info), room.data(), room.size(), &length);
  return number(env, length);
}

napi_value latin1(napi_env env, napi_callback_info info) {
  size_t length = 0;
  napi_get_value_string_latin1(env, argument(env, info), room.data(), room.size(), &length);
  return number(env, length);
}

napi_value utf16(napi_env env, napi_callback_info info) {
  size_t length = 0;
  napi_get_value_string_utf16(env, argument(env, info), room16.data(), room16.size(), &length);
  return number(env, length);
}

napi_value bytes(napi_env env, napi_callback_info info) {
  size_t length = 0;
  void* data = nullptr;
  napi_get_typedarray_info(env, argument(env, info), nullptr, &length, &data, nullptr, nullptr);
  return number(env, length);
}

napi_value share(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  napi_get_typedarray_info(env, argument(env, info), nullptr, nullptr, &data, nullptr, nullptr);
  shared = static_cast<uint8_t*>(data);
  return nullptr;
}

/// The bytes are in shared memory already: only their count comes.
napi_value length_only(napi_env env, napi_callback_info info) { return number(env, count_of(env, info)); }

/// Writes ids where JavaScript sees them, and says how many.
napi_value ids_shared(napi_env env, napi_callback_info info) {
  const uint32_t count = count_of(env, info);
  std::memcpy(shared, ids.data(), size_t{count} * 4);
  return number(env, count);
}

napi_value ids_made(napi_env env, napi_callback_info info) {
  const uint32_t count = count_of(env, info);
  void* data = nullptr;
  napi_value buffer = nullptr, view = nullptr;
  napi_create_arraybuffer(env, size_t{count} * 4, &data, &buffer);
  if (count > 0) std::memcpy(data, ids.data(), size_t{count} * 4);
  napi_create_typedarray(env, napi_uint32_array, count, buffer, 0, &view);
  return view;
}

napi_value ids_external(napi_env env, napi_callback_info info) {
  const uint32_t count = count_of(env, info);
  auto* copy = new std::vector<uint32_t>(ids.begin(), ids.begin() + count);
  napi_value buffer = nullptr, view = nullptr;
  const auto drop = [](napi_env, void*, void* hint) { delete static_cast<std::vector<uint32_t>*>(hint); };
  napi_create_external_arraybuffer(env, copy->data(), size_t{count} * 4, drop, copy, &buffer);
  napi_create_typedarray(env, napi_uint32_array, count, buffer, 0, &view);
  return view;
}

void add(napi_env env, napi_value exports, const char* name, napi_callback function) {
  napi_value value = nullptr;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, function, nullptr, &value);
  napi_set_named_property(env, exports, name, value);
}

}  // namespace

NAPI_MODULE_INIT() {
  add(env, exports, "utf8", utf8);
  add(env, exports, "latin1", latin1);
  add(env, exports, "utf16", utf16);
  add(env, exports, "bytes", bytes);
  add(env, exports, "share", share);
  add(env, exports, "lengthOnly", length_only);
  add(env, exports, "idsShared", ids_shared);
  add(env, exports, "idsMade", ids_made);
  add(env, exports, "idsExternal", ids_external);
  return exports;
}
