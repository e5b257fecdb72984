// Opening and closing ports, and what any thread may ask of one. Control path only.
#include "dpdk/port.h"

#include <net/if.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_ring.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "dpdk/control_thread.h"
#include "dpdk/pools.h"

namespace onpath::dpdk {
namespace {

constexpr uint32_t kMostQueues = 64;
constexpr uint32_t kMostMulticast = 1024;
constexpr int kDrainBursts = 256;

/// All ports of this driver share mbufs.
const char kDomain = 0;

/// Open ports; control thread only.
std::vector<Port*>& open_ports() {
  static auto* list = new std::vector<Port*>;
  return *list;
}

void tick() {
  for (Port* port : open_ports()) look_after(*port);
  free_retired(open_ports().empty());
}

/// Uses of the data path by this thread, over all ports; only the first one makes it known to DPDK.
thread_local uint32_t t_uses = 0;
thread_local bool t_registered = false;

int begin_thread(void*) {
  if (t_uses == 0 && rte_lcore_id() == LCORE_ID_ANY) {
    if (rte_thread_register() != 0) return rte_errno != 0 ? rte_errno : EAGAIN;
    t_registered = true;
  }
  ++t_uses;
  return 0;
}

void end_thread(void*) {
  if (t_uses == 0 || --t_uses > 0 || !t_registered) return;
  rte_thread_unregister();
  t_registered = false;
}

void count(void* self, onpath_port_counters* out) {
  const Port& port = *static_cast<Port*>(self);
  *out = {};
  for (const QueueCounts& queue : port.receive_counts) {
    out->rx_packets += queue.packets.load(std::memory_order_relaxed);
    out->rx_bytes += queue.bytes.load(std::memory_order_relaxed);
    out->rx_missed += queue.lost.load(std::memory_order_relaxed);
  }
  out->rx_missed += port.missed.load(std::memory_order_relaxed);
  for (const TransmitQueue& queue : port.transmit_queues) {
    out->tx_packets += queue.counts.packets.load(std::memory_order_relaxed);
    out->tx_bytes += queue.counts.bytes.load(std::memory_order_relaxed);
  }
}

void describe(void* self, onpath_port_info* out) {
  const Port& port = *static_cast<Port*>(self);
  onpath_port_info info = port.facts;
  info.link_up = port.link_up.load(std::memory_order_relaxed);
  info.full_duplex = port.full_duplex.load(std::memory_order_relaxed);
  info.link_mbps = port.link_mbps.load(std::memory_order_relaxed);
  info.removed = port.gate.load(std::memory_order_relaxed) == Gate::gone;
  port.offloads.reports.copy_to(info);
  {
    const std::lock_guard lock(port.state_mutex);
    info.state = port.state;
    info.state_changes = port.state_changes;
    std::snprintf(info.cause, sizeof info.cause, "%s", port.cause.c_str());
  }
  // The caller may be older or newer than this driver.
  const uint32_t size = std::min<uint32_t>(out->size, sizeof info);
  info.size = out->size;
  std::memcpy(out, &info, size);
}

void destroy(void* self) {
  try {
    ControlThread::get().run([&] { close_port(static_cast<Port*>(self)); });
  } catch (...) {
    // Only memory for the call itself can have been short: the port stays open, nothing is freed.
  }
}

/// Told by a thread of DPDK's.
int on_event(uint16_t, rte_eth_event_type event, void* self, void*) {
  Port& port = *static_cast<Port*>(self);
  if (event == RTE_ETH_EVENT_INTR_RMV) port.say_removed("its driver says that the device was removed");
  if (event == RTE_ETH_EVENT_INTR_RESET) port.reset_wanted.store(true, std::memory_order_relaxed);
  return 0;
}

constexpr rte_eth_event_type kEvents[] = {RTE_ETH_EVENT_INTR_RMV, RTE_ETH_EVENT_INTR_RESET};

void watch(Port& port) {
  for (const rte_eth_event_type event : kEvents)
    port.watched += rte_eth_dev_callback_register(port.id, event, on_event, &port) == 0;
}

void unwatch(Port& port) {
  if (port.watched == 0) return;
  for (const rte_eth_event_type event : kEvents)
    rte_eth_dev_callback_unregister(port.id, event, on_event, &port);
}

void set_rules(void* self, const onpath_rules* rules) {
  try {
    ControlThread::get().run([&] { take_rules(*static_cast<Port*>(self), *rules); });
  } catch (...) {
    // Without memory for them the rules stay as they were; the plane checks every packet all the same.
  }
}

Expected<PortOptions> check_options(const onpath_driver_port_options& from) {
  PortOptions options{};
  const std::string device = from.device == nullptr ? "" : from.device;
  auto name = parse_device(device);
  if (!name) return name.failure();
  options.device = std::move(name.value());
  const auto is_count = [](uint32_t value) { return value >= 1 && value <= kMostQueues; };
  if (!is_count(from.queues) || !is_count(from.transmit_queues)) {
    return invalid("queues is " + std::to_string(from.queues) + " and transmit queues " +
                   std::to_string(from.transmit_queues) + ", expected 1 to " + std::to_string(kMostQueues) +
                   " each.");
  }
  if (from.receive_descriptors > UINT16_MAX || from.transmit_descriptors > UINT16_MAX) {
    return invalid("rxDescriptors is " + std::to_string(from.receive_descriptors) + " and txDescriptors " +
                   std::to_string(from.transmit_descriptors) + ", expected at most 65535 each.");
  }
  if (from.buffers > 1u << 24)
    return invalid("buffers is " + std::to_string(from.buffers) + ", expected at most 2^24.");
  if (from.multicast_count > kMostMulticast) {
    return invalid(std::to_string(from.multicast_count) +
                   " multicast addresses are given, expected at most " + std::to_string(kMostMulticast) +
                   ".");
  }
  options.queues = from.queues;
  options.transmit_queues = from.transmit_queues;
  options.receive_descriptors = from.receive_descriptors;
  options.transmit_descriptors = from.transmit_descriptors;
  options.mtu = from.mtu;
  options.buffer_bytes = from.buffer_bytes;
  options.buffers = from.buffers;
  options.promiscuous = from.promiscuous != 0;
  options.all_multicast = from.all_multicast != 0;
  options.offloads = from.offloads;
  options.offloads_off = from.offloads_off;
  for (uint32_t i = 0; i < from.multicast_count; ++i) {
    rte_ether_addr address{};
    std::memcpy(address.addr_bytes, from.multicast[i], sizeof address.addr_bytes);
    options.multicast.push_back(address);
  }
  return options;
}

void fill_table(Port& port) {
  onpath_port& table = port.table;
  table.size = sizeof(onpath_port);
  table.version = ONPATH_PORT_ABI_VERSION;
  table.self = &port;
  table.queues = port.receive_queues;
  table.transmit_queues = static_cast<uint32_t>(port.transmit_queues.size());
  table.framing = ONPATH_FRAMING_ETHERNET;
  table.max_bytes = port.max_bytes;
  table.domain = &kDomain;
  fill_data_path(table);
  table.begin_thread = begin_thread;
  table.end_thread = end_thread;
  table.counters = count;
  table.info = describe;
  table.destroy = destroy;
  table.set_rules = set_rules;
}

/// Packets that wait in a ring are nobody's once it is gone.
void drain(const Port& port) {
  rte_mbuf* mbufs[64];
  for (uint16_t q = 0; q < port.receive_queues; ++q) {
    for (int i = 0; i < kDrainBursts; ++i) {
      const uint16_t got = rte_eth_rx_burst(port.id, q, mbufs, 64);
      if (got == 0) break;
      rte_pktmbuf_free_bulk(mbufs, got);
    }
  }
}

/// net_ring makes as many rings as a device may have queues, but frees those of configured queues only: the
/// next device of that name would find the others in its way.
void free_rings(const std::string& device, uint32_t rings) {
  for (uint32_t i = 0; i < rings; ++i) {
    const std::string name = "ETH_RXTX" + std::to_string(i) + '_' + device;
    if (rte_ring* ring = rte_ring_lookup(name.c_str())) rte_ring_free(ring);
  }
}

}  // namespace

Port::~Port() {
  unwatch(*this);
  if (plugged) {
    if (started) {
      drain(*this);
      offloads.flows.clear(id);
      rte_eth_dev_stop(id);
    }
    rte_eth_dev_close(id);
    close_xdp_sockets(sockets);
    plug_out(device);
    if (driver == "net_ring") free_rings(name.name, limits.max_rx_queues);
  }
  retire(receive_pool);
  retire(transmit_pool);
}

void Port::say_state(uint32_t now, const std::string& why) {
  const std::lock_guard lock(state_mutex);
  if (now == state || state == ONPATH_PORT_REMOVED) return;
  state_changes += state != ONPATH_PORT_UNKNOWN;
  cause = why;
  state = now;
}

void Port::say_removed(const std::string& why) {
  gate.store(Gate::gone, std::memory_order_relaxed);
  say_state(ONPATH_PORT_REMOVED, why);
}

Expected<Port*> open_port(const onpath_driver_port_options& from) {
  auto options = check_options(from);
  if (!options) return options.failure();
  DeviceName& name = options.value().device;
  if (auto failure =
          add_mlx5_arguments(options.value().offloads, options.value().offloads_off, is_mlx5(name), name))
    return *failure;
  if (auto failure = check_device(name)) return *failure;

  auto port = std::make_unique<Port>();
  port->name = name;
  port->options = options.value();
  port->facts.size = sizeof port->facts;
  port->interface = interface_of(name);
  if (!port->interface.empty()) port->interface_index = if_nametoindex(port->interface.c_str());
  auto plugged = plug_in(name);
  if (!plugged) return plugged.failure();
  port->id = plugged.value().port;
  port->device = plugged.value().device;
  port->plugged = true;
  auto failure = configure(*port, port->options);
  if (!failure) {
    watch(*port);
    fill_table(*port);
    open_ports().push_back(port.get());
    look_after(*port);
    ControlThread::get().set_tick(tick);
    return port.release();
  }
  port.reset();
  free_retired(open_ports().empty());
  return *failure;
}

void close_port(Port* port) {
  std::erase(open_ports(), port);
  delete port;
  free_retired(open_ports().empty());
}

}  // namespace onpath::dpdk
