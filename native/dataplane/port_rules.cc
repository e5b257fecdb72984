#include "dataplane/port_rules.h"

#include <algorithm>
#include <cstring>
#include <variant>
#include <vector>

namespace onpath {
namespace {

struct Rule {
  uint16_t udp_port = 0;
  uint32_t mark = 0;
  bool anyone = false;
  std::vector<onpath_source_prefix> sources;
};

onpath_source_prefix prefix_of(const IpAddress& address, uint32_t bits) {
  onpath_source_prefix prefix{};
  std::memcpy(prefix.address, address.bytes.data(), sizeof prefix.address);
  prefix.bits = bits;
  return prefix;
}

Rule& rule_for(std::vector<Rule>& rules, uint16_t udp_port) {
  const auto found =
      std::find_if(rules.begin(), rules.end(), [&](const Rule& rule) { return rule.udp_port == udp_port; });
  if (found != rules.end()) return *found;
  rules.emplace_back().udp_port = udp_port;
  return rules.back();
}

/// A route whose packets the UDP port alone tells.
bool is_marked(const std::vector<RouteConfig>& routes, const RouteConfig& route) {
  return !route.payload_type && std::none_of(routes.begin(), routes.end(), [&](const RouteConfig& other) {
    return &other != &route && other.port == route.port &&
           (other.udp_port == route.udp_port || other.udp_port == 0 || route.udp_port == 0);
  });
}

/// Reports of receivers may come from any member of a group.
void add_feedback(std::vector<Rule>& rules, uint16_t udp_port, const IpAddress& from) {
  Rule& rule = rule_for(rules, udp_port);
  if (is_multicast(from)) {
    rule.anyone = true;
  } else {
    rule.sources.push_back(prefix_of(from, 128));
  }
}

}  // namespace

void PortRules::tell() {
  const std::lock_guard lock(mutex_);
  for (size_t p = 0; p < parts_.ports.list().size(); ++p) tell(p);
}

void PortRules::add_sender(const std::string& port, uint16_t own_udp_port, const IpAddress& receiver) {
  const auto& ports = parts_.ports.list();
  const std::lock_guard lock(mutex_);
  for (size_t p = 0; p < ports.size() && !closed_; ++p) {
    if (ports[p].name != port) continue;
    const Feedback news{p, own_udp_port, receiver};
    if (std::find(feedback_.begin(), feedback_.end(), news) != feedback_.end()) return;
    feedback_.push_back(news);
    tell(p);
  }
}

void PortRules::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
}

void PortRules::tell(size_t p) const {
  const NamedPort& named = parts_.ports.list()[p];
  if (named.port->set_rules == nullptr) return;
  std::vector<Rule> rules;
  for (size_t r = 0; r < parts_.routes.size(); ++r) {
    const RouteConfig& route = parts_.routes[r];
    if (const auto* forward = std::get_if<ForwardSinkConfig>(&route.sink);
        forward != nullptr && forward->port == named.name)
      add_feedback(rules, forward->source.port, forward->destination.address);
    if (route.port != named.name) continue;
    Rule& rule = rule_for(rules, route.udp_port);
    if (is_marked(parts_.routes, route)) rule.mark = static_cast<uint32_t>(r + 1);
    rule.anyone = rule.anyone || route.sources.empty();
    for (const IpPrefix& prefix : route.sources)
      rule.sources.push_back(prefix_of(prefix.address, prefix.bits));
  }
  for (const Feedback& one : feedback_) {
    if (one.port == p) add_feedback(rules, one.udp_port, one.from);
  }
  std::vector<onpath_rule> passed;
  for (const Rule& rule : rules) {
    passed.push_back({rule.mark, rule.udp_port, 0, rule.anyone ? nullptr : rule.sources.data(),
                      rule.anyone ? 0 : static_cast<uint32_t>(rule.sources.size())});
  }
  const onpath_rules all{sizeof all, static_cast<uint32_t>(passed.size()), passed.data(),
                         named.host.has_value()};
  named.port->set_rules(named.port->self, &all);
}

}  // namespace onpath
