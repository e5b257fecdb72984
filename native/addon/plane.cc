#include "addon/plane.h"

#include <utility>

#include "addon/capture.h"
#include "addon/input.h"
#include "addon/latency_to_js.h"
#include "addon/off_loop.h"
#include "addon/output.h"
#include "addon/stats_to_js.h"
#include "dataplane/epoch.h"

namespace onpath::addon {

Result<StartedPlane> open_plane(PlaneSpec spec) {
  StartedPlane started;
  PlaneConfig config;
  config.workers = spec.workers;
  config.max_memory_bytes = spec.max_memory_bytes;
  config.idle_after_ns = spec.idle_after_ns;
  config.max_sleep_ns = spec.max_sleep_ns;
  config.hang_ns = spec.hang_ns;
  config.close_timeout_ns = spec.close_timeout_ns;
  config.latency = spec.latency;
  for (const RouteConfig& route : spec.routes) {
    if (std::holds_alternative<HostSinkConfig>(route.sink)) started.host_routes.push_back(route.name);
  }
  config.routes = std::move(spec.routes);
  std::vector<OwnedPort> ports;
  bool dpdk_runs = false;
  for (PortSpec& port : spec.ports) {
    if (!dpdk_runs && std::holds_alternative<DpdkPortConfig>(port.config)) {
      if (const Result<void> runs = start_dpdk(spec.eal); !runs.ok()) return runs.error();
      dpdk_runs = true;
    }
    Result<OwnedPort> opened = open_port(port);
    if (!opened.ok()) return opened.error();
    ports.push_back(std::move(opened).value());
    if (std::holds_alternative<UdpPortConfig>(port.config))
      started.local_ports[port.name] = udp_port_local(ports.back().get());
    Result<OwnedPort> impaired = impair(std::move(ports.back()), port.impairments);
    if (!impaired.ok()) return impaired.error();
    ports.back() = std::move(impaired).value();
    config.ports.push_back({port.name, ports.back().get(), std::move(port.host)});
  }
  for (OwnedPort& port : ports) (void)port.release();  // the plane's from here on, whatever comes of it
  Result<std::unique_ptr<Plane>> plane = start_plane(std::move(config));
  if (!plane.ok()) return plane.error();
  started.plane = std::move(plane).value();
  return started;
}

std::shared_ptr<PlaneCore> PlaneCore::adopt(Environment& environment, StartedPlane started) {
  const std::vector<std::string> host_routes = std::move(started.host_routes);
  auto core = std::make_shared<PlaneCore>(environment, std::move(started));
  const int64_t offset_ns = epoch_offset_ns();
  core->events_ = std::make_shared<PlaneEventsCore>(environment, core->plane_->events(), offset_ns);
  environment.add(core->events_);
  for (const std::string& route : host_routes) {
    if (std::shared_ptr<TextHostSink> texts = core->plane_->text_sink(route); texts != nullptr) {
      auto text_core = std::make_shared<TextSinkCore>(environment, std::move(texts), offset_ns);
      environment.add(text_core);
      core->text_sinks_.emplace(route, std::move(text_core));
    }
    std::shared_ptr<HostSink> sink = core->plane_->host_sink(route);
    if (sink == nullptr) continue;
    auto sink_core = std::make_shared<SinkCore>(environment, std::move(sink), offset_ns);
    environment.add(sink_core);
    core->sinks_.emplace(route, std::move(sink_core));
  }
  environment.add(core);
  return core;
}

PlaneCore::PlaneCore(Environment& environment, StartedPlane started)
    : environment_(environment.shared_from_this()),
      plane_(std::move(started.plane)),
      local_ports_(std::move(started.local_ports)),
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
  last_infos_ = plane_->port_infos();
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
  for (const auto& [route, sink] : text_sinks_) sink->finish(env);
  events_->finish(env);
}

Result<std::unique_ptr<Sender>> PlaneCore::open_sender(const std::string& port, SenderConfig config) {
  // A plane that is closing would answer only when that is done.
  if (state_ != State::open) return Error{ErrorCode::CLOSED, "The plane is closed. Nothing leaves by it."};
  return plane_->open_sender(port, std::move(config));
}

napi_value PlaneCore::swap(std::vector<RouteSwap> swaps) {
  struct Swapping {
    std::vector<RouteSwap> swaps;
    std::vector<uint64_t> numbers;
  };
  auto swapping = std::make_shared<Swapping>();
  swapping->swaps = std::move(swaps);
  OffLoop job;
  job.name = "onpath.swap";
  job.work = [self = shared_from_this(), swapping]() -> Result<void> {
    Result<std::vector<uint64_t>> numbers = self->plane_->swap(swapping->swaps);
    swapping->swaps.clear();  // the plane has what it needs
    if (!numbers.ok()) return numbers.error();
    swapping->numbers = std::move(numbers).value();
    return {};
  };
  job.value = [swapping](napi_env env) {
    return js_array(env, swapping->numbers, [env](uint64_t number) { return js_count(env, number); });
  };
  return run_off_loop(*environment_, std::move(job), Kept(environment_->env()));
}

PlaneStats PlaneCore::stats() const { return state_ == State::closing ? last_stats_ : plane_->stats(); }

std::vector<onpath_port_info> PlaneCore::port_infos() const {
  return state_ == State::open ? plane_->port_infos() : last_infos_;
}

std::vector<Napi::ClassPropertyDescriptor<NativePlane>> NativePlane::methods() {
  return {property<&NativePlane::sink>("sink"),
          property<&NativePlane::text_sink>("textSink"),
          property<&NativePlane::events>("events"),
          property<&NativePlane::stats>("stats"),
          property<&NativePlane::memory>("memory"),
          property<&NativePlane::swap>("swap"),
          property<&NativePlane::versions>("versions"),
          property<&NativePlane::close>("close"),
          property<&NativePlane::local_ports>("localPorts"),
          property<&NativePlane::ref>("ref"),
          property<&NativePlane::unref>("unref"),
          property<&NativePlane::port_infos>("portInfos"),
          property<&NativePlane::latency>("latency"),
          property<&NativePlane::start_capture>("startCapture")};
}

napi_value NativePlane::start(Environment& environment, PlaneSpec spec) {
  struct Starting {
    PlaneSpec spec;
    StartedPlane started;
  };
  auto starting = std::make_shared<Starting>();
  starting->spec = std::move(spec);
  OffLoop job;
  job.name = "onpath.start";
  job.work = [starting]() -> Result<void> {
    Result<StartedPlane> started = open_plane(std::move(starting->spec));
    if (!started.ok()) return started.error();
    starting->started = std::move(started).value();
    return {};
  };
  job.value = [starting, &environment](napi_env) -> napi_value {
    if (starting->started.plane == nullptr) return nullptr;  // cancelled: the environment is ending
    const std::shared_ptr<PlaneCore> core = PlaneCore::adopt(environment, std::move(starting->started));
    const Napi::Value object = make(environment, core);
    // If the environment is ending, the core closes the plane as it goes out of scope.
    if (!object.IsEmpty()) core->opened(object);
    return object;
  };
  return run_off_loop(environment, std::move(job), Kept(environment.env()));
}

namespace {

/// The object for the sink of a route, or an exception pending.
template <class Native, class Sinks>
Napi::Value sink_of(const Napi::CallbackInfo& info, const Sinks& sinks, const char* what) {
  Reading reading{info.Env()};
  const std::string route = Input(reading, info[0], "route").text();
  if (reading.failed) return {};
  const auto found = sinks.find(route);
  if (found != sinks.end()) return Native::make(*Environment::of(info.Env()), found->second);
  std::string names;
  for (const auto& [name, sink] : sinks) names += (names.empty() ? "" : ", ") + name;
  throw_error(info.Env(), ErrorCode::NOT_FOUND,
              "No route \"" + route + "\" delivers " + what +
                  " to JavaScript. Those that do: " + (names.empty() ? "none" : names) + ".");
  return {};
}

}  // namespace

Napi::Value NativePlane::sink(const Napi::CallbackInfo& info) {
  return sink_of<NativeSink>(info, core().sinks(), "samples");
}

Napi::Value NativePlane::text_sink(const Napi::CallbackInfo& info) {
  return sink_of<NativeTextSink>(info, core().text_sinks(), "texts");
}

Napi::Value NativePlane::events(const Napi::CallbackInfo& info) {
  return NativePlaneEvents::make(*Environment::of(info.Env()), core().events());
}

Napi::Value NativePlane::stats(const Napi::CallbackInfo& info) {
  return {info.Env(), stats_to_js(info.Env(), core().stats(), core().plane().memory_bytes())};
}

Napi::Value NativePlane::memory(const Napi::CallbackInfo& info) {
  return {info.Env(), memory_to_js(info.Env(), core().plane().memory())};
}

Napi::Value NativePlane::port_infos(const Napi::CallbackInfo& info) {
  return {info.Env(), port_infos_to_js(info.Env(), core().port_infos())};
}

/// Of all routes or workers where the argument is undefined.
Napi::Value NativePlane::latency(const Napi::CallbackInfo& info) {
  Reading reading{info.Env()};
  const auto place = [&](size_t argument, const char* name) -> std::optional<size_t> {
    const Input input(reading, info[argument], name);
    if (input.is_undefined()) return std::nullopt;
    return input.integer<uint32_t>();
  };
  const auto route = place(0, "route"), worker = place(1, "worker");
  if (reading.failed) return {};
  const auto latency = std::make_unique<LatencyCounts>();
  core().plane().add_latency(route, worker, *latency);
  return {info.Env(), latency_to_js(info.Env(), *latency)};
}

Napi::Value NativePlane::start_capture(const Napi::CallbackInfo& info) {
  Reading reading{info.Env()};
  CaptureConfig config = capture_from_js(Input(reading, info[0], "capture"));
  if (reading.failed) return {};
  return {info.Env(), NativeCapture::start(*Environment::of(info.Env()), shared_core(), std::move(config))};
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

Napi::Value NativePlane::swap(const Napi::CallbackInfo& info) {
  Reading reading{info.Env()};
  std::vector<RouteSwap> swaps = swaps_from_js(Input(reading, info[0], "swaps"));
  if (reading.failed) return {};
  return {info.Env(), core().swap(std::move(swaps))};
}

Napi::Value NativePlane::versions(const Napi::CallbackInfo& info) {
  Reading reading{info.Env()};
  const std::string route = Input(reading, info[0], "route").text();
  if (reading.failed) return {};
  const Napi::Env env = info.Env();
  return {env, js_array(env, core().plane().versions(route),
                        [&](uint64_t number) { return js_count(env, number); })};
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
