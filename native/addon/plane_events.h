// NativePlaneEvents: what happened to a plane's workers and ports, as JavaScript takes it. Must not know
// routes or packets.
#pragma once

#include <napi.h>

#include <memory>
#include <utility>
#include <vector>

#include "addon/notified_sink.h"
#include "addon/wrapped.h"
#include "dataplane/event_log.h"

namespace onpath::addon {

class PlaneEventsCore : public NotifiedSink {
 public:
  PlaneEventsCore(Environment& environment, std::shared_ptr<EventLog> events, int64_t epoch_offset_ns)
      : NotifiedSink(environment), events_(std::move(events)), epoch_offset_ns_(epoch_offset_ns) {}
  ~PlaneEventsCore() override { shut_down(env()); }

  /// The next event, undefined if there is none, null with an exception pending.
  napi_value next(napi_env env);

 protected:
  void on_ready(void (*notify)(void*), void* context) override { events_->on_ready(notify, context); }

 private:
  const std::shared_ptr<EventLog> events_;
  const int64_t epoch_offset_ns_;  // CLOCK_MONOTONIC to Unix epoch
};

class NativePlaneEvents : public Wrapped<NativePlaneEvents, PlaneEventsCore> {
 public:
  static constexpr ClassId kId = ClassId::plane_events;
  static constexpr napi_type_tag kTag = {0x6f6e706174685f65, 0x76656e7473000001};
  using Wrapped::Wrapped;
  static std::vector<Napi::ClassPropertyDescriptor<NativePlaneEvents>> methods();

 private:
  Napi::Value next(const Napi::CallbackInfo& info);
  Napi::Value on_ready(const Napi::CallbackInfo& info);
};

}  // namespace onpath::addon
