#include "addon/plane_events.h"

#include "addon/output.h"

namespace onpath::addon {
namespace {

const char* kind_name(PlaneEvent::Kind kind) {
  switch (kind) {
    case PlaneEvent::Kind::worker_fenced:
      return "workerFenced";
    case PlaneEvent::Kind::worker_recovered:
      return "workerRecovered";
    case PlaneEvent::Kind::worker_abandoned:
      return "workerAbandoned";
    case PlaneEvent::Kind::link_down:
      return "linkDown";
    case PlaneEvent::Kind::link_up:
      return "linkUp";
    case PlaneEvent::Kind::port_removed:
      return "portRemoved";
    case PlaneEvent::Kind::port_recovered:
      return "portRecovered";
  }
  return "";
}

}  // namespace

napi_value PlaneEventsCore::next(napi_env env) {
  PlaneEvent event;
  if (!events_->next(event)) return js_undefined(env);
  ObjectWriter object(env);
  object.text("type", kind_name(event.kind));
  if (event.is_of_worker()) {
    object.count("worker", event.worker);
  } else {
    object.text("port", event.port);
  }
  const int64_t epoch_ns = static_cast<int64_t>(event.time_ns) + epoch_offset_ns_;
  object.number("at", static_cast<double>(epoch_ns) / 1e6).text("cause", event.cause);
  return object.count("times", event.times).count("missed", event.missed).value();
}

std::vector<Napi::ClassPropertyDescriptor<NativePlaneEvents>> NativePlaneEvents::methods() {
  return {property<&NativePlaneEvents::next>("next"), property<&NativePlaneEvents::on_ready>("onReady")};
}

Napi::Value NativePlaneEvents::next(const Napi::CallbackInfo& info) {
  return {info.Env(), core().next(info.Env())};
}

Napi::Value NativePlaneEvents::on_ready(const Napi::CallbackInfo& info) {
  set_notify_from_js(info, core());
  return {};
}

}  // namespace onpath::addon
