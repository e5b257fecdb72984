// The device: what it says it can do, its queues, its life.
#include "soft_nic.h"

#include <rte_kvargs.h>
#include <rte_malloc.h>
#include <rte_mbuf_dyn.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <utility>

namespace softnic {

rte_rwlock_t wires = RTE_RWLOCK_INITIALIZER;

namespace {

std::vector<Nic*>& all_nics() {
  static std::vector<Nic*> list;
  return list;
}

int configure(rte_eth_dev*) { return 0; }

int start(rte_eth_dev* device) {
  Nic& nic = nic_of(device);
  int result = 0;
  if (device->data->dev_conf.rxmode.offloads & RTE_ETH_RX_OFFLOAD_TIMESTAMP) {
    result = rte_mbuf_dyn_rx_timestamp_register(&nic.stamp_offset, &nic.stamp_flag);
  } else {
    nic.stamp_flag = 0;
  }
  rte_rwlock_write_lock(&wires);
  nic.started = result == 0;
  ++nic.starts;
  rte_rwlock_write_unlock(&wires);
  return result;
}

/// What lies in the queues is lost, and so are the rules: as mlx5 does it.
int stop(rte_eth_dev* device) {
  Nic& nic = nic_of(device);
  rte_rwlock_write_lock(&wires);
  nic.started = false;
  forget_rules(nic);
  for (ReceiveQueue& queue : nic.receive) {
    void* mbuf = nullptr;
    while (queue.ring != nullptr && rte_ring_dequeue(queue.ring, &mbuf) == 0)
      rte_pktmbuf_free(static_cast<rte_mbuf*>(mbuf));
  }
  rte_rwlock_write_unlock(&wires);
  return 0;
}

int reset(rte_eth_dev* device) {
  Nic& nic = nic_of(device);
  rte_rwlock_write_lock(&wires);
  forget_rules(nic);
  nic.isolated = nic.stalled = false;
  ++nic.resets;
  rte_rwlock_write_unlock(&wires);
  return 0;
}

int describe(rte_eth_dev* device, rte_eth_dev_info* info) {
  const Nic& nic = nic_of(device);
  info->max_mac_addrs = 1;
  info->max_rx_pktlen = 9600;
  info->max_mtu = 9500;
  info->min_mtu = 68;
  info->max_rx_queues = info->max_tx_queues = kMostQueues;
  info->rx_desc_lim = {4096, 64, 1, 0, 0};
  info->tx_desc_lim = {4096, 64, 1, 0, 0};
  info->reta_size = 128;
  info->hash_key_size = 40;
  if (nic.has(kRss))
    info->flow_type_rss_offloads = RTE_ETH_RSS_NONFRAG_IPV4_UDP | RTE_ETH_RSS_NONFRAG_IPV6_UDP;
  info->rx_offload_capa = RTE_ETH_RX_OFFLOAD_SCATTER;
  if (nic.has(kChecksums)) {
    info->rx_offload_capa |= RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM;
    info->tx_offload_capa |= RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM;
  }
  if (nic.has(kTimestamps)) info->rx_offload_capa |= RTE_ETH_RX_OFFLOAD_TIMESTAMP;
  if (nic.has(kBufferSplit)) {
    info->rx_offload_capa |= RTE_ETH_RX_OFFLOAD_BUFFER_SPLIT;
    info->rx_seg_capa.multi_pools = 1;
    info->rx_seg_capa.max_nseg = 2;
  }
  return 0;
}

/// Names of rings last as long as rings, so each has its own.
rte_ring* make_ring(uint16_t descriptors) {
  static uint32_t made = 0;
  const std::string name = "softnic_" + std::to_string(made++);
  return rte_ring_create(name.c_str(), rte_align32pow2(descriptors + 1u), SOCKET_ID_ANY, 0);
}

void release_receive(rte_eth_dev* device, uint16_t id) {
  ReceiveQueue& queue = nic_of(device).receive[id];
  rte_rwlock_write_lock(&wires);
  rte_ring* ring = std::exchange(queue.ring, nullptr);
  rte_rwlock_write_unlock(&wires);
  if (ring == nullptr) return;
  void* mbuf = nullptr;
  while (rte_ring_dequeue(ring, &mbuf) == 0) rte_pktmbuf_free(static_cast<rte_mbuf*>(mbuf));
  rte_ring_free(ring);
}

int set_up_receive(rte_eth_dev* device, uint16_t id, uint16_t descriptors, unsigned,
                   const rte_eth_rxconf* conf, rte_mempool* pool) {
  ReceiveQueue& queue = nic_of(device).receive[id];
  rte_ring* ring = make_ring(descriptors);
  if (ring == nullptr) return -ENOMEM;
  queue.nic = &nic_of(device);
  queue.pool = pool;
  queue.first_bytes = 0;
  if (conf->rx_nseg > 0) {
    queue.pool = conf->rx_seg[0].split.mp;
    queue.first_bytes = conf->rx_seg[0].split.length;
  }
  rte_rwlock_write_lock(&wires);
  queue.ring = ring;
  rte_rwlock_write_unlock(&wires);
  device->data->rx_queues[id] = &queue;
  return 0;
}

int set_up_transmit(rte_eth_dev* device, uint16_t id, uint16_t, unsigned, const rte_eth_txconf*) {
  TransmitQueue& queue = nic_of(device).transmit[id];
  queue.nic = &nic_of(device);
  device->data->tx_queues[id] = &queue;
  return 0;
}

int update_link(rte_eth_dev* device, int) {
  Nic& nic = nic_of(device);
  obey(nic);
  rte_eth_link link{};
  link.link_speed = RTE_ETH_SPEED_NUM_100G;
  link.link_duplex = RTE_ETH_LINK_FULL_DUPLEX;
  link.link_status = nic.up && nic.peer != nullptr && nic.peer->up && nic.started;
  rte_eth_linkstatus_set(device, &link);
  return 0;
}

int read_stats(rte_eth_dev* device, rte_eth_stats* stats) {
  const Nic& nic = nic_of(device);
  for (const ReceiveQueue& queue : nic.receive) {
    stats->ipackets += queue.packets;
    stats->ibytes += queue.bytes;
    stats->imissed += queue.missed.load(std::memory_order_relaxed);
    stats->rx_nombuf += queue.without_buffer.load(std::memory_order_relaxed);
  }
  for (const TransmitQueue& queue : nic.transmit) {
    stats->opackets += queue.packets;
    stats->obytes += queue.bytes;
  }
  return 0;
}

int set_mtu(rte_eth_dev*, uint16_t) { return 0; }

int read_clock(rte_eth_dev*, uint64_t* ticks) {
  *ticks = clock_ticks();
  return 0;
}

int negotiate(rte_eth_dev* device, uint64_t* features) {
  if (!nic_of(device).has(kMark)) *features &= ~RTE_ETH_RX_METADATA_USER_MARK;
  return 0;
}

int get_flow_ops(rte_eth_dev*, const rte_flow_ops** ops) {
  *ops = &flow_ops;
  return 0;
}

int close(rte_eth_dev* device) {
  if (device->data->dev_private == nullptr) return 0;
  Nic* nic = &nic_of(device);
  if (nic->started) stop(device);
  rte_rwlock_write_lock(&wires);
  std::erase(all_nics(), nic);
  for (Nic* other : all_nics()) {
    if (other->peer == nic) other->peer = nullptr;
  }
  rte_rwlock_write_unlock(&wires);
  for (uint16_t q = 0; q < kMostQueues; ++q) release_receive(device, q);
  // Neither is memory of DPDK's, which would free it.
  device->data->dev_private = nullptr;
  device->data->mac_addrs = nullptr;
  delete nic;
  return 0;
}

eth_dev_ops make_ops() {
  eth_dev_ops ops{};
  ops.dev_configure = configure;
  ops.dev_start = start;
  ops.dev_stop = stop;
  ops.dev_reset = reset;
  ops.dev_close = close;
  ops.dev_infos_get = describe;
  ops.rx_queue_setup = set_up_receive;
  ops.rx_queue_release = release_receive;
  ops.tx_queue_setup = set_up_transmit;
  ops.link_update = update_link;
  ops.stats_get = read_stats;
  ops.mtu_set = set_mtu;
  ops.read_clock = read_clock;
  ops.rx_metadata_negotiate = negotiate;
  ops.flow_ops_get = get_flow_ops;
  return ops;
}
const eth_dev_ops device_ops = make_ops();

bool read_arguments(const char* text, Nic& nic) {
  static const char* const known[] = {"link", "refuse", "broken", "fail_rule", "control", nullptr};
  rte_kvargs* arguments = rte_kvargs_parse(text, known);
  if (arguments == nullptr) return false;
  const auto get = [&](const char* key) {
    const char* value = rte_kvargs_get(arguments, key);
    return std::string(value == nullptr ? "" : value);
  };
  nic.link = get("link");
  nic.refused = features_of(get("refuse"));
  nic.broken.store(features_of(get("broken")));
  nic.fail_rule = static_cast<uint32_t>(std::atoi(get("fail_rule").c_str()));
  nic.control = get("control");
  rte_kvargs_free(arguments);
  return true;
}

/// To itself, or to the other end of its link; false: that has two ends already.
bool join(Nic& nic) {
  if (nic.link.empty()) {
    nic.peer = &nic;
    return true;
  }
  for (Nic* other : all_nics()) {
    if (other->link != nic.link) continue;
    if (other->peer != nullptr) return false;
    other->peer = &nic;
    nic.peer = other;
  }
  return true;
}

int probe(rte_vdev_device* vdev) {
  auto nic = std::make_unique<Nic>();
  if (!read_arguments(rte_vdev_device_args(vdev), *nic)) return -EINVAL;
  rte_eth_dev* device = rte_eth_vdev_allocate(vdev, 0);
  if (device == nullptr) return -ENOMEM;
  rte_rwlock_write_lock(&wires);
  const bool joined = join(*nic);
  if (joined) all_nics().push_back(nic.get());
  rte_rwlock_write_unlock(&wires);
  if (!joined) {
    rte_eth_dev_release_port(device);
    return -EBUSY;
  }
  nic->device = device;
  nic->port = device->data->port_id;
  rte_eth_random_addr(nic->mac.addr_bytes);
  device->data->mac_addrs = &nic->mac;
  device->data->promiscuous = device->data->all_multicast = 1;
  device->data->dev_link.link_speed = RTE_ETH_SPEED_NUM_100G;
  device->data->dev_private = nic.release();
  device->dev_ops = &device_ops;
  device->rx_pkt_burst = receive_burst;
  device->tx_pkt_burst = transmit_burst;
  rte_eth_dev_probing_finish(device);
  return 0;
}

int remove(rte_vdev_device* vdev) {
  rte_eth_dev* device = rte_eth_dev_allocated(rte_vdev_device_name(vdev));
  if (device == nullptr) return 0;
  close(device);
  return rte_eth_dev_release_port(device);
}

}  // namespace
}  // namespace softnic

// Ready before it registers itself, which is before any constructor has run.
static constinit rte_vdev_driver soft_nic_driver = {{},      {}, softnic::probe, softnic::remove, nullptr,
                                                    nullptr, 0};
RTE_PMD_REGISTER_VDEV(net_onpath_soft, soft_nic_driver);
RTE_PMD_REGISTER_PARAM_STRING(net_onpath_soft,
                              "link=<name> refuse=<list> broken=<list> fail_rule=<n> control=<file>");
