#include "addon/sender.h"

#include <utility>

#include "addon/input.h"
#include "addon/off_loop.h"
#include "addon/output.h"

namespace onpath::addon {

namespace {

Result<std::unique_ptr<Sender>> open_own(const PortSpec& port, SenderConfig config) {
  Result<OwnedPort> opened = open_port(port);
  if (!opened.ok()) return opened.error();
  config.port = std::move(opened).value().release();
  return open_sender(config);
}

}  // namespace

Result<std::shared_ptr<SenderCore>> SenderCore::open(Environment& environment, SenderSpec spec) {
  const uint64_t sample_bytes = spec.config.format.bytes;
  const bool texts = spec.config.texts;
  auto* shared = std::get_if<PortOfPlane>(&spec.port);
  Result<std::unique_ptr<Sender>> opened =
      shared != nullptr ? shared->plane->open_sender(shared->name, std::move(spec.config))
                        : open_own(std::get<PortSpec>(spec.port), std::move(spec.config));
  if (!opened.ok()) return opened.error();
  auto core =
      std::make_shared<SenderCore>(environment, shared != nullptr ? std::move(shared->plane) : nullptr,
                                   std::move(opened).value(), sample_bytes, texts);
  environment.add(core);
  return core;
}

SenderCore::SenderCore(Environment& environment, std::shared_ptr<PlaneCore> plane,
                       std::unique_ptr<Sender> sender, uint64_t sample_bytes, bool texts)
    : environment_(environment.shared_from_this()),
      plane_(std::move(plane)),
      sender_(std::move(sender)),
      sample_bytes_(sample_bytes),
      texts_(texts),
      promise_(environment.env()) {}

SenderCore::~SenderCore() {
  if (!closed_) shut_down(environment_->env());
}

void SenderCore::shut_down(napi_env) {
  if (!closed_) sender_->close();
  closed_ = true;
  for (const Done& done : take_done()) delete done.job;
  promise_.drop();
}

std::vector<SenderCore::Done> SenderCore::take_done() {
  std::lock_guard lock(mutex_);
  return std::exchange(done_, {});
}

napi_value SenderCore::send(napi_value self, napi_value value, const Bytes& bytes, const TextPlace& place) {
  napi_env env = environment_->env();
  auto job = std::make_unique<Job>(Job{Kept(env), copy_if_resizable(*environment_, bytes), nullptr});
  napi_value promise = nullptr;
  if (!job->kept.keep(value) || !job->kept.keep(self) ||
      napi_create_promise(env, &job->deferred, &promise) != napi_ok) {
    throw_error(env, ErrorCode::CLOSED,
                "This JavaScript environment is ending. Nothing can be sent from it.");
    return nullptr;
  }
  environment_->hold();
  Job* pending = job.release();  // whoever reports it owns it
  auto done = [this, pending](Result<SendReport> result) {
    {
      std::lock_guard lock(mutex_);
      done_.push_back({pending, std::move(result)});
    }
    environment_->wake(*this);
  };
  const std::span<const uint8_t> span = pending->copy ? *pending->copy : bytes.span();
  const Result<void> queued = texts_ ? sender_->send_text(span, place, std::move(done))
                                     : sender_->send(span, place.request_id, std::move(done));
  if (!queued.ok()) settle(env, {pending, queued.error()});
  return promise;
}

void SenderCore::on_loop(napi_env env) {
  const std::shared_ptr<SenderCore> self = shared_from_this();  // the last job may hold the last reference
  for (Done& done : take_done()) settle(env, std::move(done));
}

void SenderCore::settle(napi_env env, Done done) {
  const std::unique_ptr<Job> job(done.job);
  environment_->unhold();
  if (!done.result.ok()) {
    if (napi_value reason = error_value(env, done.result.error()); reason != nullptr) {
      napi_reject_deferred(env, job->deferred, reason);
    }
    return;
  }
  const SendReport& report = done.result.value();
  ObjectWriter object(env);
  object.count("packets", report.packets).count("bytes", report.bytes).count("refused", report.refused);
  object.count("timestamp", report.timestamp);
  if (object.value() != nullptr) napi_resolve_deferred(env, job->deferred, object.value());
}

napi_value SenderCore::close() {
  if (promise_.size() > 0) return promise_.value(0);
  OffLoop work;
  work.name = "onpath.close";
  work.work = [self = shared_from_this()]() -> Result<void> {
    self->sender_->close();
    return {};
  };
  work.after = [this](napi_env env) {
    closed_ = true;
    on_loop(env);
  };
  napi_value promise = run_off_loop(*environment_, std::move(work), Kept(environment_->env()));
  if (promise != nullptr) promise_.keep(promise);
  return promise;
}

std::vector<Napi::ClassPropertyDescriptor<NativeSender>> NativeSender::methods() {
  return {property<&NativeSender::send>("send"), property<&NativeSender::close>("close"),
          property<&NativeSender::stats>("stats")};
}

Napi::Value NativeSender::open(Environment& environment, SenderSpec spec) {
  napi_env env = environment.env();
  Result<std::shared_ptr<SenderCore>> opened = SenderCore::open(environment, std::move(spec));
  if (!opened.ok()) {
    throw_error(env, opened.error());
    return {};
  }
  Napi::Value object = make(environment, opened.value());
  if (!object.IsEmpty()) {
    napi_property_descriptor property = {"ssrc",          nullptr, nullptr,
                                         nullptr,         nullptr, js_count(env, opened.value()->ssrc()),
                                         napi_enumerable, nullptr};
    napi_define_properties(env, object, 1, &property);
  }
  return object;
}

Napi::Value NativeSender::send(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Reading reading{env};
  TextPlace place;
  place.request_id = Input(reading, info[1], "requestId").big_unsigned();
  if (const Input at(reading, info[2], "place"); core().texts() && !reading.failed) {
    place.offset = at["offset"].integer<uint64_t>();
    if (const Input timestamp = at["timestamp"]; !timestamp.is_undefined())
      place.timestamp = timestamp.integer<uint32_t>();
    place.last = at["last"].boolean();
    place.length = at["length"].integer<uint64_t>();
  }
  const std::optional<Bytes> bytes = bytes_of(env, info[0]);
  if (!bytes) {
    Input(reading, info[0], "bytes").fail("a Uint8Array");
  } else if (!core().texts() && bytes->size != core().sample_bytes()) {
    Input(reading, info[0], "bytes")
        .fail_because("expected the " + std::to_string(core().sample_bytes()) +
                      " bytes of one sample, received " + std::to_string(bytes->size) + ".");
  }
  napi_value promise = reading.failed ? nullptr : core().send(info.This(), info[0], *bytes, place);
  if (promise == nullptr) promise = rejected_with_pending(env);
  return {env, promise};
}

Napi::Value NativeSender::close(const Napi::CallbackInfo& info) { return {info.Env(), core().close()}; }

Napi::Value NativeSender::stats(const Napi::CallbackInfo& info) {
  napi_env env = info.Env();
  const SenderStats stats = core().stats();
  ObjectWriter object(env);
  object.count("nacksReceived", stats.nacks_received).count("resent", stats.resent);
  object.count("refused", stats.refused).count("probes", stats.probes);
  object.count("rtcpDropped", stats.rtcp_dropped);
  object.set("reports", js_array(env, stats.reports, [&](const ReceiverReport& report) {
               ObjectWriter one(env);
               one.count("ssrc", report.reporter).number("fractionLost", report.fraction_lost);
               one.number("packetsLost", report.packets_lost);
               one.count("highestSequence", report.highest_sequence).number("jitterMs", report.jitter_ms);
               one.set("roundTripMs",
                       report.round_trip_ms ? js_number(env, *report.round_trip_ms) : js_undefined(env));
               return one.value();
             }));
  return {env, object.value()};
}

}  // namespace onpath::addon
