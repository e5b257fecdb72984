// NativeSender: samples on their way out. Their bytes stay JavaScript's, referenced until they are sent;
// completions come from the sender's thread over the environment's one wake-up. Must not know packets.
#pragma once

#include <napi.h>

#include <memory>
#include <mutex>
#include <vector>

#include "addon/bytes.h"
#include "addon/plane.h"
#include "addon/plane_from_js.h"
#include "addon/wrapped.h"
#include "dataplane/sender.h"

namespace onpath::addon {

class SenderCore : public Member, public std::enable_shared_from_this<SenderCore> {
 public:
  static Result<std::shared_ptr<SenderCore>> open(Environment& environment, SenderSpec spec);

  /// `plane` is the one whose port it leaves by; null if the port is its own.
  SenderCore(Environment& environment, std::shared_ptr<PlaneCore> plane, std::unique_ptr<Sender> sender,
             uint64_t sample_bytes, bool texts);
  ~SenderCore() override;

  /// Settles what has been sent.
  void on_loop(napi_env env) override;
  void shut_down(napi_env env) override;

  /// A promise for a SendReport. Of an image only the request id of `place` counts. `self` is the object of
  /// JavaScript, kept until then. Null with an exception pending.
  napi_value send(napi_value self, napi_value value, const Bytes& bytes, const TextPlace& place);
  /// The promise of the one close there is; starts it. Null with an exception pending.
  napi_value close();
  uint32_t ssrc() const { return sender_->ssrc(); }
  SenderStats stats() const { return sender_->stats(); }
  uint64_t sample_bytes() const { return sample_bytes_; }
  bool texts() const { return texts_; }

 private:
  /// One send() that has not settled; made and ended on the environment's thread.
  struct Job {
    Kept kept;
    std::shared_ptr<std::vector<uint8_t>> copy;
    napi_deferred deferred;
  };
  struct Done {
    Job* job;
    Result<SendReport> result;
  };

  void settle(napi_env env, Done done);
  std::vector<Done> take_done();

  const std::shared_ptr<Environment> environment_;
  const std::shared_ptr<PlaneCore> plane_;  // outlives the sender
  const std::unique_ptr<Sender> sender_;
  const uint64_t sample_bytes_;
  const bool texts_;
  Kept promise_;
  bool closed_ = false;
  std::mutex mutex_;  // guards done_
  std::vector<Done> done_;
};

class NativeSender : public Wrapped<NativeSender, SenderCore> {
 public:
  static constexpr ClassId kId = ClassId::sender;
  static constexpr napi_type_tag kTag = {0x6f6e706174685f73, 0x656e646572000001};
  using Wrapped::Wrapped;
  static std::vector<Napi::ClassPropertyDescriptor<NativeSender>> methods();

  /// Opens and wraps; an exception is pending if that failed.
  static Napi::Value open(Environment& environment, SenderSpec spec);

 private:
  Napi::Value send(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);
  Napi::Value stats(const Napi::CallbackInfo& info);
};

}  // namespace onpath::addon
