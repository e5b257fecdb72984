// RSS: a stream stays on one queue, so on one worker. Senders put entropy into the UDP source port.
#include "dpdk/offload/control.h"
#include "dpdk/port.h"

namespace onpath::dpdk {
namespace {

constexpr uint64_t kByPorts = RTE_ETH_RSS_NONFRAG_IPV4_UDP | RTE_ETH_RSS_NONFRAG_IPV6_UDP;
constexpr uint64_t kByAddresses = RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_IPV6;
constexpr uint32_t kManyStreams = 16;  // that fall into one queue of two once in 65,536 times

}  // namespace

void plan_rss(Port& port, DevicePlan& plan) {
  Reports& reports = port.offloads.reports;
  plan.spread = 0;
  if ((port.offloads.allowed & ONPATH_OFFLOAD_RSS) == 0) return;
  if (plan.receive_queues == 1) return reports.set(Hook::rss, By::software, "there is one receive queue");
  const uint64_t offered = port.limits.flow_type_rss_offloads;
  plan.spread = (offered & kByPorts) != 0 ? (offered & kByPorts) : (offered & kByAddresses);
  if (plan.spread == 0)
    return reports.set(Hook::rss, By::software, "the driver offers no hash over addresses or UDP ports");
  reports.set(Hook::rss, By::nic_unverified, "no packets yet");
}

void judge_rss(Port& port, const Sums& sums) {
  if (port.plan.spread == 0) return;
  Reports& reports = port.offloads.reports;
  const char* by = (port.plan.spread & kByPorts) != 0 ? "addresses and UDP ports" : "addresses";
  if (sums.queues_used > 1) {
    reports.set(Hook::rss, By::nic,
                std::string("by ") + by + ": packets come by " + std::to_string(sums.queues_used) + " of " +
                    std::to_string(port.plan.receive_queues) + " queues");
  } else if (sums.streams >= kManyStreams) {
    reports.set(Hook::rss, By::software,
                std::to_string(sums.streams) + " streams or more came by one queue: it has no effect");
  } else if (sums.packets > 0) {
    reports.set(Hook::rss, By::nic_unverified,
                std::string("by ") + by + ": too few streams to tell, all by one queue");
  }
}

}  // namespace onpath::dpdk
