// Checksums of IPv4 and UDP, verified and filled by the NIC.
#include "dpdk/offload/control.h"
#include "dpdk/port.h"

namespace onpath::dpdk {
namespace {

constexpr uint64_t kIn = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM;
constexpr uint64_t kOut = RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM;

}  // namespace

void plan_checksums(Port& port, DevicePlan& plan) {
  if ((port.offloads.allowed & ONPATH_OFFLOAD_CHECKSUMS) == 0) return;
  Reports& reports = port.offloads.reports;
  port.offloads.beliefs.checksums = (port.limits.rx_offload_capa & kIn) == kIn;
  if (port.offloads.beliefs.checksums) {
    plan.receive_offloads |= kIn;
    reports.set(Hook::rx_checksums, By::nic_unverified, "no packets yet");
  } else {
    reports.set(Hook::rx_checksums, By::software, "the driver does not verify both IPv4 and UDP");
  }
  if ((port.limits.tx_offload_capa & kOut) == kOut) {
    plan.transmit_offloads |= kOut;
    port.table.features |= ONPATH_PORT_FILLS_CHECKSUMS;
    reports.set(Hook::tx_checksums, By::nic_unverified, "filled by the NIC, which only receivers can see");
  } else {
    reports.set(Hook::tx_checksums, By::software, "the driver does not fill both IPv4 and UDP");
  }
}

void judge_checksums(Port& port, const Sums& sums) {
  if (!port.offloads.beliefs.checksums) return;
  Reports& reports = port.offloads.reports;
  if (sums.checksums_wrong > 0) {
    reports.set(Hook::rx_checksums, By::software,
                std::to_string(sums.checksums_wrong) + " packets were called good that are not");
  } else if (port.offloads.beliefs.checksum_mask.load() != 0) {
    reports.set(Hook::rx_checksums, By::nic, "its verdicts were compared with software's, and are right");
  } else if (sums.checksums_silent >= kProofs && sums.checksums_right == 0) {
    reports.set(Hook::rx_checksums, By::software, "the NIC took it, but says nothing about its packets");
  }
}

}  // namespace onpath::dpdk
