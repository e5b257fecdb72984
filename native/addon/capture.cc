#include "addon/capture.h"

#include <limits>
#include <span>
#include <utility>

#include "addon/input.h"
#include "addon/off_loop.h"
#include "addon/output.h"
#include "dataplane/saturating.h"

namespace onpath::addon {

void CaptureCore::EndNotice::tell() {
  const std::lock_guard lock(mutex);
  ended = true;
  if (core != nullptr) core->environment_->wake(*core);
}

CaptureCore::CaptureCore(Environment& environment, std::shared_ptr<EndNotice> notice,
                         std::shared_ptr<Capture> capture)
    : environment_(environment.shared_from_this()),
      notice_(std::move(notice)),
      capture_(std::move(capture)),
      notify_(environment.env()) {
  const std::lock_guard lock(notice_->mutex);
  notice_->core = this;
}

CaptureCore::~CaptureCore() {
  {
    const std::lock_guard lock(notice_->mutex);
    notice_->core = nullptr;
  }
  capture_->stop();
}

void CaptureCore::on_loop(napi_env) {
  const napi_value function = notify_.value(0);
  if (function == nullptr) return;
  environment_->notify(function);
  notify_.drop();
}

void CaptureCore::shut_down(napi_env) {
  capture_->stop();
  notify_.drop();
}

void CaptureCore::on_end(napi_value function) {
  notify_.drop();
  if (!notify_.keep(function)) return;
  const std::lock_guard lock(notice_->mutex);
  if (notice_->ended) environment_->wake(*this);
}

napi_value CaptureCore::stop() {
  OffLoop job;
  job.name = "onpath.capture";
  job.work = [self = shared_from_this()]() -> Result<void> {
    self->capture_->stop();
    return {};
  };
  return run_off_loop(*environment_, std::move(job), Kept(environment_->env()));
}

std::vector<Napi::ClassPropertyDescriptor<NativeCapture>> NativeCapture::methods() {
  return {property<&NativeCapture::stats>("stats"), property<&NativeCapture::read>("read"),
          property<&NativeCapture::on_end>("onEnd"), property<&NativeCapture::stop>("stop")};
}

napi_value NativeCapture::start(Environment& environment, std::shared_ptr<PlaneCore> plane,
                                CaptureConfig config) {
  struct Starting {
    std::shared_ptr<PlaneCore> plane;
    CaptureConfig config;
    std::shared_ptr<CaptureCore::EndNotice> notice = std::make_shared<CaptureCore::EndNotice>();
    std::shared_ptr<Capture> capture;
  };
  auto starting = std::make_shared<Starting>();
  starting->plane = std::move(plane);
  starting->config = std::move(config);
  starting->config.on_end = [notice = starting->notice] { notice->tell(); };
  OffLoop job;
  job.name = "onpath.capture";
  job.work = [starting]() -> Result<void> {
    auto started = starting->plane->start_capture(std::move(starting->config));
    if (!started) return started.error();
    starting->capture = std::move(started).value();
    return {};
  };
  job.value = [starting, &environment](napi_env) -> napi_value {
    if (starting->capture == nullptr) return nullptr;  // cancelled: the environment is ending
    auto core = std::make_shared<CaptureCore>(environment, starting->notice, std::move(starting->capture));
    environment.add(core);
    return make(environment, std::move(core));
  };
  return run_off_loop(environment, std::move(job), Kept(environment.env()));
}

Napi::Value NativeCapture::stats(const Napi::CallbackInfo& info) {
  const CaptureStats stats = core().capture().stats();
  ObjectWriter object(info.Env());
  object.count("packets", stats.packets).count("bytes", stats.bytes).count("missed", stats.missed);
  object.boolean("ended", stats.ended);
  if (stats.failure) object.set("failure", error_value(info.Env(), *stats.failure));
  return {info.Env(), object.value()};
}

Napi::Value NativeCapture::read(const Napi::CallbackInfo& info) {
  Reading reading{info.Env()};
  const auto most = Input(reading, info[0], "most").integer<uint32_t>();
  if (reading.failed) return {};
  const std::vector<uint8_t> bytes = core().capture().read(most);
  return {info.Env(), js_typed_array(info.Env(), std::span<const uint8_t>(bytes))};
}

Napi::Value NativeCapture::on_end(const Napi::CallbackInfo& info) {
  if (info[0].IsFunction()) {
    core().on_end(info[0]);
  } else {
    Reading reading{info.Env()};
    Input(reading, info[0], "notify").fail("a function");
  }
  return {};
}

Napi::Value NativeCapture::stop(const Napi::CallbackInfo& info) { return {info.Env(), core().stop()}; }

CaptureConfig capture_from_js(const Input& input) {
  constexpr uint32_t kMostSnapLength = 262144;
  CaptureConfig config;
  config.port = input["port"].text();
  config.route = input["route"].text();
  config.file = input["file"].text();
  config.snap_length = static_cast<uint32_t>(input["snapLength"].number(1, kMostSnapLength));
  config.max_packets = input["maxPackets"].integer<uint64_t>();
  config.max_bytes = input["maxBytes"].integer<uint64_t>();
  config.max_ns = times(input["maxMs"].integer<uint64_t>(), 1'000'000);
  config.buffer_bytes = input["bufferBytes"].integer<uint64_t>();
  return config;
}

}  // namespace onpath::addon
