// Reads values that came from JavaScript, with their place in the argument for messages
// ("config.routes[0].sink.batch"). Must not know what the values are for. The first thing wrong throws
// INVALID_ARGUMENT; from then on every read gives a zero value at once, so that a caller reads a whole object
// and asks once, at the end, whether all of it was right.
#pragma once

#include <napi.h>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace onpath::addon {

/// Shared by all inputs of one call.
struct Reading {
  napi_env env = nullptr;
  bool failed = false;
};

template <class Value>
struct Choice {
  std::string_view name;
  Value value;
};

class Input {
 public:
  Input(Reading& reading, napi_value value, std::string path)
      : reading_(&reading), value_(value), path_(std::move(path)) {}

  /// A property. Fails if this is no object.
  Input operator[](const char* key) const;
  /// Calls `take(Input)` for each element of an array of at most `most`.
  template <class Take>
  void each(size_t most, Take&& take) const {
    const uint32_t length = array_length(most);
    for (uint32_t i = 0; i < length && !reading_->failed; ++i) take(element(i));
  }

  bool is_undefined() const;
  bool boolean() const;
  /// Any number within the bounds; NaN is in none.
  double number(double least = -std::numeric_limits<double>::max(),
                double most = std::numeric_limits<double>::max()) const;
  /// A whole number within the bounds of the type and those of a double's exact integers.
  template <class Integer>
  Integer integer() const {
    constexpr double exact = 9007199254740991.0;
    constexpr double least =
        std::is_signed_v<Integer> ? static_cast<double>(std::numeric_limits<Integer>::min()) : 0.0;
    constexpr double most = static_cast<double>(std::numeric_limits<Integer>::max());
    return static_cast<Integer>(whole(least < -exact ? -exact : least, most > exact ? exact : most));
  }
  uint64_t big_unsigned() const;
  /// At most 65,535 bytes of UTF-8.
  std::string text() const;
  /// A copy of a Uint8Array of at most `most` bytes.
  std::vector<uint8_t> bytes(size_t most) const;
  /// One of the names given.
  template <class Value, size_t n>
  Value choice(const Choice<Value> (&choices)[n]) const {
    const std::string name = text();
    std::string names;
    for (const Choice<Value>& candidate : choices) {
      if (candidate.name == name) return candidate.value;
      names += (names.empty() ? "" : ", ") + std::string(candidate.name);
    }
    fail("one of: " + names);
    return choices[0].value;
  }

  /// Throws "<path>: expected <what>, received <this>.", unless something failed before.
  void fail(const std::string& expected) const;
  /// The same with a sentence of the caller's after the path.
  void fail_because(const std::string& message) const;
  bool failed() const { return reading_->failed; }
  napi_env env() const { return reading_->env; }
  napi_value value() const { return value_; }
  const std::string& path() const { return path_; }

 private:
  uint32_t array_length(size_t most) const;
  Input element(uint32_t index) const;
  double whole(double least, double most) const;

  Reading* reading_;
  napi_value value_;
  std::string path_;
};

}  // namespace onpath::addon
