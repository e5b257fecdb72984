// Flow rules: what patterns and actions it takes, and what it refuses.
#include <rte_byteorder.h>
#include <rte_flow.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "soft_nic.h"

namespace softnic {
namespace {

int refuse(rte_flow_error* error, int code, const char* why) {
  return rte_flow_error_set(error, code, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, nullptr, why);
}

template <class Item>
const Item* of(const void* pointer) {
  return static_cast<const Item*>(pointer);
}

/// False: a pattern that it does not take.
bool read_item(const rte_flow_item& item, rte_flow& rule) {
  const bool plain = item.spec == nullptr || item.mask == nullptr;
  switch (item.type) {
    case RTE_FLOW_ITEM_TYPE_ETH:
      if (!plain && of<rte_flow_item_eth>(item.mask)->hdr.ether_type != 0)
        rule.ether_type = rte_be_to_cpu_16(of<rte_flow_item_eth>(item.spec)->hdr.ether_type);
      return true;
    case RTE_FLOW_ITEM_TYPE_IPV4: {
      rule.ether_type = 0x0800;
      if (plain) return true;
      const auto* mask = &of<rte_flow_item_ipv4>(item.mask)->hdr;
      const auto* spec = &of<rte_flow_item_ipv4>(item.spec)->hdr;
      if (mask->next_proto_id != 0) rule.protocol = spec->next_proto_id;
      std::memcpy(rule.source + 12, &spec->src_addr, 4);
      std::memcpy(rule.source_mask + 12, &mask->src_addr, 4);
      return mask->dst_addr == 0;
    }
    case RTE_FLOW_ITEM_TYPE_IPV6: {
      rule.ether_type = 0x86dd;
      if (plain) return true;
      const auto* mask = &of<rte_flow_item_ipv6>(item.mask)->hdr;
      const auto* spec = &of<rte_flow_item_ipv6>(item.spec)->hdr;
      if (mask->proto != 0) rule.protocol = spec->proto;
      std::memcpy(rule.source, &spec->src_addr, 16);
      std::memcpy(rule.source_mask, &mask->src_addr, 16);
      return true;
    }
    case RTE_FLOW_ITEM_TYPE_UDP:
      rule.protocol = 17;
      if (plain) return true;
      rule.udp_port = rte_be_to_cpu_16(of<rte_flow_item_udp>(item.spec)->hdr.dst_port);
      rule.udp_mask = rte_be_to_cpu_16(of<rte_flow_item_udp>(item.mask)->hdr.dst_port);
      return true;
    default:
      return false;
  }
}

/// Null, or why an action is not taken.
const char* read_action(const Nic& nic, const rte_flow_action& action, rte_flow& rule) {
  switch (action.type) {
    case RTE_FLOW_ACTION_TYPE_COUNT:
      rule.counts = true;
      return nic.has(kCount) ? nullptr : "no counters here";
    case RTE_FLOW_ACTION_TYPE_MARK:
      rule.marks = true;
      rule.mark = of<rte_flow_action_mark>(action.conf)->id;
      return nic.has(kMark) ? nullptr : "no marks here";
    case RTE_FLOW_ACTION_TYPE_DROP:
      rule.drop = true;
      return nic.has(kAllowList) ? nullptr : "no drops here";
    case RTE_FLOW_ACTION_TYPE_QUEUE:
      rule.queues = {of<rte_flow_action_queue>(action.conf)->index};
      return rule.queues[0] < nic.device->data->nb_rx_queues ? nullptr : "no such queue";
    case RTE_FLOW_ACTION_TYPE_RSS: {
      const auto* rss = of<rte_flow_action_rss>(action.conf);
      rule.queues.assign(rss->queue, rss->queue + rss->queue_num);
      return nic.has(kRss) ? nullptr : "no RSS here";
    }
    default:
      return "an action that it does not know";
  }
}

rte_flow* create(rte_eth_dev* device, const rte_flow_attr* attributes, const rte_flow_item* items,
                 const rte_flow_action* actions, rte_flow_error* error) {
  Nic& nic = nic_of(device);
  auto rule = std::make_unique<rte_flow>();
  rule->priority = attributes->priority;
  for (; items->type != RTE_FLOW_ITEM_TYPE_END; ++items) {
    if (!read_item(*items, *rule)) {
      refuse(error, ENOTSUP, "a pattern that it does not know");
      return nullptr;
    }
  }
  for (; actions->type != RTE_FLOW_ACTION_TYPE_END; ++actions) {
    if (actions->type == RTE_FLOW_ACTION_TYPE_VOID) continue;
    if (const char* why = read_action(nic, *actions, *rule)) {
      refuse(error, ENOTSUP, why);
      return nullptr;
    }
  }
  rte_rwlock_write_lock(&wires);
  if (nic.fail_rule != 0 && nic.rules.size() + 1 >= nic.fail_rule) {
    rte_rwlock_write_unlock(&wires);
    refuse(error, ENOSPC, "the table is full");
    return nullptr;
  }
  const auto place = std::find_if(nic.rules.begin(), nic.rules.end(),
                                  [&](const rte_flow* other) { return other->priority > rule->priority; });
  ++nic.created;
  rte_flow* made = *nic.rules.insert(place, rule.release());
  rte_rwlock_write_unlock(&wires);
  return made;
}

int validate(rte_eth_dev*, const rte_flow_attr*, const rte_flow_item*, const rte_flow_action*,
             rte_flow_error*) {
  return 0;  // like some real ones, it validates what it then refuses
}

int destroy(rte_eth_dev* device, rte_flow* flow, rte_flow_error* error) {
  Nic& nic = nic_of(device);
  rte_rwlock_write_lock(&wires);
  const auto found = std::find(nic.rules.begin(), nic.rules.end(), flow);
  const bool known = found != nic.rules.end();
  if (known) nic.rules.erase(found);
  rte_rwlock_write_unlock(&wires);
  if (!known) return refuse(error, EINVAL, "no such rule");
  delete flow;
  return 0;
}

int flush(rte_eth_dev* device, rte_flow_error*) {
  rte_rwlock_write_lock(&wires);
  forget_rules(nic_of(device));
  rte_rwlock_write_unlock(&wires);
  return 0;
}

int query(rte_eth_dev*, rte_flow* flow, const rte_flow_action* action, void* result, rte_flow_error* error) {
  if (action->type != RTE_FLOW_ACTION_TYPE_COUNT || !flow->counts)
    return refuse(error, ENOTSUP, "the rule has no counter");
  auto* count = static_cast<rte_flow_query_count*>(result);
  count->hits_set = 1;
  count->hits = flow->hits.load(std::memory_order_relaxed);
  return 0;
}

int isolate(rte_eth_dev* device, int enable, rte_flow_error* error) {
  Nic& nic = nic_of(device);
  if (!nic.has(kSteering)) return refuse(error, ENOTSUP, "no isolated mode here");
  if (nic.started) return refuse(error, EBUSY, "the port must be stopped first");
  rte_rwlock_write_lock(&wires);
  nic.isolated = enable != 0;
  rte_rwlock_write_unlock(&wires);
  return 0;
}

rte_flow_ops make_ops() {
  rte_flow_ops ops{};
  ops.validate = validate;
  ops.create = create;
  ops.destroy = destroy;
  ops.flush = flush;
  ops.query = query;
  ops.isolate = isolate;
  return ops;
}

}  // namespace

const rte_flow_ops flow_ops = make_ops();

void forget_rules(Nic& nic) {
  for (rte_flow* rule : nic.rules) delete rule;
  nic.rules.clear();
}

}  // namespace softnic
