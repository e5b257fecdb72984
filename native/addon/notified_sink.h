// What sinks of every kind have in common: a function of JavaScript that is called when something is ready.
#pragma once

#include <napi.h>

#include <memory>

#include "addon/environment.h"

namespace onpath::addon {

/// Whoever derives from it calls shut_down() when it is destroyed.
class NotifiedSink : public Member {
 public:
  void on_loop(napi_env env) override;
  void shut_down(napi_env env) override;

  /// The plane was closed: tells the consumer a last time, then forgets its function.
  void finish(napi_env env);
  /// Null: no function.
  void set_notify(napi_env env, napi_value function);

 protected:
  explicit NotifiedSink(Environment& environment) : environment_(environment.shared_from_this()) {}
  /// The sink's own on_ready().
  virtual void on_ready(void (*notify)(void*), void* context) = 0;
  napi_env env() const { return environment_->env(); }

 private:
  const std::shared_ptr<Environment> environment_;
  napi_ref notify_ = nullptr;
};

/// The argument of onReady: a function or undefined.
void set_notify_from_js(const Napi::CallbackInfo& info, NotifiedSink& sink);

}  // namespace onpath::addon
