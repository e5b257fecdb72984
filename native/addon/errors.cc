#include "addon/errors.h"

#include "addon/environment.h"

namespace onpath::addon {

namespace {

napi_value string_value(napi_env env, const std::string& text) {
  napi_value value = nullptr;
  napi_create_string_utf8(env, text.data(), text.size(), &value);
  return value;
}

}  // namespace

bool exception_pending(napi_env env) {
  bool pending = false;
  return napi_is_exception_pending(env, &pending) == napi_ok && pending;
}

napi_value error_value(napi_env env, const Error& error) {
  napi_value code = string_value(env, error_code_name(error.code));
  napi_value message = string_value(env, error.message);
  if (code == nullptr || message == nullptr) return nullptr;
  napi_value made = nullptr;
  if (Environment* environment = Environment::of(env); environment != nullptr) {
    if (napi_value error_class = environment->error_class(); error_class != nullptr) {
      napi_value arguments[] = {code, message};
      if (napi_new_instance(env, error_class, 2, arguments, &made) == napi_ok) return made;
      // The class itself threw: what it threw says more than an error that hides it.
      napi_value thrown = nullptr;
      if (exception_pending(env) && napi_get_and_clear_last_exception(env, &thrown) == napi_ok) return thrown;
    }
  }
  return napi_create_error(env, code, message, &made) == napi_ok ? made : nullptr;
}

void throw_error(napi_env env, const Error& error) {
  if (exception_pending(env)) return;
  if (napi_value value = error_value(env, error); value != nullptr) napi_throw(env, value);
}

void throw_error(napi_env env, ErrorCode code, std::string message) {
  throw_error(env, Error{code, std::move(message)});
}

napi_value rejected_with_pending(napi_env env) {
  napi_value reason = nullptr;
  if (!exception_pending(env) || napi_get_and_clear_last_exception(env, &reason) != napi_ok) return nullptr;
  napi_deferred deferred = nullptr;
  napi_value promise = nullptr;
  if (napi_create_promise(env, &deferred, &promise) != napi_ok) return nullptr;
  napi_reject_deferred(env, deferred, reason);
  return promise;
}

}  // namespace onpath::addon
