// NativeSink: finished samples as external ArrayBuffers over the slots they were written into. A slot goes
// back exactly once: when release() has detached its ArrayBuffers, or when the last of them was collected;
// also after plane and environment are gone. Must not know routes or planes.
#pragma once

#include <napi.h>

#include <memory>
#include <unordered_map>
#include <vector>

#include "addon/notified_sink.h"
#include "addon/output.h"
#include "addon/wrapped.h"
#include "dataplane/host_sink.h"

namespace onpath::addon {

/// One delivery in JavaScript's hands. Environment's thread only.
struct HeldDelivery {
  std::shared_ptr<HostSink> sink;
  uint64_t buffer = 0;
  bool given_back = false;
  bool copied = true;                   // no ArrayBuffer lies over the slot
  uint32_t alive = 0;                   // ArrayBuffers whose finalizer has not run
  std::vector<napi_ref> array_buffers;  // weak

  void give_back() {
    if (!given_back) sink->release(buffer);
    given_back = true;
  }
};

/// What is known of a sample beside its outputs. `epoch_offset_ns`: CLOCK_MONOTONIC to Unix epoch.
ObjectWriter sample_info_to_js(napi_env env, const SampleInfo& info, int64_t epoch_offset_ns);

class SinkCore : public NotifiedSink {
 public:
  SinkCore(Environment& environment, std::shared_ptr<HostSink> sink, int64_t epoch_offset_ns)
      : NotifiedSink(environment), sink_(std::move(sink)), epoch_offset_ns_(epoch_offset_ns) {}
  ~SinkCore() override { shut_down(env()); }

  /// A delivery as JavaScript sees it, undefined if there is none, null with an exception pending.
  napi_value next(napi_env env);
  /// Errors: INVALID_ARGUMENT if no delivery ever had this number. Nothing happens if it was released before.
  Result<void> release(napi_env env, uint64_t number);

 protected:
  void on_ready(void (*notify)(void*), void* context) override { sink_->on_ready(notify, context); }

 private:
  friend struct ArrayBufferEnd;

  napi_value deliver(napi_env env, const Delivery& delivery);
  napi_value array_buffer(napi_env env, const std::shared_ptr<HeldDelivery>& held, uint64_t number,
                          uint8_t* data, size_t bytes);
  static void forget(napi_env env, HeldDelivery& held);

  const std::shared_ptr<HostSink> sink_;
  const int64_t epoch_offset_ns_;  // CLOCK_MONOTONIC to Unix epoch
  uint64_t next_number_ = 1;
  std::shared_ptr<std::unordered_map<uint64_t, std::shared_ptr<HeldDelivery>>> held_ =
      std::make_shared<std::unordered_map<uint64_t, std::shared_ptr<HeldDelivery>>>();
};

class NativeSink : public Wrapped<NativeSink, SinkCore> {
 public:
  static constexpr ClassId kId = ClassId::sink;
  static constexpr napi_type_tag kTag = {0x6f6e706174685f73, 0x696e6b0000000001};
  using Wrapped::Wrapped;
  static std::vector<Napi::ClassPropertyDescriptor<NativeSink>> methods();

 private:
  Napi::Value next(const Napi::CallbackInfo& info);
  Napi::Value release(const Napi::CallbackInfo& info);
  Napi::Value on_ready(const Napi::CallbackInfo& info);
};

}  // namespace onpath::addon
