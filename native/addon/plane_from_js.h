// Configurations of planes and senders as native code takes them. Checks types and ranges of numbers; what
// they mean is the data plane's to judge.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "addon/input.h"
#include "addon/port_from_js.h"
#include "dataplane/config.h"
#include "dataplane/route_versions.h"
#include "dataplane/sender.h"

namespace onpath::addon {

class PlaneCore;

struct PlaneSpec {
  std::optional<DpdkOptions> eal;
  std::vector<PortSpec> ports;
  std::vector<RouteConfig> routes;
  uint32_t workers = 1;
  uint64_t max_memory_bytes = 0;
  uint64_t idle_after_ns = 0;
};

struct PortOfPlane {
  std::shared_ptr<PlaneCore> plane;
  std::string name;
};

struct SenderSpec {
  std::variant<PortSpec, PortOfPlane> port;
  SenderConfig config;  // its port is still to be opened
};

/// Anything if reading failed. They open nothing.
PlaneSpec plane_from_js(const Input& input);
std::vector<RouteSwap> swaps_from_js(const Input& input);
SenderSpec sender_from_js(const Input& input);

}  // namespace onpath::addon
