// What the classes of the addon have in common: an object of JavaScript around a shared core of C++, that can
// be made by the addon only, and whose methods cannot be reached with another kind of object.
#pragma once

#include <napi.h>

#include <memory>
#include <utility>

#include "addon/environment.h"
#include "addon/errors.h"
#include "addon/input.h"
#include "addon/output.h"

namespace onpath::addon {

/// `Self` states `static constexpr ClassId kId`, `static constexpr napi_type_tag kTag` and the static
/// `methods()`.
template <class Self, class Core>
class Wrapped : public Napi::ObjectWrap<Self> {
 public:
  using Method = Napi::Value (Self::*)(const Napi::CallbackInfo&);
  /// Whether objects have a `number`, which numbered methods are given before their arguments.
  static constexpr bool kNumbered = false;
  using NumberedMethod = napi_value (*)(napi_env env, Core& core, const napi_value* arguments);

  explicit Wrapped(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Self>(info) {
    const Napi::Env env = info.Env();
    Environment* environment = Environment::of(env);
    if (environment != nullptr) core_ = std::static_pointer_cast<Core>(environment->take_core(Self::kId));
    if (core_ == nullptr) {
      throw_error(env, ErrorCode::INVALID_ARGUMENT,
                  "Objects of this class are made by onpath, not with new.");
      return;
    }
    napi_type_tag_object(env, info.This(), &Self::kTag);
    if constexpr (Self::kNumbered) {
      numbered_ = environment->numbered();
      number_ = numbered_->add(Self::kId, core_);
      napi_set_named_property(env, info.This(), "number", js_word(env, number_));
    }
  }
  ~Wrapped() override {
    if (numbered_ != nullptr) numbered_->remove(number_);
  }

  static void define(Napi::Env env, const char* name) {
    Environment::of(env)->set_constructor(Self::kId,
                                          Napi::ObjectWrap<Self>::DefineClass(env, name, Self::methods()));
  }

  /// Empty, with an exception pending, if it could not be made.
  static Napi::Value make(Environment& environment, std::shared_ptr<Core> core) {
    return {environment.env(), environment.make_object(Self::kId, std::move(core))};
  }

  /// The core in an object of this class; null for any other value.
  static std::shared_ptr<Core> core_of(napi_env env, napi_value value) {
    napi_valuetype type = napi_undefined;
    bool is_ours = false;
    void* self = nullptr;
    if (value == nullptr || napi_typeof(env, value, &type) != napi_ok || type != napi_object ||
        napi_check_object_type_tag(env, value, &Self::kTag, &is_ours) != napi_ok || !is_ours ||
        napi_unwrap(env, value, &self) != napi_ok) {
      return nullptr;
    }
    return static_cast<Self*>(self)->core_;
  }
  /// The same of an input, which fails if it is any other value: `expected` says what it is to be.
  static std::shared_ptr<Core> core_of(const Input& input, const char* expected) {
    if (input.failed()) return nullptr;
    std::shared_ptr<Core> core = core_of(input.env(), input.value());
    if (core == nullptr) input.fail(expected);
    return core;
  }

 protected:
  template <Method method>
  static Napi::ClassPropertyDescriptor<Self> property(const char* name) {
    return napi_property_descriptor{name,    nullptr, call<method>,        nullptr,
                                    nullptr, nullptr, napi_default_method, nullptr};
  }

  template <NumberedMethod method>
  static Napi::ClassPropertyDescriptor<Self> numbered(const char* name) {
    static_assert(Self::kNumbered);
    return napi_property_descriptor{name,    nullptr, call_numbered<method>, nullptr,
                                    nullptr, nullptr, napi_default_method,   nullptr};
  }

  Core& core() { return *core_; }
  const std::shared_ptr<Core>& shared_core() const { return core_; }

 private:
  /// A method as Node calls it: the engine has checked that `this` is of the class. C++ exceptions end here.
  template <Method method>
  static napi_value call(napi_env env, napi_callback_info raw) {
    const Napi::CallbackInfo info(env, raw);
    void* self = nullptr;
    if (napi_unwrap(env, info.This(), &self) != napi_ok) return nullptr;
    return guarded(env, [&] { return (static_cast<Self*>(self)->*method)(info); });
  }

  template <NumberedMethod method>
  static napi_value call_numbered(napi_env env, napi_callback_info info) {
    constexpr size_t kMostArguments = 6;
    napi_value given[kMostArguments] = {};
    size_t count = kMostArguments;
    uint32_t number = 0;
    if (napi_get_cb_info(env, info, &count, given, nullptr, nullptr) != napi_ok) return nullptr;
    // Held until the end: its object may be collected meanwhile.
    std::shared_ptr<void> core;
    if (napi_get_value_uint32(env, given[0], &number) == napi_ok)
      core = Environment::of(env)->numbered()->find(Self::kId, number);
    if (core == nullptr) {
      throw_error(env, ErrorCode::INVALID_ARGUMENT, "number: expected that of an object of this class.");
      return nullptr;
    }
    return guarded(env,
                   [&] { return Napi::Value(env, method(env, *static_cast<Core*>(core.get()), given + 1)); });
  }

  std::shared_ptr<Core> core_;
  std::shared_ptr<NumberedCores> numbered_;
  uint32_t number_ = 0;
};

}  // namespace onpath::addon
