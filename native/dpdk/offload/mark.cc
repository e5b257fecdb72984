// MARK: the NIC tells the route of a packet. Made by the flow rules; here it is agreed on and judged.
#define ALLOW_EXPERIMENTAL_API  // rte_eth_rx_metadata_negotiate only

#include <rte_errno.h>
#include <rte_ethdev.h>

#include <cerrno>

#include "dpdk/offload/control.h"
#include "dpdk/port.h"

namespace onpath::dpdk {

void negotiate_marks(Port& port) {
  if ((port.offloads.allowed & ONPATH_OFFLOAD_MARK) == 0) return;
  uint64_t features = RTE_ETH_RX_METADATA_USER_MARK;
  const int result = rte_eth_rx_metadata_negotiate(port.id, &features);
  // -ENOTSUP: nothing has to be agreed on. Whether there are marks the rules will tell.
  port.offloads.may_mark =
      result == -ENOTSUP || (result == 0 && (features & RTE_ETH_RX_METADATA_USER_MARK) != 0);
  port.offloads.reports.set(Hook::mark, By::software,
                            port.offloads.may_mark ? "no rules yet"
                            : result == 0
                                ? "the driver does not hand marks over"
                                : "marks could not be agreed on: " + std::string(rte_strerror(-result)));
}

void judge_marks(Port& port, const Sums& sums) {
  const Offloads& offloads = port.offloads;
  if (!offloads.beliefs.marks.load()) return;
  Reports& reports = port.offloads.reports;
  if (sums.marks_wrong > 0) {
    reports.set(Hook::mark, By::software,
                std::to_string(sums.marks_wrong) + " marks named another route than the headers do");
  } else if (offloads.beliefs.mark_flag.load() != 0) {
    reports.set(Hook::mark, By::nic, "marks were compared with the headers, and are right");
  } else if (sums.marks_missing >= kProofs && sums.marks_right == 0) {
    reports.set(Hook::mark, By::software, "the NIC took the rules, but packets come without a mark");
  }
}

}  // namespace onpath::dpdk
