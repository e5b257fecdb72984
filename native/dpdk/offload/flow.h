// Flow rules of a NIC as data, and a set of them that is there as a whole or not at all. Control thread only.
#pragma once

#include <rte_flow.h>

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "dpdk/failure.h"
#include "dpdk/offload/rules.h"

namespace onpath::dpdk {

struct FlowRule {
  enum class Takes : uint8_t { arp, ip_protocol, udp };
  Takes takes = Takes::udp;
  bool v6 = false;
  uint8_t protocol = 0;   // ip_protocol: the number in the IP header
  uint16_t udp_port = 0;  // udp; 0: any
  Prefix source;          // udp; no bits: anyone
  uint32_t mark = 0;      // 0: none
  bool drop = false;      // instead of coming in
  uint8_t priority = 0;   // the least goes first

  auto operator<=>(const FlowRule&) const = default;
};

/// "UDP port 5004 from 10.0.0.0/8, marked 3"
std::string text_of(const FlowRule& rule);

/// Where what comes in goes to: spread over the first `queues` queues, or queue 0 if `spread` is 0.
struct Fate {
  uint16_t queues = 1;
  uint64_t spread = 0;  // RTE_ETH_RSS_*
};

class FlowSet {
 public:
  /// Rules that are in both sets stay; the driver is asked about the new ones, then they are made, then the
  /// others destroyed. If one is refused, those made by this call are destroyed, and the set is as before.
  /// Failure: which rule, and what the driver said of it.
  Outcome change(uint16_t port, const std::vector<FlowRule>& rules, const Fate& fate);
  /// Destroys all of them.
  void clear(uint16_t port);
  /// Packets that rules have dropped, as far as the NIC counts them.
  uint64_t dropped(uint16_t port) const;
  size_t size() const { return made_.size(); }

 private:
  struct Made {
    rte_flow* flow;
    bool counted;
  };
  std::map<FlowRule, Made> made_;
};

}  // namespace onpath::dpdk
