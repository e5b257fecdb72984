#include "addon/notified_sink.h"

#include "addon/input.h"

namespace onpath::addon {

void NotifiedSink::on_loop(napi_env env) {
  napi_value function = nullptr;
  if (notify_ != nullptr && napi_get_reference_value(env, notify_, &function) == napi_ok &&
      function != nullptr) {
    environment_->notify(function);
  }
}

void NotifiedSink::shut_down(napi_env env) { set_notify(env, nullptr); }

void NotifiedSink::finish(napi_env env) {
  on_loop(env);
  set_notify(env, nullptr);
}

void NotifiedSink::set_notify(napi_env env, napi_value function) {
  if (notify_ != nullptr) {
    on_ready(nullptr, nullptr);
    napi_delete_reference(env, notify_);
    notify_ = nullptr;
  }
  if (function == nullptr || napi_create_reference(env, function, 1, &notify_) != napi_ok) return;
  on_ready(
      [](void* self) {
        auto* sink = static_cast<NotifiedSink*>(self);
        sink->environment_->wake(*sink);
      },
      this);
  environment_->wake(*this);  // something may have become ready before
}

void set_notify_from_js(const Napi::CallbackInfo& info, NotifiedSink& sink) {
  const Napi::Value notify = info[0];
  if (notify.IsFunction()) {
    sink.set_notify(info.Env(), notify);
  } else if (notify.IsUndefined()) {
    sink.set_notify(info.Env(), nullptr);
  } else {
    Reading reading{info.Env()};
    Input(reading, notify, "notify").fail("a function or undefined");
  }
}

}  // namespace onpath::addon
