// A port that a test fills and empties by hand, on one thread. Every frame lies in a heap block of its exact
// size, so that AddressSanitizer sees a read one past the end. With share_buffers() it gives handles and
// takes packets of other ports of its domain, as ports of one driver do.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <vector>

#include "dataplane/port_abi.h"
#include "wire/frame.h"

namespace onpath::testing {

class FakePort {
 public:
  explicit FakePort(uint32_t framing = ONPATH_FRAMING_ETHERNET) {
    port_.size = sizeof port_;
    port_.version = ONPATH_PORT_ABI_VERSION;
    port_.self = this;
    port_.queues = 1;
    port_.transmit_queues = 1;
    port_.framing = framing;
    port_.max_bytes = 2048;
    port_.receive = [](void* self, uint32_t, onpath_packet* packets, uint32_t count) {
      return static_cast<FakePort*>(self)->receive(packets, count);
    };
    port_.release = [](void* self, uint32_t, const onpath_packet* packets, uint32_t count) {
      for (uint32_t i = 0; i < count; ++i) static_cast<FakePort*>(self)->release(packets[i]);
    };
    port_.allocate = [](void* self, uint32_t, onpath_packet* packets, uint32_t count) {
      return static_cast<FakePort*>(self)->allocate(packets, count);
    };
    port_.transmit = [](void* self, uint32_t, onpath_packet* packets, uint32_t count) {
      return static_cast<FakePort*>(self)->transmit(packets, count);
    };
    port_.wait_fd = [](void*, uint32_t) { return -1; };
    port_.arm = [](void*, uint32_t, int) {};
    port_.counters = [](void* self, onpath_port_counters* out) {
      *out = static_cast<FakePort*>(self)->counters_;
    };
    port_.destroy = [](void* self) { static_cast<FakePort*>(self)->destroyed = true; };
  }
  ~FakePort() {
    for (const onpath_packet& packet : waiting_) discard(packet);
  }
  FakePort(const FakePort&) = delete;

  /// From now on packets lie in writable buffers with `headroom` bytes in front of them.
  void share_buffers(const void* domain, uint32_t headroom) {
    port_.domain = domain;
    headroom_ = headroom;
  }

  const onpath_port* port() const { return &port_; }
  onpath_port& table() { return port_; }

  void arrive(std::vector<uint8_t> bytes, uint32_t flags = 0, uint32_t mark = 0, uint64_t time_ns = 0) {
    onpath_packet packet = make(static_cast<uint32_t>(bytes.size()));
    std::copy(bytes.begin(), bytes.end(), packet.data);
    packet.length = static_cast<uint32_t>(bytes.size());
    if (read_only) packet.capacity = 0;
    packet.flags = flags;
    packet.mark = mark;
    packet.time_ns = time_ns;
    arrive(packet);
  }
  void arrive(const onpath_packet& packet) { waiting_.push_back(packet); }
  bool drained() const { return waiting_.empty(); }

  /// Frames that the plane sent, in order.
  std::vector<std::vector<uint8_t>> sent;
  std::vector<onpath_endpoint> sent_to;
  uint32_t accepts = UINT32_MAX;  // packets that transmit() still takes
  uint32_t gives = UINT32_MAX;    // transmit buffers that allocate() still has
  uint32_t outstanding = 0;       // received and not released, allocated and neither sent nor released
  uint32_t taken_over = 0;        // packets sent in buffers of another port
  bool read_only = false;         // of packets that arrive
  bool destroyed = false;

 private:
  struct Buffer {
    FakePort* owner;
    std::vector<uint8_t> block;
  };

  onpath_packet make(uint32_t bytes) {
    onpath_packet packet{};
    if (port_.domain == nullptr) {
      packet.data = new uint8_t[bytes];
      return packet;
    }
    auto* buffer = new Buffer{this, std::vector<uint8_t>(headroom_ + bytes)};
    packet.data = buffer->block.data() + headroom_;
    packet.headroom = headroom_;
    packet.capacity = bytes;
    packet.handle = buffer;
    return packet;
  }
  void discard(const onpath_packet& packet) {
    if (port_.domain == nullptr) {
      delete[] packet.data;
    } else {
      delete static_cast<Buffer*>(packet.handle);
    }
  }
  /// The headers, data and limits of a packet still lie in its buffer.
  void check_place(const onpath_packet& packet) const {
    if (port_.domain == nullptr) return;
    const std::vector<uint8_t>& block = static_cast<const Buffer*>(packet.handle)->block;
    if (packet.data - packet.headroom != block.data() ||
        packet.data + packet.capacity != block.data() + block.size() || packet.length > packet.capacity)
      std::abort();
  }
  /// What a NIC does with ONPATH_PACKET_FILL_CHECKSUMS.
  void fill_checksums(onpath_packet& packet) const {
    if ((port_.features & ONPATH_PORT_FILLS_CHECKSUMS) == 0) std::abort();
    uint8_t* ip = packet.data + 14;
    const bool v4 = ip[0] == 0x45;
    const auto store = [](uint8_t* at, uint16_t value) {
      at[0] = static_cast<uint8_t>(value >> 8);
      at[1] = static_cast<uint8_t>(value);
    };
    if (v4) {
      if (ip[10] != 0 || ip[11] != 0) std::abort();
      store(ip + 10, checksum_fold(checksum_add({ip, 20})));
    }
    uint8_t* udp = ip + (v4 ? 20 : 40);
    const uint16_t sum = checksum_fold(checksum_add({udp, packet.data + packet.length}));
    store(udp + 6, sum == 0 ? uint16_t{0xffff} : sum);
  }

  uint32_t receive(onpath_packet* packets, uint32_t count) {
    uint32_t n = 0;
    for (; n < count && !waiting_.empty(); ++n) {
      packets[n] = waiting_.front();
      waiting_.pop_front();
      ++counters_.rx_packets;
      counters_.rx_bytes += packets[n].length;
      ++outstanding;
    }
    return n;
  }
  void release(const onpath_packet& packet) {
    if (port_.domain == nullptr) {
      delete[] packet.data;
      --outstanding;
    } else if (packet.handle != nullptr) {
      auto* buffer = static_cast<Buffer*>(packet.handle);
      --buffer->owner->outstanding;
      delete buffer;
    }
  }
  uint32_t allocate(onpath_packet* packets, uint32_t count) {
    uint32_t n = 0;
    for (; n < count && gives > 0; ++n) {
      packets[n] = make(port_.max_bytes);
      packets[n].capacity = port_.max_bytes;
      if (gives != UINT32_MAX) --gives;
      ++outstanding;
    }
    return n;
  }
  uint32_t transmit(onpath_packet* packets, uint32_t count) {
    uint32_t n = 0;
    for (; n < count && accepts > 0; ++n) {
      check_place(packets[n]);
      if (port_.domain != nullptr && static_cast<Buffer*>(packets[n].handle)->owner != this) ++taken_over;
      if (packets[n].flags & ONPATH_PACKET_FILL_CHECKSUMS) fill_checksums(packets[n]);
      sent.emplace_back(packets[n].data, packets[n].data + packets[n].length);
      sent_to.push_back(packets[n].destination);
      if (accepts != UINT32_MAX) --accepts;
      ++counters_.tx_packets;
      release(packets[n]);
    }
    return n;
  }

  onpath_port port_{};
  uint32_t headroom_ = 0;
  std::deque<onpath_packet> waiting_;
  onpath_port_counters counters_{};
};

}  // namespace onpath::testing
