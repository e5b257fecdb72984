// Arrival times of the NIC's clock, in terms of ours.
#define ALLOW_EXPERIMENTAL_API  // rte_eth_read_clock only

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf_dyn.h>
#include <time.h>

#include "dpdk/offload/control.h"
#include "dpdk/port.h"

namespace onpath::dpdk {
namespace {

uint64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(now.tv_nsec);
}

/// The reading with the least doubt among a few; false if the device's clock cannot be read.
bool read_clocks(uint16_t port, ClockMap::Pair& best) {
  uint64_t doubt = UINT64_MAX;
  for (int i = 0; i < 5; ++i) {
    uint64_t ticks = 0;
    const uint64_t before = monotonic_ns();
    if (rte_eth_read_clock(port, &ticks) != 0) return false;
    const uint64_t after = monotonic_ns();
    if (after - before >= doubt) continue;
    doubt = after - before;
    best = {ticks, before + doubt / 2};
  }
  return true;
}

}  // namespace

void plan_timestamps(Port& port, DevicePlan& plan) {
  if ((port.offloads.allowed & ONPATH_OFFLOAD_TIMESTAMPS) == 0) return;
  if ((port.limits.rx_offload_capa & RTE_ETH_RX_OFFLOAD_TIMESTAMP) == 0)
    return port.offloads.reports.set(Hook::timestamps, By::software, "the driver has no timestamps");
  plan.receive_offloads |= RTE_ETH_RX_OFFLOAD_TIMESTAMP;
}

bool begin_timestamps(Port& port) {
  ClockMap::Pair first{}, second{};
  Beliefs& beliefs = port.offloads.beliefs;
  int offset = -1;
  uint64_t flag = 0;
  bool works = read_clocks(port.id, first);
  if (works) {
    rte_delay_us_sleep(20'000);
    works = read_clocks(port.id, second) && second.ticks > first.ticks &&
            rte_mbuf_dyn_rx_timestamp_register(&offset, &flag) == 0;
  }
  if (!works) {
    port.offloads.reports.set(Hook::timestamps, By::software, "the device's clock cannot be read");
    return false;
  }
  port.timestamp_offset = offset;
  port.clock.set(first, second);
  beliefs.stamp_offset = offset;
  beliefs.stamps = flag;
  beliefs.clock = &port.clock;
  port.offloads.reports.set(Hook::timestamps, By::nic_unverified, "no packets yet");
  return true;
}

void keep_time(Port& port) {
  if (port.timestamp_offset < 0 || ++port.calibrations % 10 != 0) return;
  if (ClockMap::Pair now{}; read_clocks(port.id, now)) port.clock.update(now);
}

void judge_timestamps(Port& port, const Sums& sums) {
  if (port.offloads.beliefs.stamps == 0) return;
  if (sums.times_wrong > 0) {
    port.offloads.reports.set(Hook::timestamps, By::software,
                              std::to_string(sums.times_wrong) + " packets came with a time that cannot be");
  } else if (port.offloads.beliefs.timestamp_flag.load() != 0) {
    port.offloads.reports.set(Hook::timestamps, By::nic, "packets come with times of the NIC's clock");
  }
}

}  // namespace onpath::dpdk
