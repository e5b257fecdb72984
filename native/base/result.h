// Errors as values. Native code returns Result<T>; only the addon turns an Error into a JavaScript exception.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>

namespace onpath {

enum class ErrorCode : uint16_t {
#define ONPATH_ERROR_CODE(name, meaning) name,
#include "base/error_codes.def"
#undef ONPATH_ERROR_CODE
};

/// The stable name of a code, as JavaScript sees it in `OnpathError.code`.
const char* error_code_name(ErrorCode code);

/// A failure: a stable code and one sentence that names the offending value, what was expected and what to
/// do.
struct Error {
  ErrorCode code;
  std::string message;
};

inline Error invalid_spec(std::string message) { return {ErrorCode::INVALID_SPEC, std::move(message)}; }
inline Error invalid_vocabulary(std::string message) {
  return {ErrorCode::INVALID_VOCABULARY, std::move(message)};
}
inline Error unsupported(std::string message) { return {ErrorCode::UNSUPPORTED, std::move(message)}; }

/// Either a value or an Error. `Result<void>` carries only success or the Error.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Result(Error error)
      : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() : error_{ErrorCode::INVALID_ARGUMENT, {}}, ok_(true) {}
  Result(Error error) : error_(std::move(error)), ok_(false) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return ok_; }
  explicit operator bool() const { return ok_; }
  const Error& error() const { return error_; }

 private:
  Error error_;
  bool ok_;
};

}  // namespace onpath

/// Declares `name` with the value of a Result, or returns its error.
#define ONPATH_TAKE(name, expression)                    \
  auto name##_result = (expression);                     \
  if (!name##_result.ok()) return name##_result.error(); \
  auto name = std::move(name##_result).value()
