#include "dpdk/offload/flow.h"

#include <rte_errno.h>
#include <rte_ethdev.h>

#include <array>
#include <cstring>

namespace onpath::dpdk {
namespace {

constexpr uint16_t kArp = 0x0806;

/// Pattern and actions of one rule, as the driver takes them; they point into this object.
class Built {
 public:
  Built(const FlowRule& rule, const Fate& fate, bool counted) {
    if (counted) actions_.push_back({RTE_FLOW_ACTION_TYPE_COUNT, &count_});
    attributes_.ingress = 1;
    attributes_.priority = rule.priority;
    add_pattern(rule);
    add_actions(rule, fate);
  }
  Built(const Built&) = delete;

  rte_flow* create(uint16_t port, rte_flow_error& error) const {
    return rte_flow_create(port, &attributes_, pattern_.data(), actions_.data(), &error);
  }
  /// As far as the driver tells without doing it.
  bool may_be_created(uint16_t port, rte_flow_error& error) const {
    const int result = rte_flow_validate(port, &attributes_, pattern_.data(), actions_.data(), &error);
    return result == 0 || result == -ENOSYS;
  }

 private:
  void match(rte_flow_item_type type, const void* spec = nullptr, const void* mask = nullptr) {
    pattern_.push_back({type, spec, nullptr, mask});
  }

  void add_pattern(const FlowRule& rule) {
    if (rule.takes == FlowRule::Takes::arp) {
      ether_.hdr.ether_type = rte_cpu_to_be_16(kArp);
      ether_mask_.hdr.ether_type = 0xffff;
      match(RTE_FLOW_ITEM_TYPE_ETH, &ether_, &ether_mask_);
    } else {
      match(RTE_FLOW_ITEM_TYPE_ETH);
      rule.v6 ? add_ipv6(rule) : add_ipv4(rule);
      if (rule.takes == FlowRule::Takes::udp) add_udp(rule);
    }
    match(RTE_FLOW_ITEM_TYPE_END);
  }

  void add_ipv4(const FlowRule& rule) {
    const bool by_protocol = rule.takes == FlowRule::Takes::ip_protocol;
    if (by_protocol) {
      v4_.hdr.next_proto_id = rule.protocol;
      v4_mask_.hdr.next_proto_id = 0xff;
    }
    const unsigned bits = rule.source.bits > 96 ? rule.source.bits - 96u : 0;
    if (bits > 0) {
      std::memcpy(&v4_.hdr.src_addr, rule.source.address.data() + 12, 4);
      v4_mask_.hdr.src_addr = rte_cpu_to_be_32(UINT32_MAX << (32 - bits));
    }
    const bool plain = !by_protocol && bits == 0;
    match(RTE_FLOW_ITEM_TYPE_IPV4, plain ? nullptr : &v4_, plain ? nullptr : &v4_mask_);
  }

  void add_ipv6(const FlowRule& rule) {
    const bool by_protocol = rule.takes == FlowRule::Takes::ip_protocol;
    if (by_protocol) {
      v6_.hdr.proto = rule.protocol;
      v6_mask_.hdr.proto = 0xff;
    }
    std::array<uint8_t, 16> mask{};
    for (unsigned bit = 0; bit < rule.source.bits; ++bit)
      mask[bit / 8] = static_cast<uint8_t>(mask[bit / 8] | 0x80u >> bit % 8);
    std::memcpy(&v6_.hdr.src_addr, rule.source.address.data(), 16);
    std::memcpy(&v6_mask_.hdr.src_addr, mask.data(), 16);
    const bool plain = !by_protocol && rule.source.bits == 0;
    match(RTE_FLOW_ITEM_TYPE_IPV6, plain ? nullptr : &v6_, plain ? nullptr : &v6_mask_);
  }

  void add_udp(const FlowRule& rule) {
    udp_.hdr.dst_port = rte_cpu_to_be_16(rule.udp_port);
    udp_mask_.hdr.dst_port = 0xffff;
    const bool any = rule.udp_port == 0;
    match(RTE_FLOW_ITEM_TYPE_UDP, any ? nullptr : &udp_, any ? nullptr : &udp_mask_);
  }

  void add_actions(const FlowRule& rule, const Fate& fate) {
    if (rule.mark != 0) {
      mark_.id = rule.mark;
      actions_.push_back({RTE_FLOW_ACTION_TYPE_MARK, &mark_});
    }
    if (rule.drop) {
      actions_.push_back({RTE_FLOW_ACTION_TYPE_DROP, nullptr});
    } else if (fate.spread != 0 && fate.queues > 1 && rule.takes == FlowRule::Takes::udp) {
      for (uint16_t q = 0; q < fate.queues; ++q) queues_.push_back(q);
      rss_.types = fate.spread;
      rss_.queue_num = fate.queues;
      rss_.queue = queues_.data();
      actions_.push_back({RTE_FLOW_ACTION_TYPE_RSS, &rss_});
    } else {
      actions_.push_back({RTE_FLOW_ACTION_TYPE_QUEUE, &queue_});
    }
    actions_.push_back({RTE_FLOW_ACTION_TYPE_END, nullptr});
  }

  rte_flow_attr attributes_{};
  rte_flow_item_eth ether_{}, ether_mask_{};
  rte_flow_item_ipv4 v4_{}, v4_mask_{};
  rte_flow_item_ipv6 v6_{}, v6_mask_{};
  rte_flow_item_udp udp_{}, udp_mask_{};
  rte_flow_action_count count_{};
  rte_flow_action_mark mark_{};
  rte_flow_action_rss rss_{};
  rte_flow_action_queue queue_{};
  std::vector<uint16_t> queues_;
  std::vector<rte_flow_item> pattern_;
  std::vector<rte_flow_action> actions_;
};

void destroy(uint16_t port, rte_flow* flow) {
  rte_flow_error error{};
  // All rules of this port are ours: better none than one that is not wanted.
  if (rte_flow_destroy(port, flow, &error) != 0) rte_flow_flush(port, &error);
}

std::string said(const rte_flow_error& error) {
  if (error.message != nullptr && *error.message != '\0') return error.message;
  return rte_strerror(rte_errno);
}

}  // namespace

std::string text_of(const FlowRule& rule) {
  if (rule.takes == FlowRule::Takes::arp) return "ARP";
  if (rule.takes == FlowRule::Takes::ip_protocol)
    return (rule.v6 ? "IPv6 protocol " : "IPv4 protocol ") + std::to_string(rule.protocol);
  std::string text = rule.drop ? "drop of " : "";
  text += rule.v6 ? "IPv6 " : "IPv4 ";
  text += rule.udp_port == 0 ? std::string("UDP") : "UDP port " + std::to_string(rule.udp_port);
  if (rule.source.bits != 0) text += " from " + text_of(rule.source);
  if (rule.mark != 0) text += ", mark " + std::to_string(rule.mark);
  return text;
}

Outcome FlowSet::change(uint16_t port, const std::vector<FlowRule>& rules, const Fate& fate) {
  rte_flow_error error{};  // of the rule that is tried
  size_t number = 0;
  const auto refusal = [&](const FlowRule& rule) {
    return Failure{"PORT_FAILED", "rule " + std::to_string(number) + " of " + std::to_string(rules.size()) +
                                      " (" + text_of(rule) + ") was refused: " + said(error)};
  };
  // All are asked about before one is made: making and destroying one can leave a NIC changed. That of igb
  // has no RSS any more when a rule that spreads was destroyed.
  for (const FlowRule& rule : rules) {
    ++number;
    error = {};
    if (made_.count(rule) != 0 || Built(rule, fate, rule.drop).may_be_created(port, error)) continue;
    if (!rule.drop || !Built(rule, fate, false).may_be_created(port, error)) return refusal(rule);
  }
  std::map<FlowRule, Made> kept, fresh;
  number = 0;
  for (const FlowRule& rule : rules) {
    ++number;
    if (const auto old = made_.find(rule); old != made_.end()) {
      kept.insert(*old);
      continue;
    }
    if (fresh.count(rule) != 0) continue;
    error = {};
    // A count of what was dropped is all that can be seen of it.
    Made made{rule.drop ? Built(rule, fate, true).create(port, error) : nullptr, rule.drop};
    if (made.flow == nullptr) made = {Built(rule, fate, false).create(port, error), false};
    if (made.flow == nullptr) {
      for (const auto& [_, one] : fresh) destroy(port, one.flow);
      return refusal(rule);
    }
    fresh.emplace(rule, made);
  }
  for (const auto& [rule, old] : made_) {
    if (kept.count(rule) == 0) destroy(port, old.flow);
  }
  kept.merge(fresh);
  made_ = std::move(kept);
  return {};
}

void FlowSet::clear(uint16_t port) {
  for (const auto& [_, one] : made_) destroy(port, one.flow);
  made_.clear();
}

uint64_t FlowSet::dropped(uint16_t port) const {
  static constexpr rte_flow_action_count conf{};
  static constexpr rte_flow_action count{RTE_FLOW_ACTION_TYPE_COUNT, &conf};
  uint64_t packets = 0;
  for (const auto& [_, one] : made_) {
    rte_flow_query_count result{};
    rte_flow_error error{};
    if (one.counted && rte_flow_query(port, one.flow, &count, &result, &error) == 0 && result.hits_set)
      packets += result.hits;
  }
  return packets;
}

}  // namespace onpath::dpdk
