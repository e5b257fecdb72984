// Configurations of planes and senders as native code takes them, and the ports in them, opened. Checks types
// and ranges of numbers; what they mean is the data plane's to judge.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "addon/input.h"
#include "dataplane/config.h"
#include "dataplane/sender.h"
#include "port/memory_port.h"
#include "port/udp_port.h"

namespace onpath::addon {

struct PortSpec {
  std::string name;
  std::variant<MemoryPortConfig, UdpPortConfig> config;
};

/// Owns an open port until it is handed on.
struct DestroyPort {
  void operator()(const onpath_port* port) const { port->destroy(port->self); }
};
using OwnedPort = std::unique_ptr<const onpath_port, DestroyPort>;

Result<OwnedPort> open_port(const PortSpec& spec);

struct PlaneSpec {
  std::vector<PortSpec> ports;
  std::vector<RouteConfig> routes;
  uint32_t workers = 1;
  uint64_t max_memory_bytes = 0;
  uint64_t idle_after_ns = 0;
};

struct SenderSpec {
  PortSpec port;
  SenderConfig config;  // its port is still to be opened
};

/// Anything if reading failed. They open nothing.
PlaneSpec plane_from_js(const Input& input);
SenderSpec sender_from_js(const Input& input);

}  // namespace onpath::addon
