// Flow steering: in isolated mode only packets that a rule takes come in, and the kernel keeps the rest where
// it shares the NIC. The rules serve marks and the allow-list, too: they are tried from most to least
// specific.
#include <rte_errno.h>
#include <rte_ethdev.h>

#include <algorithm>
#include <string>
#include <utility>

#include "dpdk/gate.h"
#include "dpdk/offload/control.h"
#include "dpdk/port.h"

namespace onpath::dpdk {
namespace {

constexpr size_t kMostRules = 1024;
constexpr uint8_t kIcmp = 1, kIgmp = 2, kHopByHop = 0, kIcmpV6 = 58;  // MLD queries come with a router alert

struct Level {
  bool marks, drops;
};
constexpr Level kLevels[] = {{true, true}, {true, false}, {false, true}, {false, false}};

/// What a plane that is a host needs besides datagrams.
void add_host_rules(std::vector<FlowRule>& rules) {
  rules.emplace_back().takes = FlowRule::Takes::arp;
  const auto add = [&](bool v6, uint8_t protocol) {
    FlowRule& rule = rules.emplace_back();
    rule.takes = FlowRule::Takes::ip_protocol;
    rule.v6 = v6;
    rule.protocol = protocol;
  };
  add(false, kIcmp);
  add(false, kIgmp);
  add(true, kIcmpV6);
  add(true, kHopByHop);
}

std::vector<FlowRule> rules_for(const Wanted& wanted, bool isolated, const Level& level) {
  std::vector<FlowRule> rules;
  for (const Wanted::Entry& entry : wanted.entries) add_udp_rules(entry, level.marks, level.drops, rules);
  if (isolated && wanted.host) add_host_rules(rules);
  return rules;
}

bool has_marks(const Wanted& wanted) {
  return std::any_of(wanted.entries.begin(), wanted.entries.end(),
                     [](const Wanted::Entry& entry) { return entry.mark != 0; });
}

/// Why no rules are made for a hook whatever the driver can; empty: they are.
std::string no_use_for_marks(const Port& port) {
  if (!port.offloads.may_mark) return "-";
  return has_marks(*port.offloads.rules) ? "" : "no route is told by its UDP port alone";
}
std::string no_use_for_drops(const Port& port) {
  if ((port.offloads.allowed & ONPATH_OFFLOAD_ALLOW_LIST) == 0) return "-";
  return restricts(*port.offloads.rules) ? "" : "every route takes packets of anyone";
}

/// "-": it has been said already.
void say(Port& port, Hook hook, const std::string& why) {
  if (why != "-") port.offloads.reports.set(hook, By::software, why);
}

void accept(Port& port, const Level& level) {
  Offloads& offloads = port.offloads;
  offloads.beliefs.marks.store(level.marks);
  offloads.beliefs.drops_unlisted.store(level.drops);
  const std::string rules = std::to_string(offloads.flows.size()) + " rules are in place";
  if (level.marks) offloads.reports.set(Hook::mark, By::nic_unverified, rules + "; no packets yet");
  if (level.drops) offloads.reports.set(Hook::allow_list, By::nic_unverified, rules + "; no packets yet");
  if (offloads.isolated) offloads.reports.set(Hook::steering, By::nic_unverified, rules + "; no packets yet");
  note_hooks(port);
}

}  // namespace

void isolate(Port& port) {
  Offloads& offloads = port.offloads;
  if ((offloads.allowed & ONPATH_OFFLOAD_STEERING) == 0) return;
  const auto without = [&](const std::string& why) {
    offloads.reports.set(Hook::steering, By::software, why);
  };
  if (port.options.promiscuous || port.options.all_multicast)
    return without("promiscuous or allMulticast asks for more than routes do");
  // Its rules are those of the kernel's traffic control, which validates what it then does not do.
  if (port.name.name.starts_with("net_tap")) return without("net_tap's rules are left alone");
  rte_flow_error error{};
  if (const int result = rte_flow_isolate(port.id, 1, &error); result != 0) {
    return without("the driver cannot isolate (" +
                   std::string(error.message != nullptr ? error.message : rte_strerror(-result)) + ")");
  }
  offloads.isolated = true;
  offloads.reports.set(Hook::steering, By::nic_unverified, "no rules yet");
}

void take_rules(Port& port, const onpath_rules& rules) {
  auto wanted = std::make_unique<Wanted>(merge(rules));
  port.offloads.beliefs.wanted.store(wanted.get(), std::memory_order_release);
  // Nobody compares with the old ones any more once all have left.
  wait_until_left(port);
  port.offloads.rules = std::move(wanted);
  port.offloads.rules_given = true;
  apply_rules(port);
}

void apply_rules(Port& port) {
  Offloads& offloads = port.offloads;
  if (!offloads.rules_given || port.gate.load() == Gate::gone) return;
  const std::string no_marks = no_use_for_marks(port), no_drops = no_use_for_drops(port);
  std::string marks_refused = no_marks, drops_refused = no_drops, refused;
  const Fate fate{port.plan.receive_queues, port.plan.spread};
  for (const Level& level : kLevels) {
    if ((level.marks && !no_marks.empty()) || (level.drops && !no_drops.empty())) continue;
    if (!level.marks && !level.drops && !offloads.isolated) break;
    const auto rules = rules_for(*offloads.rules, offloads.isolated, level);
    Outcome failure;
    if (rules.size() > kMostRules) {
      failure =
          invalid(std::to_string(rules.size()) + " rules, expected at most " + std::to_string(kMostRules));
    } else {
      failure = offloads.flows.change(port.id, rules, fate);
    }
    if (!failure) {
      accept(port, level);
      if (!level.marks) say(port, Hook::mark, marks_refused);
      if (!level.drops) say(port, Hook::allow_list, drops_refused);
      return;
    }
    refused = failure->message;
    if (level.marks) marks_refused = refused;
    if (level.drops) drops_refused = refused;
  }
  offloads.flows.clear(port.id);
  offloads.beliefs.marks.store(false);
  offloads.beliefs.drops_unlisted.store(false);
  say(port, Hook::mark, marks_refused);
  say(port, Hook::allow_list, drops_refused);
  if (!offloads.isolated) return;
  offloads.reports.set(Hook::steering, By::software, refused);
  offloads.isolated = false;
  offloads.give_up_isolation = true;
  if (auto failure = restart(port, false)) port.say_removed(failure->message);
}

void judge_steering(Port& port, const Sums& sums) {
  if (!port.offloads.isolated) return;
  Reports& reports = port.offloads.reports;
  if (sums.strays > 0) {
    reports.set(Hook::steering, By::software,
                std::to_string(sums.strays) + " packets came that no rule takes: isolation has no effect");
  } else if (sums.wanted > 0) {
    reports.set(Hook::steering, By::nic,
                std::to_string(port.offloads.flows.size()) + " rules; only what they take was seen");
  }
}

}  // namespace onpath::dpdk
