// From a device that is plugged in to one that is started: queues, descriptors, MTU, buffers, offloads,
// filters. What the device lacks is left out where that changes nothing but speed, and refused where the
// caller asked for it by number.
#include <net/if.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_flow.h>
#include <rte_mbuf.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "dpdk/log_ring.h"
#include "dpdk/pools.h"
#include "dpdk/port.h"

namespace onpath::dpdk {
namespace {

constexpr uint32_t kEthernetBytes = 14;
constexpr uint32_t kTrailBytes = 4 + 8;  // a checksum that the device keeps, two VLAN tags
constexpr uint32_t kLeastBuffer = 2048;
constexpr uint32_t kRingHeadBytes = 96;  // what the kernel puts before a frame in af_packet's ring, and a tag
constexpr uint32_t kPageBuffer =
    2048 - RTE_PKTMBUF_HEADROOM;         // of af_xdp: a frame with all its heads fits a page
constexpr uint32_t kHeldPerQueue = 512;  // packets that callers may keep, per queue

std::string text(uint64_t number) { return std::to_string(number); }

Failure failed(const Port& port, const char* what, int result, uint64_t mark) {
  // Drivers return -1 for anything: it is EPERM by accident.
  const std::string why = result < -1 ? " (" + std::string(rte_strerror(-result)) + ")" : "";
  return {"PORT_FAILED", std::string(what) + " of device " + quoted(port.name.devargs) + " failed" + why +
                             "." + log_since(mark)};
}

Outcome check_descriptors(const char* name, uint32_t asked, const rte_eth_desc_lim& limits) {
  if (asked == 0 || (asked >= limits.nb_min && asked <= limits.nb_max)) return {};
  return invalid(std::string(name) + " is " + text(asked) + ", but this device takes " + text(limits.nb_min) +
                 " to " + text(limits.nb_max) +
                 (limits.nb_align > 1 ? ", multiples of " + text(limits.nb_align) : "") + ".");
}

uint16_t descriptors(uint32_t asked, const rte_eth_desc_lim& limits) {
  constexpr uint32_t usual = 1024;
  return static_cast<uint16_t>(
      asked != 0 ? asked
                 : std::clamp<uint32_t>(usual, limits.nb_min, std::max(limits.nb_min, limits.nb_max)));
}

/// The frame size that af_packet's kernel ring is made with, as far as the caller says it.
uint32_t ring_frame_bytes(const Port& port) {
  if (!port.name.name.starts_with("net_af_packet")) return 0;
  return static_cast<uint32_t>(std::strtoul(port.name.argument("framesz").c_str(), nullptr, 10));
}

/// The longest MTU, and the one the device is told.
Outcome plan_mtu(const Port& port, const PortOptions& options, DevicePlan& plan) {
  const rte_eth_dev_info& can = port.limits;
  uint32_t most = std::min<uint32_t>(can.max_mtu, UINT16_MAX - RTE_PKTMBUF_HEADROOM - 64);
  // As rte_eth_dev_configure() reckons where a driver gives no MTU.
  if (can.max_mtu == UINT16_MAX && can.max_rx_pktlen > kEthernetBytes + 4)
    most = std::min(most, can.max_rx_pktlen - kEthernetBytes - 4);
  // af_packet says 1500, but takes what fits its ring.
  const uint32_t told_at_most = most;
  const uint32_t ring_frame = ring_frame_bytes(port);
  if (ring_frame > kRingHeadBytes + kEthernetBytes)
    most = std::max(most, ring_frame - kRingHeadBytes - kEthernetBytes);
  const uint32_t of_interface = port.interface.empty() ? 0 : mtu_of_interface(port.interface);
  plan.mtu = options.mtu;
  if (plan.mtu == 0) {
    uint16_t own = 0;
    rte_eth_dev_get_mtu(port.id, &own);
    plan.mtu = std::min<uint32_t>(of_interface != 0 ? of_interface : own, most);
  }
  if (plan.mtu < can.min_mtu || plan.mtu > most) {
    const bool ring = port.name.name.starts_with("net_af_packet");
    return invalid("mtu is " + text(plan.mtu) + ", but device " + quoted(port.name.name) + " takes " +
                   text(can.min_mtu) + " to " + text(most) + "." +
                   (ring ? " A greater framesz=BYTES among the device's arguments allows more." : ""));
  }
  if (of_interface != 0 && plan.mtu > of_interface) {
    return invalid("mtu is " + text(plan.mtu) + ", but interface " + quoted(port.interface) + " has " +
                   text(of_interface) + ". Ask for that, or as root: ip link set dev " + port.interface +
                   " mtu " + text(plan.mtu) + ".");
  }
  plan.told_mtu = std::min(plan.mtu, told_at_most);
  plan.frame = plan.mtu + kEthernetBytes;
  return {};
}

Outcome plan_buffers(const Port& port, const PortOptions& options, DevicePlan& plan) {
  const bool in_pages = port.name.name.starts_with("net_af_xdp");
  const uint32_t asked = options.buffer_bytes;
  const uint32_t least =
      port.limits.min_rx_bufsize > RTE_PKTMBUF_HEADROOM && port.limits.min_rx_bufsize < 16384
          ? port.limits.min_rx_bufsize
          : 64;
  if (asked != 0 && (asked < least || asked > UINT16_MAX - RTE_PKTMBUF_HEADROOM)) {
    return invalid("bufferBytes is " + text(asked) + ", but device " + quoted(port.name.name) + " takes " +
                   text(least) + " to " + text(UINT16_MAX - RTE_PKTMBUF_HEADROOM) + ".");
  }
  plan.buffer_bytes = asked;
  if (asked == 0 && in_pages) plan.buffer_bytes = kPageBuffer;
  if (asked == 0 && !in_pages) {
    // Devices count in kilobytes and round down; af_packet's frames must fit as a whole.
    const uint32_t wanted = std::max({plan.frame + kTrailBytes, kLeastBuffer, ring_frame_bytes(port), least});
    plan.buffer_bytes = std::min<uint32_t>((wanted + 1023) / 1024 * 1024, UINT16_MAX - RTE_PKTMBUF_HEADROOM);
  }
  if (plan.frame <= plan.buffer_bytes) return {};
  if (port.limits.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER) {
    plan.receive_offloads |= RTE_ETH_RX_OFFLOAD_SCATTER;
  } else if (in_pages) {
    return invalid("mtu is " + text(plan.mtu) + ", but net_af_xdp keeps a frame in one buffer of " +
                   text(plan.buffer_bytes) + " bytes: expected at most " +
                   text(plan.buffer_bytes - kEthernetBytes) + ".");
  } else if (port.name.is_hardware()) {
    return invalid("bufferBytes is " + text(asked) + ", but a frame has up to " + text(plan.frame) +
                   " bytes and device " + quoted(port.name.name) +
                   " cannot spread one over several buffers. Leave bufferBytes out.");
  }
  return {};
}

Outcome make_plan(Port& port, const PortOptions& options, DevicePlan& plan) {
  const rte_eth_dev_info& can = port.limits;
  // A device without any receive queue would not be a port.
  plan.receive_queues =
      static_cast<uint16_t>(std::min<uint32_t>(options.queues, std::max<uint16_t>(can.max_rx_queues, 1)));
  plan.transmit_queues = static_cast<uint16_t>(std::min<uint32_t>(
      std::max(options.transmit_queues, options.queues), std::max<uint16_t>(can.max_tx_queues, 1)));
  // What is sent on queue q of a ring arrives on queue q: one that nobody polls would swallow it. A memif's
  // peer refuses to connect to more queues than it receives by.
  if (port.name.name.starts_with("net_ring") || port.name.name.starts_with("net_memif"))
    plan.transmit_queues = std::min(plan.transmit_queues, plan.receive_queues);
  // It says two for all its devices, but the older ones have one: what is sent on the second never leaves.
  if (port.driver == "net_e1000_em") plan.receive_queues = plan.transmit_queues = 1;
  // net_tap wants as many of one kind as of the other.
  if (port.name.name.starts_with("net_tap")) plan.transmit_queues = plan.receive_queues;
  if (auto failure = check_descriptors("rxDescriptors", options.receive_descriptors, can.rx_desc_lim))
    return failure;
  if (auto failure = check_descriptors("txDescriptors", options.transmit_descriptors, can.tx_desc_lim))
    return failure;
  plan.receive_descriptors = descriptors(options.receive_descriptors, can.rx_desc_lim);
  plan.transmit_descriptors = descriptors(options.transmit_descriptors, can.tx_desc_lim);
  if (auto failure = plan_mtu(port, options, plan)) return failure;
  if (auto failure = plan_buffers(port, options, plan)) return failure;
  plan_checksums(port, plan);
  plan_timestamps(port, plan);
  plan_rss(port, plan);
  plan_buffer_split(port, plan);
  return {};
}

Outcome set_up_device(Port& port, DevicePlan& plan) {
  const uint64_t mark = log_mark();
  rte_eth_conf conf{};
  conf.rxmode.mtu = plan.told_mtu;
  conf.rxmode.offloads = plan.receive_offloads;
  conf.txmode.offloads = plan.transmit_offloads;
  conf.rxmode.mq_mode = plan.spread != 0 ? RTE_ETH_MQ_RX_RSS : RTE_ETH_MQ_RX_NONE;
  conf.rx_adv_conf.rss_conf.rss_hf = plan.spread;
  conf.intr_conf.rmv = (*port.limits.dev_flags & RTE_ETH_DEV_INTR_RMV) != 0;
  if (const int result = rte_eth_dev_configure(port.id, plan.receive_queues, plan.transmit_queues, &conf))
    return failed(port, "Configuration", result, mark);
  if (const int result =
          rte_eth_dev_adjust_nb_rx_tx_desc(port.id, &plan.receive_descriptors, &plan.transmit_descriptors))
    return failed(port, "Choice of descriptors", result, mark);
  return {};
}

Outcome take_buffers(Port& port, const PortOptions& options, const DevicePlan& plan) {
  const int node = rte_eth_dev_socket_id(port.id);
  const auto logical = static_cast<uint32_t>(port.transmit_queues.size());
  const uint32_t caches = (plan.receive_queues + logical + 2) * kCache * 3 / 2;
  const uint32_t in_device = uint32_t{plan.receive_queues} * plan.receive_descriptors;
  const uint32_t to_send = uint32_t{plan.transmit_queues} * plan.transmit_descriptors;
  PoolSize receive{options.buffers, plan.buffer_bytes, node};
  if (receive.buffers == 0) {
    // Forwarded in place, a received buffer waits among the transmit descriptors.
    receive.buffers = in_device + to_send + caches + plan.receive_queues * kHeldPerQueue;
  } else if (receive.buffers < in_device + 64u * plan.receive_queues) {
    return invalid("buffers is " + text(receive.buffers) + ", but the receive descriptors alone hold " +
                   text(in_device) + ": expected at least " + text(in_device + 64u * plan.receive_queues) +
                   ", or 0 to have it chosen.");
  }
  // Packets that came in several segments are put together in transmit buffers.
  const uint32_t rounded = (plan.frame + kTrailBytes + 63) / 64 * 64;
  const PoolSize transmit{to_send + caches + (logical + plan.receive_queues) * kHeldPerQueue, rounded, node};
  auto pool = make_pool("receive", receive);
  if (!pool) return pool.failure();
  port.receive_pool = pool.value();
  pool = make_pool("transmit", transmit);
  if (!pool) return pool.failure();
  port.transmit_pool = pool.value();
  port.facts.buffers = receive.buffers;
  return {};
}

Outcome set_up_each_queue(Port& port, const DevicePlan& plan) {
  const uint64_t mark = log_mark();
  const auto node = static_cast<unsigned>(rte_eth_dev_socket_id(port.id));
  for (uint16_t q = 0; q < plan.receive_queues; ++q) {
    rte_eth_rxconf conf = port.limits.default_rxconf;
    conf.offloads = plan.receive_offloads;
    auto segments = split_segments(port, plan);
    conf.rx_seg = segments.data();
    conf.rx_nseg = static_cast<uint16_t>(segments.size());
    rte_mempool* pool = segments.empty() ? port.receive_pool : nullptr;
    if (const int result = rte_eth_rx_queue_setup(port.id, q, plan.receive_descriptors, node, &conf, pool))
      return failed(port, "A receive queue", result, mark);
  }
  for (uint16_t q = 0; q < plan.transmit_queues; ++q) {
    rte_eth_txconf conf = port.limits.default_txconf;
    conf.offloads = plan.transmit_offloads;
    if (const int result = rte_eth_tx_queue_setup(port.id, q, plan.transmit_descriptors, node, &conf))
      return failed(port, "A transmit queue", result, mark);
  }
  return {};
}

Outcome set_up_queues(Port& port, const DevicePlan& plan) {
  if (port.driver == "net_af_xdp") {
    take_xdp_log();
    const std::vector<XdpSocket> others = xdp_sockets();
    Outcome failure = set_up_each_queue(port, plan);
    port.sockets = xdp_sockets_but(others);
    if (failure) return failure;
  } else if (auto failure = set_up_each_queue(port, plan)) {
    return failure;
  }
  const uint64_t mark = log_mark();
  if (const int result = rte_eth_dev_start(port.id)) return failed(port, "The start", result, mark);
  port.started = true;
  return {};
}

Outcome start(Port& port, const PortOptions& options, DevicePlan& plan) {
  if (auto failure = set_up_device(port, plan)) return failure;
  if (port.receive_pool == nullptr) {
    if (auto failure = take_buffers(port, options, plan)) return failure;
  }
  return set_up_queues(port, plan);
}

Outcome find_address(Port& port) {
  rte_ether_addr address{};
  rte_eth_macaddr_get(port.id, &address);
  if (rte_is_zero_ether_addr(&address)) {
    // A device without an address gets one of its own: unicast, locally administered.
    if (getrandom(address.addr_bytes, sizeof address.addr_bytes, 0) < 0)
      return failed(port, "The choice of an address", errno, log_mark());
    address.addr_bytes[0] = static_cast<uint8_t>((address.addr_bytes[0] & 0xfc) | 0x02);
  }
  std::memcpy(port.table.mac, address.addr_bytes, sizeof port.table.mac);
  return {};
}

/// The groups that are asked for; where there is one of IPv6, also the solicited-node group of the link-local
/// address that follows from the own one (RFC 4291 section 2.7.1, RFC 2464 section 7): who asks for groups
/// before the device is open does not know it yet.
std::vector<rte_ether_addr> listened_groups(const Port& port, const PortOptions& options) {
  std::vector<rte_ether_addr> groups = options.multicast;
  const auto of_ipv6 = [](const rte_ether_addr& group) {
    return group.addr_bytes[0] == 0x33 && group.addr_bytes[1] == 0x33;
  };
  if (std::none_of(groups.begin(), groups.end(), of_ipv6)) return groups;
  const uint8_t* own = port.table.mac;
  const rte_ether_addr solicited = {{0x33, 0x33, 0xff, own[3], own[4], own[5]}};
  const auto same = [&](const rte_ether_addr& group) {
    return rte_is_same_ether_addr(&group, &solicited) != 0;
  };
  if (std::none_of(groups.begin(), groups.end(), same)) groups.push_back(solicited);
  return groups;
}

Outcome set_filters(Port& port, const PortOptions& options) {
  if (port.offloads.isolated) return {};  // rules alone say what comes in
  const uint64_t mark = log_mark();
  // A software device that cannot be told takes in everything anyway.
  const auto refused = [&](int result) {
    return result != 0 && !(result == -ENOTSUP && !port.name.is_hardware());
  };
  if (options.promiscuous) {
    if (const int result = rte_eth_promiscuous_enable(port.id); refused(result))
      return failed(port, "Promiscuous mode", result, mark);
  }
  bool all_multicast = options.all_multicast;
  if (!options.multicast.empty() && !options.promiscuous && !all_multicast) {
    auto addresses = listened_groups(port, options);
    all_multicast =
        rte_eth_dev_set_mc_addr_list(port.id, addresses.data(), static_cast<uint32_t>(addresses.size())) != 0;
  }
  if (all_multicast) {
    const int result = rte_eth_allmulticast_enable(port.id);
    if (refused(result) && options.all_multicast) return failed(port, "All-multicast mode", result, mark);
  }
  port.facts.promiscuous = rte_eth_promiscuous_get(port.id) == 1;
  port.facts.all_multicast = rte_eth_allmulticast_get(port.id) == 1;
  return {};
}

void note_facts(Port& port, const DevicePlan& plan) {
  onpath_port_info& facts = port.facts;
  std::snprintf(facts.driver, sizeof facts.driver, "%s", port.driver.c_str());
  std::snprintf(facts.device, sizeof facts.device, "%s", port.name.devargs.c_str());
  std::memcpy(facts.mac, port.table.mac, sizeof facts.mac);
  facts.numa_node = rte_eth_dev_socket_id(port.id);
  facts.mtu = plan.mtu;
  facts.receive_queues = plan.receive_queues;
  facts.transmit_queues = plan.transmit_queues;
  facts.receive_descriptors = plan.receive_descriptors;
  facts.transmit_descriptors = plan.transmit_descriptors;
  facts.buffer_bytes = plan.buffer_bytes;
}

void lay_out_queues(Port& port, const PortOptions& options, const DevicePlan& plan) {
  port.receive_queues = plan.receive_queues;
  port.receive_counts = std::vector<QueueCounts>(plan.receive_queues);
  port.offloads.evidence = std::vector<Evidence>(plan.receive_queues);
  const uint32_t logical = std::max<uint32_t>(options.transmit_queues, plan.receive_queues);
  port.transmit_queues = std::vector<TransmitQueue>(logical);
  port.shared = std::vector<std::atomic_flag>(plan.transmit_queues);
  for (uint32_t q = 0; q < logical; ++q) {
    const uint32_t at = q % plan.transmit_queues;
    port.transmit_queues[q].device_queue = static_cast<uint16_t>(at);
    const bool alone = at + plan.transmit_queues >= logical && q < plan.transmit_queues;
    port.transmit_queues[q].taken = alone ? nullptr : &port.shared[at];
  }
}

}  // namespace

Outcome configure(Port& port, const PortOptions& options) {
  if (const int result = rte_eth_dev_info_get(port.id, &port.limits))
    return failed(port, "The description", result, log_mark());
  port.driver = port.limits.driver_name == nullptr ? "" : port.limits.driver_name;
  port.offloads.allowed = options.offloads;
  DevicePlan& plan = port.plan;
  if (auto failure = make_plan(port, options, plan)) return failure;
  lay_out_queues(port, options, plan);
  isolate(port);
  negotiate_marks(port);
  if (auto failure = start(port, options, plan)) return failure;
  if ((plan.receive_offloads & RTE_ETH_RX_OFFLOAD_TIMESTAMP) && !begin_timestamps(port)) {
    plan.receive_offloads &= ~RTE_ETH_RX_OFFLOAD_TIMESTAMP;
    rte_eth_dev_stop(port.id);
    port.started = false;
    if (auto failure = start(port, options, plan)) return failure;
  }
  port.max_bytes = plan.frame;
  if (auto failure = find_address(port)) return failure;
  if (auto failure = set_filters(port, options)) return failure;
  judge_mlx5(port, options.offloads, options.offloads_off);
  note_hooks(port);
  note_facts(port, plan);
  return {};
}

Outcome restart(Port& port, bool reset) {
  const uint64_t mark = log_mark();
  Offloads& offloads = port.offloads;
  shut(port);
  // Most drivers forget their rules with a stop; none may keep one whose handle we lose.
  offloads.flows.clear(port.id);
  if (port.started) rte_eth_dev_stop(port.id);
  port.started = false;
  if (reset) {
    if (const int result = rte_eth_dev_reset(port.id); result != 0 && result != -ENOTSUP)
      return failed(port, "The reset", result, mark);
  }
  rte_flow_error error{};
  if (offloads.give_up_isolation || (reset && offloads.isolated)) {
    const int result = rte_flow_isolate(port.id, offloads.isolated, &error);
    if (result != 0) return failed(port, "A change of isolation", result, mark);
    offloads.give_up_isolation = false;
  }
  if (auto failure = start(port, port.options, port.plan)) return failure;
  if (auto failure = set_filters(port, port.options)) return failure;
  apply_rules(port);
  open_again(port);
  return {};
}

/// What the device says of its link, as a state and why.
static void note_state(Port& port, const rte_eth_link& link) {
  if (link.link_status != RTE_ETH_LINK_UP)
    return port.say_state(ONPATH_PORT_LINK_DOWN, "its driver says that the link is down");
  const bool known = link.link_speed != RTE_ETH_SPEED_NUM_UNKNOWN;
  port.say_state(ONPATH_PORT_UP, "the link is up" + (known ? ", " + std::to_string(link.link_speed) + " Mb/s"
                                                           : std::string()));
}

void look_after(Port& port) {
  if (!port.interface.empty() && if_nametoindex(port.interface.c_str()) != port.interface_index)
    port.say_removed("interface " + port.interface + " is gone");
  const auto removed = [&] { return port.gate.load(std::memory_order_relaxed) == Gate::gone; };
  rte_eth_link link{};
  if (!removed() && rte_eth_link_get_nowait(port.id, &link) == 0) {
    note_state(port, link);
    port.link_up.store(link.link_status == RTE_ETH_LINK_UP, std::memory_order_relaxed);
    port.full_duplex.store(link.link_duplex == RTE_ETH_LINK_FULL_DUPLEX, std::memory_order_relaxed);
    port.link_mbps.store(link.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN ? 0 : link.link_speed,
                         std::memory_order_relaxed);
  }
  if (!removed() && port.reset_wanted.exchange(false)) {
    if (auto failure = restart(port, true)) port.say_removed(failure->message);
  }
  if (removed()) {
    port.link_up.store(false, std::memory_order_relaxed);
    return;
  }
  rte_eth_stats stats{};
  if (rte_eth_stats_get(port.id, &stats) == 0)
    port.missed.store(stats.imissed + stats.rx_nombuf, std::memory_order_relaxed);
  keep_time(port);
  judge_all(port);
}

}  // namespace onpath::dpdk
