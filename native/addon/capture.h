// NativeCapture: a capture of a plane as JavaScript holds it. It is stopped when its object is collected.
// Must not know packets.
#pragma once

#include <napi.h>

#include <memory>
#include <mutex>
#include <vector>

#include "addon/bytes.h"
#include "addon/plane.h"
#include "addon/wrapped.h"
#include "dataplane/capture.h"

namespace onpath::addon {

class CaptureCore : public Member, public std::enable_shared_from_this<CaptureCore> {
 public:
  /// Between a capture, which outlives its core while the plane completes it, and the core.
  struct EndNotice {
    std::mutex mutex;
    CaptureCore* core = nullptr;
    bool ended = false;

    /// From the thread that ended the capture.
    void tell();
  };

  CaptureCore(Environment& environment, std::shared_ptr<EndNotice> notice, std::shared_ptr<Capture> capture);
  ~CaptureCore() override;

  /// The capture has ended.
  void on_loop(napi_env env) override;
  void shut_down(napi_env env) override;

  /// Called once, when the capture has ended.
  void on_end(napi_value function);
  /// A promise for the end of the file. Null with an exception pending.
  napi_value stop();
  Capture& capture() { return *capture_; }

 private:
  const std::shared_ptr<Environment> environment_;
  const std::shared_ptr<EndNotice> notice_;
  const std::shared_ptr<Capture> capture_;
  Kept notify_;
};

class NativeCapture : public Wrapped<NativeCapture, CaptureCore> {
 public:
  static constexpr ClassId kId = ClassId::capture;
  static constexpr napi_type_tag kTag = {0x6f6e706174685f63, 0x6170747572650001};
  using Wrapped::Wrapped;
  static std::vector<Napi::ClassPropertyDescriptor<NativeCapture>> methods();

  /// A promise for a capture of the plane, started off the event loop. Null with an exception pending.
  static napi_value start(Environment& environment, std::shared_ptr<PlaneCore> plane, CaptureConfig config);

 private:
  Napi::Value stats(const Napi::CallbackInfo& info);
  Napi::Value read(const Napi::CallbackInfo& info);
  Napi::Value on_end(const Napi::CallbackInfo& info);
  Napi::Value stop(const Napi::CallbackInfo& info);
};

/// Anything if reading failed.
CaptureConfig capture_from_js(const Input& input);

}  // namespace onpath::addon
