// Bytes that belong to JavaScript: a Uint8Array's memory, looked at and kept alive. Must not know what they
// mean. A pointer read here is good until JavaScript runs again: any code of the user's may detach the
// memory. So arguments are first collected (which may run getters), then looked at.
#pragma once

#include <napi.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "addon/environment.h"

namespace onpath::addon {

struct Bytes {
  uint8_t* data = nullptr;
  size_t size = 0;
  napi_value array_buffer = nullptr;

  std::span<const uint8_t> span() const { return {data, size}; }
};

/// The memory of a Uint8Array (a Buffer is one); nothing for any other value, and an empty one if it was
/// detached. Runs no JavaScript.
std::optional<Bytes> bytes_of(napi_env env, napi_value value);

/// The same without its array buffer, which is quicker.
std::optional<std::span<const uint8_t>> span_of(napi_env env, napi_value value);

/// The same of a Uint32Array.
std::optional<std::span<uint32_t>> ids_of(napi_env env, napi_value value);

/// The whole words of an ArrayBuffer, which tells its memory sooner than an array over it.
std::optional<std::span<uint32_t>> words_of(napi_env env, napi_value array_buffer);

bool overlap(const Bytes& a, const Bytes& b);

/// A copy of memory that could be taken away while native code uses it on another thread: that of a resizable
/// ArrayBuffer, which shrinks in place. Null for any other, which stays while it is kept (and not
/// transferred, which is the caller's promise).
std::shared_ptr<std::vector<uint8_t>> copy_if_resizable(const Environment& environment, const Bytes& bytes);

/// The elements of an array, at most `most`. Throws INVALID_ARGUMENT if it is none or longer. May run
/// JavaScript.
std::optional<std::vector<napi_value>> array_values(napi_env env, napi_value array, const std::string& path,
                                                    size_t most);

/// Keeps JavaScript values from being collected. Event loop's thread only.
class Kept {
 public:
  explicit Kept(napi_env env) : env_(env) {}
  Kept(Kept&& other) noexcept : env_(other.env_), references_(std::move(other.references_)) {
    other.references_.clear();
  }
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;
  ~Kept() { drop(); }

  bool keep(napi_value value);
  void drop();
  size_t size() const { return references_.size(); }
  /// Null if it was not kept.
  napi_value value(size_t index) const;

 private:
  napi_env env_;
  std::vector<napi_ref> references_;
};

}  // namespace onpath::addon
