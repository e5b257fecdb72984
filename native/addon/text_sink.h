// NativeTextSink: parts of texts as JavaScript takes them: copied, so that their segments go back at once.
// Must not know routes or planes.
#pragma once

#include <napi.h>

#include <memory>
#include <utility>
#include <vector>

#include "addon/notified_sink.h"
#include "addon/wrapped.h"
#include "dataplane/text_sink.h"

namespace onpath::addon {

class TextSinkCore : public NotifiedSink {
 public:
  TextSinkCore(Environment& environment, std::shared_ptr<TextHostSink> sink, int64_t epoch_offset_ns)
      : NotifiedSink(environment), sink_(std::move(sink)), epoch_offset_ns_(epoch_offset_ns) {}
  ~TextSinkCore() override { shut_down(env()); }

  /// The next part, undefined if there is none, null with an exception pending.
  napi_value next(napi_env env);

 protected:
  void on_ready(void (*notify)(void*), void* context) override { sink_->on_ready(notify, context); }

 private:
  napi_value to_js(napi_env env, const TextPart& part) const;

  const std::shared_ptr<TextHostSink> sink_;
  const int64_t epoch_offset_ns_;  // CLOCK_MONOTONIC to Unix epoch
};

class NativeTextSink : public Wrapped<NativeTextSink, TextSinkCore> {
 public:
  static constexpr ClassId kId = ClassId::text_sink;
  static constexpr napi_type_tag kTag = {0x6f6e706174687478, 0x742073696e6b0001};
  using Wrapped::Wrapped;
  static std::vector<Napi::ClassPropertyDescriptor<NativeTextSink>> methods();

 private:
  Napi::Value next(const Napi::CallbackInfo& info);
  Napi::Value on_ready(const Napi::CallbackInfo& info);
};

}  // namespace onpath::addon
