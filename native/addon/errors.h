// How a failure reaches JavaScript: an Error becomes an instance of the class given through setErrorClass,
// thrown or as the reason of a rejected promise. Must not know what failed. Every function may be called
// while an exception is pending, or while the environment can no longer run JavaScript: then it does nothing
// and the first exception stays.
#pragma once

#include <napi.h>

#include <exception>
#include <new>
#include <string>

#include "base/result.h"

namespace onpath::addon {

/// Makes `error` the pending exception.
void throw_error(napi_env env, const Error& error);
void throw_error(napi_env env, ErrorCode code, std::string message);

/// The error object itself. Null if the environment can no longer make one.
napi_value error_value(napi_env env, const Error& error);

bool exception_pending(napi_env env);

/// A promise rejected with the pending exception, which is cleared. Null if there is none or the environment
/// is being torn down.
napi_value rejected_with_pending(napi_env env);

/// Runs the body of a function that JavaScript called. A C++ exception must not cross the C frames below it:
/// lack of memory, the one that can come out of the standard library here, becomes OUT_OF_MEMORY.
template <class Body>
Napi::Value guarded(Napi::Env env, Body&& body) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    throw_error(env, ErrorCode::OUT_OF_MEMORY,
                "Not enough memory to carry out the call. Ask for less, or free some first.");
  } catch (const std::exception& error) {
    throw_error(env, ErrorCode::LIMIT_EXCEEDED,
                std::string("The call asks for more than can be held: ") + error.what() + ".");
  }
  return {};
}

}  // namespace onpath::addon
