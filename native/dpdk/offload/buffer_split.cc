// Headers in buffers apart from the payload. The plane reads whole frames, so they are joined again: a hook
// to be asked for by name, never chosen.
#include "dpdk/offload/control.h"
#include "dpdk/port.h"

namespace onpath::dpdk {
namespace {

constexpr uint16_t kHeaderBytes = 64;  // Ethernet, IPv4, UDP and RTP take 54

}  // namespace

void plan_buffer_split(Port& port, DevicePlan& plan) {
  if ((port.offloads.allowed & ONPATH_OFFLOAD_BUFFER_SPLIT) == 0) return;
  constexpr uint64_t kNeeded = RTE_ETH_RX_OFFLOAD_BUFFER_SPLIT | RTE_ETH_RX_OFFLOAD_SCATTER;
  Reports& reports = port.offloads.reports;
  const rte_eth_rxseg_capa& can = port.limits.rx_seg_capa;
  if ((port.limits.rx_offload_capa & kNeeded) != kNeeded || can.max_nseg < 2)
    return reports.set(Hook::buffer_split, By::software, "the driver does not split packets");
  plan.receive_offloads |= kNeeded;
  plan.split_bytes = kHeaderBytes;
  port.offloads.beliefs.split_bytes = kHeaderBytes;
  reports.set(Hook::buffer_split, By::nic_unverified, "no packets yet");
  // The NIC's verdicts are compared with packets in one piece, and there are none.
  if (port.offloads.beliefs.checksums)
    reports.set(Hook::rx_checksums, By::nic_unverified, "packets come in parts: summed up in software");
}

std::vector<rte_eth_rxseg> split_segments(const Port& port, const DevicePlan& plan) {
  if (plan.split_bytes == 0) return {};
  std::vector<rte_eth_rxseg> segments(2);
  segments[0].split.mp = port.receive_pool;
  segments[0].split.length = static_cast<uint16_t>(plan.split_bytes);
  segments[1].split.mp = port.receive_pool;
  return segments;
}

void judge_buffer_split(Port& port, const Sums& sums) {
  if (port.offloads.beliefs.split_bytes == 0) return;
  Reports& reports = port.offloads.reports;
  if (sums.whole > 0) {
    reports.set(Hook::buffer_split, By::software,
                std::to_string(sums.whole) + " packets came in one piece: it has no effect");
  } else if (sums.split > 0) {
    reports.set(Hook::buffer_split, By::nic,
                "the first " + std::to_string(kHeaderBytes) + " bytes come apart, and are joined again");
  }
}

}  // namespace onpath::dpdk
