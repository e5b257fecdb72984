// Opening and closing UDP ports. Control path only.
#include "port/udp_port.h"

#include <netinet/udp.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "port/udp_queue.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

namespace onpath {
namespace {

constexpr uint32_t kMaxQueues = 64;
constexpr uint32_t kMinBytes = 64;
constexpr uint32_t kMaxBytes = 65507;  // of a UDP payload over IPv4

struct UdpPort {
  onpath_port port{};
  Endpoint local;
  std::vector<std::unique_ptr<UdpQueue>> queues;
};

UdpQueue& queue_of(void* self, uint32_t queue) { return *static_cast<UdpPort*>(self)->queues[queue]; }

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(other.give()) {}
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  int fd() const { return fd_; }
  int give() {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }
  bool set(int level, int option, int value) const {
    return setsockopt(fd_, level, option, &value, sizeof value) == 0;
  }

 private:
  int fd_;
};

Error system_error(const std::string& what, int error) {
  const std::string text = what + ": " + std::strerror(error) + ".";
  switch (error) {
    case EADDRINUSE:
      return {ErrorCode::ADDRESS_IN_USE,
              text + " Choose another UDP port or close the socket that has this one."};
    case EACCES:
    case EPERM:
      return {ErrorCode::PERMISSION_DENIED, text + " UDP ports under 1024 need CAP_NET_BIND_SERVICE."};
    case EADDRNOTAVAIL:
      return {ErrorCode::PORT_FAILED, text + " No interface of this host has that address."};
    default:
      return {ErrorCode::PORT_FAILED, text};
  }
}

SocketAddress socket_address(const Endpoint& endpoint, int family, socklen_t& length) {
  SocketAddress address{};
  if (family == AF_INET) {
    address.v4.sin_family = AF_INET;
    address.v4.sin_port = htons(endpoint.port);
    std::memcpy(&address.v4.sin_addr, endpoint.address.bytes.data() + 12, 4);
    length = sizeof address.v4;
  } else {
    address.v6.sin6_family = AF_INET6;
    address.v6.sin6_port = htons(endpoint.port);
    std::memcpy(&address.v6.sin6_addr, endpoint.address.bytes.data(), 16);
    length = sizeof address.v6;
  }
  return address;
}

/// A socket bound to `at`, whose port is filled in if the system chose it.
Result<Socket> bound_socket(Endpoint& at, bool shared) {
  const int family = at.address.is_v4() ? AF_INET : AF_INET6;
  Socket made(socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (made.fd() < 0) return system_error("A UDP socket for " + endpoint_text(at), errno);
  if (family == AF_INET6) made.set(IPPROTO_IPV6, IPV6_V6ONLY, at.address == IpAddress{} ? 0 : 1);
  if (shared && !made.set(SOL_SOCKET, SO_REUSEPORT, 1))
    return system_error("SO_REUSEPORT for " + endpoint_text(at), errno);
  socklen_t length = 0;
  SocketAddress address = socket_address(at, family, length);
  if (bind(made.fd(), &address.any, length) != 0)
    return system_error("Binding UDP " + endpoint_text(at), errno);
  length = sizeof address;
  if (getsockname(made.fd(), &address.any, &length) != 0)
    return system_error("The address of UDP " + endpoint_text(at), errno);
  at.port = endpoint_of(address).port;
  return made;
}

Result<void> check(const UdpPortConfig& config) {
  const auto invalid = [](const std::string& text) { return Error{ErrorCode::INVALID_ARGUMENT, text}; };
  if (config.queues < 1 || config.queues > kMaxQueues) {
    return invalid("queues is " + std::to_string(config.queues) + ", expected 1 to " +
                   std::to_string(kMaxQueues) + ".");
  }
  if (config.max_bytes < kMinBytes || config.max_bytes > kMaxBytes) {
    return invalid("maxBytes is " + std::to_string(config.max_bytes) + ", expected " +
                   std::to_string(kMinBytes) + " to " + std::to_string(kMaxBytes) + ".");
  }
  if (config.receive_buffer_bytes > 1u << 30) {
    return invalid("receiveBufferBytes is " + std::to_string(config.receive_buffer_bytes) +
                   ", expected at most 2^30.");
  }
  return {};
}

void set_receive_buffer(const Socket& made, uint32_t bytes) {
  // The kernel doubles what it is asked for, to cover its own bookkeeping.
  const int wanted = static_cast<int>(bytes / 2);
  if (bytes > 0 && !made.set(SOL_SOCKET, SO_RCVBUFFORCE, wanted)) made.set(SOL_SOCKET, SO_RCVBUF, wanted);
}

Result<void> open_queues(const UdpPortConfig& config, UdpPort& port) {
  port.local = config.bind;
  const bool shared = config.queues > 1;
  if (shared) {
    // Sockets that share a port would also share it with a stranger's: see first that it is free.
    auto probe = bound_socket(port.local, false);
    if (!probe) return probe.error();
  }
  std::vector<UdpQueue::Options> opened;
  for (uint32_t q = 0; q < config.queues; ++q) {
    auto made = bound_socket(port.local, shared);
    if (!made) return made.error();
    const Socket& socket = made.value();
    set_receive_buffer(socket, config.receive_buffer_bytes);
    socket.set(SOL_SOCKET, SO_RXQ_OVFL, 1);
    UdpQueue::Options options;
    options.family = config.bind.address.is_v4() ? AF_INET : AF_INET6;
    options.max_bytes = config.max_bytes;
    options.coalesced = config.offload && socket.set(IPPROTO_UDP, UDP_GRO, 1);
    // Zero changes nothing, but is refused by a kernel without segments.
    options.segments = config.offload && socket.set(IPPROTO_UDP, UDP_SEGMENT, 0);
    std::memcpy(options.local.address, port.local.address.bytes.data(), 16);
    options.local.port = port.local.port;
    options.socket = made.value().fd();
    auto queue = std::make_unique<UdpQueue>(options);
    made.value().give();
    if (auto ok = queue->take_memory(); !ok) return ok;
    port.queues.push_back(std::move(queue));
  }
  return {};
}

void fill_table(UdpPort& owner, const UdpPortConfig& config) {
  onpath_port& port = owner.port;
  port.size = sizeof(onpath_port);
  port.version = ONPATH_PORT_ABI_VERSION;
  port.self = &owner;
  port.queues = config.queues;
  port.transmit_queues = config.queues;
  port.framing = ONPATH_FRAMING_DATAGRAM;
  port.max_bytes = config.max_bytes;
  port.receive = [](void* self, uint32_t queue, onpath_packet* packets, uint32_t count) {
    return queue_of(self, queue).receive(packets, count);
  };
  port.release = [](void* self, uint32_t queue, const onpath_packet* packets, uint32_t count) {
    queue_of(self, queue).release(packets, count);
  };
  port.allocate = [](void* self, uint32_t queue, onpath_packet* packets, uint32_t count) {
    return queue_of(self, queue).allocate(packets, count);
  };
  port.transmit = [](void* self, uint32_t queue, onpath_packet* packets, uint32_t count) {
    return queue_of(self, queue).transmit(packets, count);
  };
  port.wait_fd = [](void* self, uint32_t queue) { return queue_of(self, queue).fd(); };
  port.arm = [](void*, uint32_t, int) {};  // a socket is readable while it holds a datagram
  port.counters = [](void* self, onpath_port_counters* out) {
    *out = {};
    for (const auto& queue : static_cast<UdpPort*>(self)->queues) queue->count(*out);
  };
  port.destroy = [](void* self) { delete static_cast<UdpPort*>(self); };
}

}  // namespace

Result<const onpath_port*> open_udp_port(const UdpPortConfig& config) {
  if (const auto ok = check(config); !ok) return ok.error();
  try {
    auto port = std::make_unique<UdpPort>();
    fill_table(*port, config);
    if (const auto ok = open_queues(config, *port); !ok) return ok.error();
    return static_cast<const onpath_port*>(&port.release()->port);
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::OUT_OF_MEMORY,
                 "The buffers of a udp port could not be had. Lower queues or maxBytes."};
  }
}

Endpoint udp_port_local(const onpath_port* port) { return static_cast<const UdpPort*>(port->self)->local; }

}  // namespace onpath
