// Configurations of ports as native code takes them, and ports opened from them. Checks types and ranges of
// numbers; what they mean is the ports' to judge.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "addon/input.h"
#include "dataplane/config.h"
#include "port/dpdk_port.h"
#include "port/impaired_port.h"
#include "port/memory_port.h"
#include "port/udp_port.h"

namespace onpath::addon {

struct PortSpec {
  std::string name;
  std::variant<MemoryPortConfig, UdpPortConfig, DpdkPortConfig> config;
  std::optional<LocalHostConfig> host;  // dpdk ports
  Impairments impairments;
};

/// Owns an open port until it is handed on.
struct DestroyPort {
  void operator()(const onpath_port* port) const { port->destroy(port->self); }
};
using OwnedPort = std::unique_ptr<const onpath_port, DestroyPort>;

/// Any thread. A dpdk port takes start_dpdk() first, and seconds.
Result<OwnedPort> open_port(const PortSpec& spec);
/// The port itself, or one over it that does what is asked for.
Result<OwnedPort> impair(OwnedPort port, const Impairments& impairments);

/// Anything if reading failed. They open and start nothing.
PortSpec port_from_js(const Input& input);
DpdkOptions eal_from_js(const Input& input);

}  // namespace onpath::addon
