#include "port/udp_queue.h"

#include <netinet/udp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103  // Linux 4.18
#endif
#ifndef UDP_GRO
#define UDP_GRO 104  // Linux 5.0
#endif

namespace onpath {
namespace {

constexpr uint8_t kMappedPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr uint32_t kCoalescedBytes = 65536;

bool is_mapped(const onpath_endpoint& endpoint) {
  return std::memcmp(endpoint.address, kMappedPrefix, 12) == 0;
}

}  // namespace

onpath_endpoint endpoint_of(const SocketAddress& address) {
  onpath_endpoint endpoint{};
  if (address.any.sa_family == AF_INET) {
    std::memcpy(endpoint.address, kMappedPrefix, 12);
    std::memcpy(endpoint.address + 12, &address.v4.sin_addr, 4);
    endpoint.port = ntohs(address.v4.sin_port);
  } else {
    std::memcpy(endpoint.address, &address.v6.sin6_addr, 16);
    endpoint.port = ntohs(address.v6.sin6_port);
  }
  return endpoint;
}

UdpQueue::UdpQueue(const Options& options)
    : options_(options),
      segments_(options.segments),
      // One byte more than the longest, rounded up: a longer datagram is seen to be one.
      receive_stride_(options.coalesced ? kCoalescedBytes : (uint64_t{options.max_bytes} + 64) / 64 * 64) {}

UdpQueue::~UdpQueue() { ::close(options_.socket); }

Result<void> UdpQueue::take_memory() {
  const uint64_t transmit_stride = (uint64_t{options_.max_bytes} + 63) / 64 * 64;
  auto receive = Region::take(receive_stride_ * kReceiveBuffers, "receive buffers of a udp port");
  if (!receive) return receive.error();
  auto transmit = Region::take(transmit_stride * kTransmitBuffers, "transmit buffers of a udp port");
  if (!transmit) return transmit.error();
  receive_memory_ = std::move(receive).value();
  transmit_memory_ = std::move(transmit).value();
  messages_.resize(kReceiveBuffers);
  for (uint32_t i = 0; i < kReceiveBuffers; ++i) {
    messages_[i].data = receive_memory_.data() + receive_stride_ * i;
    free_messages_.push_back(kReceiveBuffers - 1 - i);
  }
  for (uint32_t i = 0; i < kTransmitBuffers; ++i) {
    free_transmit_.push_back(transmit_memory_.data() + transmit_stride * i);
  }
  return {};
}

uint32_t UdpQueue::receive(onpath_packet* packets, uint32_t count) {
  uint32_t received = 0;
  uint64_t bytes = 0;
  bool asked = false;
  while (received < count) {
    if (fetched_first_ == fetched_last_) {
      // One system call per call at most: a socket that always has more must not keep us here.
      if (asked || !fetch()) break;
      asked = true;
    }
    Message& message = messages_[fetched_[fetched_first_]];
    give(message, packets[received]);
    bytes += packets[received].length;
    ++received;
    if (message.given >= message.length) {
      ++fetched_first_;
      unuse(message);
    }
  }
  if (received > 0) {
    rx_packets_.add(received);
    rx_bytes_.add(bytes);
  }
  return received;
}

void UdpQueue::give(Message& message, onpath_packet& packet) {
  const uint32_t length = std::min(message.segment, message.length - message.given);
  packet.data = message.data + message.given;
  packet.length = std::min(length, options_.max_bytes);
  packet.capacity = 0;
  packet.flags = ONPATH_PACKET_IP_CHECKSUM_OK | ONPATH_PACKET_UDP_CHECKSUM_OK;
  if (message.truncated || length > options_.max_bytes) packet.flags |= ONPATH_PACKET_TRUNCATED;
  packet.mark = 0;
  packet.headroom = 0;
  packet.time_ns = 0;
  packet.handle = &message;
  packet.source = message.source;
  packet.destination = options_.local;
  message.given += length;
  ++message.users;
}

void UdpQueue::unuse(Message& message) {
  if (--message.users == 0) free_messages_.push_back(static_cast<uint32_t>(&message - messages_.data()));
}

bool UdpQueue::fetch() {
  const auto wanted = static_cast<uint32_t>(std::min<size_t>(free_messages_.size(), kBatch));
  if (wanted == 0) return false;
  const size_t top = free_messages_.size() - 1;
  for (uint32_t i = 0; i < wanted; ++i) {
    Message& message = messages_[free_messages_[top - i]];
    vectors_[i] = {message.data, receive_stride_};
    msghdr& header = headers_[i].msg_hdr;
    header = {};
    header.msg_name = &addresses_[i];
    header.msg_namelen = sizeof(SocketAddress);
    header.msg_iov = &vectors_[i];
    header.msg_iovlen = 1;
    header.msg_control = controls_[i].bytes;
    header.msg_controllen = sizeof controls_[i].bytes;
  }
  const int got = recvmmsg(options_.socket, headers_.data(), wanted, MSG_DONTWAIT, nullptr);
  if (got <= 0) return false;
  fetched_first_ = 0;
  fetched_last_ = static_cast<uint32_t>(got);
  for (uint32_t i = 0; i < fetched_last_; ++i) {
    fetched_[i] = free_messages_.back();
    free_messages_.pop_back();
    Message& message = messages_[fetched_[i]];
    message.length = headers_[i].msg_len;
    message.segment = std::max(message.length, 1u);
    message.given = 0;
    message.users = 1;
    message.truncated = (headers_[i].msg_hdr.msg_flags & MSG_TRUNC) != 0;
    message.source = endpoint_of(addresses_[i]);
    read_control(headers_[i].msg_hdr, message);
  }
  return true;
}

void UdpQueue::read_control(const msghdr& header, Message& message) {
  msghdr& walked = const_cast<msghdr&>(header);  // CMSG_NXTHDR wants it so
  for (cmsghdr* control = CMSG_FIRSTHDR(&walked); control != nullptr;
       control = CMSG_NXTHDR(&walked, control)) {
    if (control->cmsg_level == IPPROTO_UDP && control->cmsg_type == UDP_GRO) {
      int bytes = 0;
      std::memcpy(&bytes, CMSG_DATA(control), sizeof bytes);
      if (bytes > 0) message.segment = static_cast<uint32_t>(bytes);
    } else if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SO_RXQ_OVFL) {
      uint32_t lost = 0;
      std::memcpy(&lost, CMSG_DATA(control), sizeof lost);
      rx_missed_.add(lost - overflow_);
      overflow_ = lost;
    }
  }
}

uint32_t UdpQueue::allocate(onpath_packet* packets, uint32_t count) {
  uint32_t given = 0;
  for (; given < count && !free_transmit_.empty(); ++given) {
    packets[given] = {};
    packets[given].data = free_transmit_.back();
    packets[given].capacity = options_.max_bytes;
    free_transmit_.pop_back();
  }
  return given;
}

void UdpQueue::release(const onpath_packet* packets, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) {
    if (packets[i].handle != nullptr) {
      unuse(*static_cast<Message*>(packets[i].handle));
    } else {
      free_transmit_.push_back(packets[i].data);
    }
  }
}

bool UdpQueue::address(const onpath_endpoint& to, SocketAddress& out, socklen_t& length) const {
  out = {};
  if (options_.family == AF_INET) {
    if (!is_mapped(to)) return false;
    out.v4.sin_family = AF_INET;
    out.v4.sin_port = htons(to.port);
    std::memcpy(&out.v4.sin_addr, to.address + 12, 4);
    length = sizeof out.v4;
  } else {
    out.v6.sin6_family = AF_INET6;
    out.v6.sin6_port = htons(to.port);
    std::memcpy(&out.v6.sin6_addr, to.address, 16);
    length = sizeof out.v6;
  }
  return true;
}

uint32_t UdpQueue::compose(const onpath_packet* packets, uint32_t count, uint32_t message) {
  const uint32_t room = kMaxSegments - vectors_used_;
  msghdr& header = headers_[message].msg_hdr;
  header = {};
  if (room == 0 || packets[0].length > options_.max_bytes ||
      !address(packets[0].destination, addresses_[message], header.msg_namelen)) {
    return 0;
  }
  // A run of datagrams of one size to one place, the last of which may be shorter, travels as one message.
  const uint32_t segment = packets[0].length;
  uint32_t taken = 0, bytes = 0;
  do {
    vectors_[vectors_used_ + taken] = {packets[taken].data, packets[taken].length};
    bytes += packets[taken].length;
    ++taken;
  } while (segments_ && segment > 0 && taken < std::min(count, room) &&
           packets[taken - 1].length == segment && packets[taken].length > 0 &&
           packets[taken].length <= segment && bytes + packets[taken].length <= kMaxMessageBytes &&
           std::memcmp(&packets[taken].destination.address, &packets[0].destination.address, 16) == 0 &&
           packets[taken].destination.port == packets[0].destination.port);
  header.msg_name = &addresses_[message];
  header.msg_iov = &vectors_[vectors_used_];
  header.msg_iovlen = taken;
  vectors_used_ += taken;
  if (taken > 1) {
    header.msg_control = controls_[message].bytes;
    header.msg_controllen = CMSG_SPACE(sizeof(uint16_t));
    cmsghdr* control = CMSG_FIRSTHDR(&header);
    control->cmsg_level = IPPROTO_UDP;
    control->cmsg_type = UDP_SEGMENT;
    control->cmsg_len = CMSG_LEN(sizeof(uint16_t));
    const auto bytes_each = static_cast<uint16_t>(segment);
    std::memcpy(CMSG_DATA(control), &bytes_each, sizeof bytes_each);
  }
  return taken;
}

void UdpQueue::refuse(onpath_packet& packet) {
  packet.flags |= ONPATH_PACKET_REFUSED;
  free_transmit_.push_back(packet.data);
}

uint32_t UdpQueue::transmit(onpath_packet* packets, uint32_t count) {
  uint32_t sent = 0;  // accepted: transmitted or refused for good
  uint32_t transmitted = 0;
  uint64_t bytes = 0;
  while (sent < count) {
    vectors_used_ = 0;
    uint32_t messages = 0;
    for (uint32_t composed = sent; composed < count && messages < kBatch; ++messages) {
      packets_of_[messages] = compose(packets + composed, count - composed, messages);
      if (packets_of_[messages] == 0) break;
      composed += packets_of_[messages];
    }
    if (messages == 0) {  // the first packet is for no address of this socket's family, or too long
      refuse(packets[sent++]);
      continue;
    }
    const int done = sendmmsg(options_.socket, headers_.data(), messages, MSG_DONTWAIT);
    if (done <= 0) {
      // A path that cannot carry segments (their size over its MTU, no checksum offload) takes single
      // datagrams.
      const bool refused_segments =
          packets_of_[0] > 1 && (errno == EINVAL || errno == EMSGSIZE || errno == EIO || errno == EOPNOTSUPP);
      if (refused_segments) {
        segments_ = false;
        continue;
      }
      if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS || errno == EINTR) break;
      // The system will not send there (no route, not permitted, too long): the next ones must not wait for
      // it.
      for (uint32_t i = 0; i < packets_of_[0]; ++i) refuse(packets[sent++]);
      continue;
    }
    for (int m = 0; m < done; ++m) {
      for (uint32_t i = 0; i < packets_of_[static_cast<size_t>(m)]; ++i, ++sent, ++transmitted) {
        bytes += packets[sent].length;
        free_transmit_.push_back(packets[sent].data);
      }
    }
  }
  if (transmitted > 0) {
    tx_packets_.add(transmitted);
    tx_bytes_.add(bytes);
  }
  return sent;
}

void UdpQueue::count(onpath_port_counters& to) const {
  to.rx_packets += rx_packets_.get();
  to.rx_bytes += rx_bytes_.get();
  to.rx_missed += rx_missed_.get();
  to.tx_packets += tx_packets_.get();
  to.tx_bytes += tx_bytes_.get();
}

}  // namespace onpath
