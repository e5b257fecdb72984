// One open device: what the data path needs of it, what is known of it, and its life.
#pragma once

#include <rte_ethdev.h>
#include <rte_mempool.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "dataplane/port_abi.h"
#include "dpdk/clock_map.h"
#include "dpdk/device.h"
#include "dpdk/failure.h"
#include "dpdk/gate.h"
#include "dpdk/offload/control.h"
#include "dpdk/xdp_quirks.h"

namespace onpath::dpdk {

/// Counts of one queue: one writer, any reader.
struct alignas(64) QueueCounts {
  std::atomic<uint64_t> packets{0}, bytes{0}, lost{0};
  Inside inside{false};

  static void add(std::atomic<uint64_t>& to, uint64_t n) {
    to.store(to.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
};

/// A transmit queue as the plane sees it. Where the device has fewer, several stand before one of its own.
struct alignas(64) TransmitQueue {
  QueueCounts counts;
  uint16_t device_queue = 0;
  std::atomic_flag* taken = nullptr;  // shared: whoever finds it set gives up at once; null: not shared
};

/// onpath_driver_port_options, checked.
struct PortOptions {
  DeviceName device;
  uint32_t queues, transmit_queues;
  uint32_t receive_descriptors, transmit_descriptors;
  uint32_t mtu, buffer_bytes, buffers;
  bool promiscuous, all_multicast;
  uint32_t offloads, offloads_off;
  std::vector<rte_ether_addr> multicast;
};

/// What a device is configured with, as far as it is decided before the first call.
struct DevicePlan {
  uint16_t receive_queues, transmit_queues, receive_descriptors, transmit_descriptors;
  uint32_t mtu, told_mtu, frame, buffer_bytes;
  uint32_t split_bytes = 0;  // headers in a buffer of their own; 0: no
  uint64_t receive_offloads = 0, transmit_offloads = 0, spread = 0;
};

struct Port {
  // The data path reads this line only.
  uint16_t id = 0;
  uint16_t receive_queues = 0;
  uint32_t max_bytes = 0;
  int timestamp_offset = -1;  // of the mbuf's field; -1: no timestamps
  std::atomic<Gate> gate{Gate::open};
  std::atomic<bool> has_hooks{false};  // the NIC may say something of packets
  rte_mempool* receive_pool = nullptr;
  rte_mempool* transmit_pool = nullptr;
  ClockMap clock;
  Offloads offloads;

  std::vector<QueueCounts> receive_counts;
  std::vector<TransmitQueue> transmit_queues;
  std::vector<std::atomic_flag> shared;  // one per queue of the device

  // Control thread.
  onpath_port table{};
  DeviceName name;
  PortOptions options{};
  DevicePlan plan{};
  std::string driver, interface;
  uint32_t interface_index = 0;
  rte_device* device = nullptr;
  rte_eth_dev_info limits{};
  bool plugged = false, started = false;
  uint32_t watched = 0;  // events with a callback, see port.cc
  std::atomic<bool> reset_wanted{false};
  uint32_t calibrations = 0;
  std::vector<XdpSocket> sockets;  // made by net_af_xdp, closed by us
  onpath_port_info facts{};        // what never changes

  // How the port fares, and why. Any thread.
  mutable std::mutex state_mutex;
  uint32_t state = ONPATH_PORT_UNKNOWN, state_changes = 0;
  std::string cause;
  /// The first to say so is believed.
  void say_removed(const std::string& why);
  void say_state(uint32_t now, const std::string& why);

  // Of the last tick.
  std::atomic<bool> link_up{false}, full_duplex{false};
  std::atomic<uint32_t> link_mbps{0};
  std::atomic<uint64_t> missed{0};

  Port() = default;
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;
  /// Stops, closes and unplugs; control thread only.
  ~Port();
};

/// Control thread only, with EAL running.
Expected<Port*> open_port(const onpath_driver_port_options& options);
void close_port(Port* port);

/// Configures queues, offloads and filters of a device that is plugged in, makes its pools and starts it.
Outcome configure(Port& port, const PortOptions& options);

/// Stops and starts the device under the data path, with the same queues, filters and rules; `reset`: as
/// after the device was reset, from scratch.
Outcome restart(Port& port, bool reset);

/// Fills the functions that packets pass through.
void fill_data_path(onpath_port& table);

/// Reads link, statistics and clock; sees that an interface has gone; judges what was seen of the hooks.
void look_after(Port& port);

}  // namespace onpath::dpdk
