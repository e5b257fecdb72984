#include "addon/plane.h"

#include <time.h>

#include <utility>

#include "addon/input.h"
#include "addon/off_loop.h"
#include "addon/output.h"
#include "addon/stats_to_js.h"

namespace onpath::addon {

namespace {

int64_t clock_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

/// What to add to CLOCK_MONOTONIC for Unix time, now. A later step of the system's clock does not move a
/// plane's times.
int64_t epoch_offset_ns() {
  const int64_t before = clock_ns(CLOCK_MONOTONIC);
  const int64_t epoch = clock_ns(CLOCK_REALTIME);
  const int64_t after = clock_ns(CLOCK_MONOTONIC);
  return epoch - (before + (after - before) / 2);
}

}  // namespace

Result<std::shared_ptr<PlaneCore>> PlaneCore::start(Environment& environment, PlaneSpec spec) {
  PlaneConfig config;
  config.workers = spec.workers;
  config.max_memory_bytes = spec.max_memory_bytes;
  config.idle_after_ns = spec.idle_after_ns;
  std::vector<std::string> host_routes;
  for (const RouteConfig& route : spec.routes) {
    if (std::holds_alternative<HostSinkConfig>(route.sink)) host_routes.push_back(route.name);
  }
  config.routes = std::move(spec.routes);
  std::vector<OwnedPort> ports;
  std::map<std::string, Endpoint> local_ports;
  for (const PortSpec& port : spec.ports) {
    Result<OwnedPort> opened = open_port(port);
    if (!opened.ok()) return opened.error();
    ports.push_back(std::move(opened).value());
    if (std::holds_alternative<UdpPortConfig>(port.config))
      local_ports[port.name] = udp_port_local(ports.back().get());
    config.ports.push_back({port.name, ports.back().get()});
  }
  for (OwnedPort& port : ports) (void)port.release();  // the plane's from here on, whatever comes of it
  Result<std::unique_ptr<Plane>> started = start_plane(std::move(config));
  if (!started.ok()) return started.error();
  auto core = std::make_shared<PlaneCore>(environment, std::move(started).value());
  core->local_ports_ = std::move(local_ports);
  const int64_t offset_ns = epoch_offset_ns();
  for (const std::string& route : host_routes) {
    std::shared_ptr<HostSink> sink = core->plane_->host_sink(route);
    if (sink == nullptr) continue;
    auto sink_core = std::make_shared<SinkCore>(environment, std::move(sink), offset_ns);
    environment.add(sink_core);
    core->sinks_.emplace(route, std::move(sink_core));
  }
  environment.add(core);
  return core;
}

PlaneCore::PlaneCore(Environment& environment, std::unique_ptr<Plane> plane)
    : environment_(environment.shared_from_this()),
      plane_(std::move(plane)),
      memory_(environment.env()),
      object_(environment.env()),
      promise_(environment.env()) {}

PlaneCore::~PlaneCore() {
  if (state_ != State::closed) plane_->close();
}

void PlaneCore::shut_down(napi_env) {
  if (state_ != State::closed) plane_->close();
  state_ = State::closed;
  object_.drop();
  promise_.drop();
}

bool PlaneCore::opened(napi_value object) {
  set_referenced(true);
  return object_.keep(object);
}

void PlaneCore::set_referenced(bool referenced) {
  if (state_ == State::closed || referenced == referenced_) return;
  referenced_ = referenced;
  if (referenced) {
    environment_->hold();
  } else {
    environment_->unhold();
  }
}

napi_value PlaneCore::close() {
  if (promise_.size() > 0) return promise_.value(0);
  last_stats_ = plane_->stats();
  state_ = State::closing;
  OffLoop job;
  job.name = "onpath.close";
  job.work = [self = shared_from_this()]() -> Result<void> {
    self->plane_->close();
    return {};
  };
  job.after = [this](napi_env env) { closed(env); };
  napi_value promise = run_off_loop(*environment_, std::move(job), Kept(environment_->env()));
  if (promise != nullptr) promise_.keep(promise);
  return promise;
}

void PlaneCore::closed(napi_env env) {
  if (state_ == State::closed) return;  // the environment's end came first
  set_referenced(false);
  state_ = State::closed;
  memory_.add(static_cast<int64_t>(plane_->memory_bytes()));
  object_.drop();
  for (const auto& [route, sink] : sinks_) sink->finish(env);
}

PlaneStats PlaneCore::stats() const { return state_ == State::closing ? last_stats_ : plane_->stats(); }

std::vector<Napi::ClassPropertyDescriptor<NativePlane>> NativePlane::methods() {
  return {property<&NativePlane::sink>("sink"),   property<&NativePlane::stats>("stats"),
          property<&NativePlane::close>("close"), property<&NativePlane::local_ports>("localPorts"),
          property<&NativePlane::ref>("ref"),     property<&NativePlane::unref>("unref")};
}

Napi::Value NativePlane::start(Environment& environment, PlaneSpec spec) {
  Result<std::shared_ptr<PlaneCore>> started = PlaneCore::start(environment, std::move(spec));
  if (!started.ok()) {
    throw_error(environment.env(), started.error());
    return {};
  }
  Napi::Value object = make(environment, started.value());
  // If the environment ends right here, the core closes the plane as it goes out of scope.
  if (!object.IsEmpty()) started.value()->opened(object);
  return object;
}

Napi::Value NativePlane::sink(const Napi::CallbackInfo& info) {
  Reading reading{info.Env()};
  const std::string route = Input(reading, info[0], "route").text();
  if (reading.failed) return {};
  const auto found = core().sinks().find(route);
  if (found != core().sinks().end()) return NativeSink::make(*Environment::of(info.Env()), found->second);
  std::string names;
  for (const auto& [name, sink] : core().sinks()) names += (names.empty() ? "" : ", ") + name;
  throw_error(info.Env(), ErrorCode::NOT_FOUND,
              "No route \"" + route +
                  "\" delivers to JavaScript. Those that do: " + (names.empty() ? "none" : names) + ".");
  return {};
}

Napi::Value NativePlane::stats(const Napi::CallbackInfo& info) {
  return {info.Env(), stats_to_js(info.Env(), core().stats(), core().plane().memory_bytes())};
}

Napi::Value NativePlane::local_ports(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  ObjectWriter ports(env);
  for (const auto& [name, endpoint] : core().local_ports()) {
    ObjectWriter port(env);
    port.text("address", address_text(endpoint.address)).count("port", endpoint.port);
    // Defined, not set: the names are the user's, and one may be "__proto__".
    napi_property_descriptor property = {nullptr,      js_text(env, name),      nullptr, nullptr, nullptr,
                                         port.value(), napi_default_jsproperty, nullptr};
    napi_define_properties(env, ports.value(), 1, &property);
  }
  return {env, ports.value()};
}

Napi::Value NativePlane::close(const Napi::CallbackInfo& info) { return {info.Env(), core().close()}; }

Napi::Value NativePlane::ref(const Napi::CallbackInfo&) {
  core().set_referenced(true);
  return {};
}

Napi::Value NativePlane::unref(const Napi::CallbackInfo&) {
  core().set_referenced(false);
  return {};
}

}  // namespace onpath::addon
