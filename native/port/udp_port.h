// Kernel UDP sockets as a port (datagram framing).
#pragma once

#include <cstdint>

#include "base/result.h"
#include "dataplane/port_abi.h"
#include "wire/address.h"

namespace onpath {

struct UdpPortConfig {
  Endpoint bind;                             // port 0: chosen by the system; see udp_port_local
  uint32_t queues = 1;                       // SO_REUSEPORT sockets
  uint32_t receive_buffer_bytes = 8u << 20;  // SO_RCVBUF(FORCE) asked for
  uint32_t max_bytes = 9000;                 // longest datagram
  bool offload = true;                       // UDP_GRO and UDP_SEGMENT where the kernel has them
};

/// Errors: ADDRESS_IN_USE, PERMISSION_DENIED, PORT_FAILED, INVALID_ARGUMENT.
Result<const onpath_port*> open_udp_port(const UdpPortConfig& config);

/// Where the sockets are bound, with the port the system chose.
Endpoint udp_port_local(const onpath_port* port);

}  // namespace onpath
