// A port that a test fills and empties by hand, on one thread. Every frame lies in a heap block of its exact
// size, so that AddressSanitizer sees a read one past the end.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <vector>

#include "dataplane/port_abi.h"

namespace onpath::testing {

class FakePort {
 public:
  explicit FakePort(uint32_t framing = ONPATH_FRAMING_ETHERNET) {
    port_.size = sizeof port_;
    port_.version = ONPATH_PORT_ABI_VERSION;
    port_.self = this;
    port_.queues = 1;
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
    for (const onpath_packet& packet : waiting_) delete[] packet.data;
  }
  FakePort(const FakePort&) = delete;

  const onpath_port* port() const { return &port_; }
  onpath_port& table() { return port_; }

  void arrive(std::vector<uint8_t> bytes, uint32_t flags = 0, uint32_t mark = 0, uint64_t time_ns = 0) {
    onpath_packet packet{};
    packet.data = new uint8_t[bytes.size()];
    std::copy(bytes.begin(), bytes.end(), packet.data);
    packet.length = static_cast<uint32_t>(bytes.size());
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
  bool destroyed = false;

 private:
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
    delete[] packet.data;
    --outstanding;
  }
  uint32_t allocate(onpath_packet* packets, uint32_t count) {
    uint32_t n = 0;
    for (; n < count && gives > 0; ++n) {
      packets[n] = {};
      packets[n].data = new uint8_t[port_.max_bytes];
      packets[n].capacity = port_.max_bytes;
      if (gives != UINT32_MAX) --gives;
      ++outstanding;
    }
    return n;
  }
  uint32_t transmit(onpath_packet* packets, uint32_t count) {
    uint32_t n = 0;
    for (; n < count && accepts > 0; ++n) {
      sent.emplace_back(packets[n].data, packets[n].data + packets[n].length);
      sent_to.push_back(packets[n].destination);
      if (accepts != UINT32_MAX) --accepts;
      ++counters_.tx_packets;
      release(packets[n]);
    }
    return n;
  }

  onpath_port port_{};
  std::deque<onpath_packet> waiting_;
  onpath_port_counters counters_{};
};

}  // namespace onpath::testing
