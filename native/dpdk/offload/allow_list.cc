// Packets of sources that no route lists are dropped by the NIC, so that they cost no core anything.
#include "dpdk/offload/control.h"
#include "dpdk/port.h"

#include <algorithm>

namespace onpath::dpdk {
namespace {

constexpr uint8_t kLater = 1;  // priority of a drop: after all that lets packets in

FlowRule udp_rule(const Wanted::Entry& entry, bool v6, bool marks) {
  FlowRule rule;
  rule.v6 = v6;
  rule.udp_port = entry.udp_port;
  rule.mark = marks ? entry.mark : 0;
  return rule;
}

}  // namespace

bool restricts(const Wanted& wanted) {
  return std::any_of(wanted.entries.begin(), wanted.entries.end(),
                     [](const Wanted::Entry& entry) { return !entry.sources.empty(); });
}

void add_udp_rules(const Wanted::Entry& entry, bool marks, bool drops, std::vector<FlowRule>& rules) {
  if (!drops || entry.sources.empty()) {
    for (const bool v6 : {false, true}) rules.push_back(udp_rule(entry, v6, marks));
    return;
  }
  for (const Prefix& source : entry.sources) {
    if (source.is_v4() || source.holds_v4()) {
      FlowRule& rule = rules.emplace_back(udp_rule(entry, false, marks));
      if (source.bits > 96) rule.source = source;
    }
    if (!source.is_v4()) rules.emplace_back(udp_rule(entry, true, marks)).source = source;
  }
  for (const bool v6 : {false, true}) {
    FlowRule& rule = rules.emplace_back(udp_rule(entry, v6, false));
    rule.drop = true;
    rule.priority = kLater;
  }
}

void judge_allow_list(Port& port, const Sums& sums) {
  const Offloads& offloads = port.offloads;
  if (!offloads.beliefs.drops_unlisted.load()) return;
  Reports& reports = port.offloads.reports;
  const uint64_t dropped = offloads.flows.dropped(port.id);
  if (sums.unlisted > 0) {
    reports.set(Hook::allow_list, By::software,
                std::to_string(sums.unlisted) + " packets of unlisted sources came all the same");
  } else if (dropped > 0) {
    reports.set(Hook::allow_list, By::nic, "the NIC has dropped " + std::to_string(dropped) + " packets");
  } else {
    reports.set(Hook::allow_list, By::nic_unverified,
                "rules are in place; nothing that was dropped is known of");
  }
}

}  // namespace onpath::dpdk
