// Errors as values inside this room. They cross the boundary as onpath_failure.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace onpath::dpdk {

/// `code` is a name of error_codes.def.
struct Failure {
  const char* code;
  std::string message;
};

/// Absent: it worked.
using Outcome = std::optional<Failure>;

/// Either a value or why there is none.
template <class T>
class Expected {
 public:
  Expected(T value) : state_(std::in_place_index<0>, std::move(value)) {}    // NOLINT
  Expected(Failure why) : state_(std::in_place_index<1>, std::move(why)) {}  // NOLINT
  explicit operator bool() const { return state_.index() == 0; }
  T& value() { return std::get<0>(state_); }
  const Failure& failure() const { return std::get<1>(state_); }

 private:
  std::variant<T, Failure> state_;
};

inline Failure invalid(std::string message) { return {"INVALID_ARGUMENT", std::move(message)}; }

inline std::string quoted(const std::string& text) { return '"' + text + '"'; }

}  // namespace onpath::dpdk
