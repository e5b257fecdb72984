// NativePlane: an open data plane as JavaScript holds it. It keeps itself and, unless unref'd, the process
// alive until it is closed; an environment that ends first closes it. Must not know packets.
#pragma once

#include <napi.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "addon/bytes.h"
#include "addon/plane_from_js.h"
#include "addon/sink.h"
#include "addon/text_sink.h"
#include "addon/wrapped.h"
#include "dataplane/plane.h"

namespace onpath::addon {

/// A plane that runs, before JavaScript has it.
struct StartedPlane {
  std::unique_ptr<Plane> plane;
  std::map<std::string, Endpoint> local_ports;  // udp ports
  std::vector<std::string> host_routes;
};

/// Opens the ports and starts the plane. On failure nothing stays open. Any thread; may take seconds.
Result<StartedPlane> open_plane(PlaneSpec spec);

class PlaneCore : public Member, public std::enable_shared_from_this<PlaneCore> {
 public:
  static std::shared_ptr<PlaneCore> adopt(Environment& environment, StartedPlane started);

  PlaneCore(Environment& environment, StartedPlane started);
  ~PlaneCore() override;

  void on_loop(napi_env) override {}
  void shut_down(napi_env env) override;

  /// From now on `object` is kept until close.
  bool opened(napi_value object);
  /// The promise of the one close there is; starts it. Null with an exception pending.
  napi_value close();
  void set_referenced(bool referenced);
  /// The promise of a swap, carried out off the event loop. Null with an exception pending.
  napi_value swap(std::vector<RouteSwap> swaps);
  Result<std::unique_ptr<Sender>> open_sender(const std::string& port, SenderConfig config);
  PlaneStats stats() const;
  std::vector<onpath_port_info> port_infos() const;

  const Plane& plane() const { return *plane_; }
  const std::map<std::string, Endpoint>& local_ports() const { return local_ports_; }
  const std::map<std::string, std::shared_ptr<SinkCore>>& sinks() const { return sinks_; }
  const std::map<std::string, std::shared_ptr<TextSinkCore>>& text_sinks() const { return text_sinks_; }

 private:
  enum class State : uint8_t { open, closing, closed };

  void closed(napi_env env);

  const std::shared_ptr<Environment> environment_;
  const std::unique_ptr<Plane> plane_;
  std::map<std::string, Endpoint> local_ports_;             // udp ports
  std::map<std::string, std::shared_ptr<SinkCore>> sinks_;  // host routes
  std::map<std::string, std::shared_ptr<TextSinkCore>> text_sinks_;
  ExternalMemory memory_;  // what a closed plane still holds until it is collected
  Kept object_;
  Kept promise_;
  State state_ = State::open;
  bool referenced_ = false;
  // Of the moment close() was called: the first shown until it is done, the second from then on.
  PlaneStats last_stats_;
  std::vector<onpath_port_info> last_infos_;
};

class NativePlane : public Wrapped<NativePlane, PlaneCore> {
 public:
  static constexpr ClassId kId = ClassId::plane;
  static constexpr napi_type_tag kTag = {0x6f6e706174685f70, 0x6c616e6500000001};
  using Wrapped::Wrapped;
  static std::vector<Napi::ClassPropertyDescriptor<NativePlane>> methods();

  /// A promise for the plane, started off the event loop. If the environment ends meanwhile, the plane is
  /// closed. Null with an exception pending.
  static napi_value start(Environment& environment, PlaneSpec spec);

 private:
  Napi::Value sink(const Napi::CallbackInfo& info);
  Napi::Value text_sink(const Napi::CallbackInfo& info);
  Napi::Value stats(const Napi::CallbackInfo& info);
  Napi::Value port_infos(const Napi::CallbackInfo& info);
  Napi::Value local_ports(const Napi::CallbackInfo& info);
  Napi::Value swap(const Napi::CallbackInfo& info);
  Napi::Value versions(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);
  Napi::Value ref(const Napi::CallbackInfo& info);
  Napi::Value unref(const Napi::CallbackInfo& info);
};

}  // namespace onpath::addon
