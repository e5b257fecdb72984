// One socket of a UDP port: datagrams in and out in batches. Hot path: no lock, no allocation; the only
// system calls are the batched socket calls.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <vector>

#include "base/result.h"
#include "dataplane/counters.h"
#include "dataplane/port_abi.h"
#include "dataplane/region.h"

namespace onpath {

union SocketAddress {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

class UdpQueue {
 public:
  /// Owns the bound, non-blocking socket. `coalesced`: the kernel may join datagrams (UDP_GRO); `segments`:
  /// it may cut them (UDP_SEGMENT).
  struct Options {
    int socket = -1;
    int family = AF_INET;
    uint32_t max_bytes = 0;
    bool coalesced = false;
    bool segments = false;
    onpath_endpoint local{};
  };
  explicit UdpQueue(const Options& options);
  ~UdpQueue();
  UdpQueue(const UdpQueue&) = delete;
  UdpQueue& operator=(const UdpQueue&) = delete;
  /// Errors: OUT_OF_MEMORY.
  Result<void> take_memory();

  uint32_t receive(onpath_packet* packets, uint32_t count);
  uint32_t allocate(onpath_packet* packets, uint32_t count);
  uint32_t transmit(onpath_packet* packets, uint32_t count);
  void release(const onpath_packet* packets, uint32_t count);
  int fd() const { return options_.socket; }
  void count(onpath_port_counters& to) const;

 private:
  static constexpr uint32_t kBatch = 32;        // messages per system call
  static constexpr uint32_t kMaxSegments = 64;  // datagrams in one message (UDP_MAX_SEGMENTS of old kernels)
  static constexpr uint32_t kMaxMessageBytes = 65000;  // under 65535 with headers
  static constexpr uint32_t kReceiveBuffers = 128;
  static constexpr uint32_t kTransmitBuffers = 512;

  /// One received message: a datagram, or several of `segment` bytes (the last may be shorter) that the
  /// kernel joined.
  struct Message {
    uint8_t* data = nullptr;
    uint32_t length = 0;
    uint32_t segment = 0;
    uint32_t given = 0;  // bytes handed out as packets
    uint32_t users = 0;  // packets not released yet, and one while some are not handed out
    bool truncated = false;
    onpath_endpoint source{};
  };
  struct alignas(cmsghdr) Control {
    uint8_t bytes[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(uint32_t))];
  };

  bool fetch();
  void read_control(const msghdr& header, Message& message);
  void give(Message& message, onpath_packet& packet);
  void unuse(Message& message);
  /// Packets [first, ...) as one message: how many packets it takes.
  void refuse(onpath_packet& packet);
  uint32_t compose(const onpath_packet* packets, uint32_t count, uint32_t message);
  bool address(const onpath_endpoint& to, SocketAddress& out, socklen_t& length) const;

  const Options options_;
  bool segments_;
  const uint64_t receive_stride_;
  Region receive_memory_;
  Region transmit_memory_;
  std::vector<Message> messages_;
  std::vector<uint32_t> free_messages_;
  std::vector<uint8_t*> free_transmit_;
  std::array<uint32_t, kBatch> fetched_;
  uint32_t fetched_first_ = 0, fetched_last_ = 0;
  uint32_t overflow_ = 0;  // the socket's own count of lost datagrams, as last read
  std::array<mmsghdr, kBatch> headers_;
  std::array<SocketAddress, kBatch> addresses_;
  std::array<Control, kBatch> controls_;
  std::array<iovec, kMaxSegments> vectors_;
  std::array<uint32_t, kBatch> packets_of_;
  uint32_t vectors_used_ = 0;
  Counter rx_packets_, rx_bytes_, rx_missed_, tx_packets_, tx_bytes_;
};

/// Address and port as the port interface has them.
onpath_endpoint endpoint_of(const SocketAddress& address);

}  // namespace onpath
