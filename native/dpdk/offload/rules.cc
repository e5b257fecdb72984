#include "dpdk/offload/rules.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace onpath::dpdk {
namespace {

constexpr uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr unsigned kMappedBits = 96;

bool same_bits(const uint8_t* a, const uint8_t* b, unsigned bits) {
  const unsigned bytes = bits / 8, rest = bits % 8;
  if (std::memcmp(a, b, bytes) != 0) return false;
  return rest == 0 || ((a[bytes] ^ b[bytes]) >> (8 - rest)) == 0;
}

Prefix prefix_from(const onpath_source_prefix& from) {
  Prefix prefix;
  prefix.bits = static_cast<uint8_t>(std::min<uint32_t>(from.bits, 128));
  for (unsigned bit = 0; bit < prefix.bits; ++bit)
    prefix.address[bit / 8] |= static_cast<uint8_t>(from.address[bit / 8] & (0x80u >> bit % 8));
  return prefix;
}

/// One entry of what two admit; a mark tells only what is of one rule alone.
void join(Wanted::Entry& into, Wanted::Entry from) {
  into.mark = 0;
  if (into.sources.empty() || from.sources.empty()) {
    into.sources.clear();
    return;
  }
  into.sources.insert(into.sources.end(), from.sources.begin(), from.sources.end());
}

}  // namespace

bool Prefix::contains(const uint8_t* other) const { return same_bits(address.data(), other, bits); }

bool Prefix::is_v4() const { return bits >= kMappedBits && same_bits(address.data(), kMapped, kMappedBits); }

bool Prefix::holds_v4() const { return bits <= kMappedBits && same_bits(address.data(), kMapped, bits); }

std::string text_of(const Prefix& prefix) {
  char text[INET6_ADDRSTRLEN] = "";
  if (prefix.is_v4()) {
    inet_ntop(AF_INET, prefix.address.data() + 12, text, sizeof text);
    return std::string(text) + '/' + std::to_string(prefix.bits - kMappedBits);
  }
  inet_ntop(AF_INET6, prefix.address.data(), text, sizeof text);
  return std::string(text) + '/' + std::to_string(prefix.bits);
}

bool Wanted::Entry::lists(const uint8_t* source) const {
  return sources.empty() ||
         std::any_of(sources.begin(), sources.end(), [&](const Prefix& one) { return one.contains(source); });
}

const Wanted::Entry* Wanted::find(uint16_t udp_port) const {
  if (entries.size() == 1 && entries[0].udp_port == 0) return &entries[0];
  const auto found =
      std::lower_bound(entries.begin(), entries.end(), udp_port,
                       [](const Entry& entry, uint16_t port) { return entry.udp_port < port; });
  return found != entries.end() && found->udp_port == udp_port ? &*found : nullptr;
}

Wanted merge(const onpath_rules& rules) {
  Wanted wanted;
  wanted.host = rules.host != 0;
  bool any_port = false;
  for (uint32_t i = 0; i < rules.count; ++i) {
    const onpath_rule& rule = rules.rules[i];
    Wanted::Entry entry;
    entry.udp_port = rule.udp_port;
    entry.mark = rule.mark;
    for (uint32_t s = 0; s < rule.source_count; ++s) entry.sources.push_back(prefix_from(rule.sources[s]));
    any_port = any_port || rule.udp_port == 0;
    wanted.entries.push_back(std::move(entry));
  }
  // A rule for any UDP port takes in what those for named ones do.
  if (any_port) {
    for (Wanted::Entry& entry : wanted.entries) entry.udp_port = 0;
  }
  std::stable_sort(wanted.entries.begin(), wanted.entries.end(),
                   [](const auto& a, const auto& b) { return a.udp_port < b.udp_port; });
  std::vector<Wanted::Entry> merged;
  for (Wanted::Entry& entry : wanted.entries) {
    if (!merged.empty() && merged.back().udp_port == entry.udp_port) {
      join(merged.back(), std::move(entry));
    } else {
      merged.push_back(std::move(entry));
    }
  }
  for (Wanted::Entry& entry : merged) {
    std::sort(entry.sources.begin(), entry.sources.end());
    entry.sources.erase(std::unique(entry.sources.begin(), entry.sources.end()), entry.sources.end());
    // ::/0 and the like: anyone.
    if (std::any_of(entry.sources.begin(), entry.sources.end(), [](const Prefix& p) { return p.bits == 0; }))
      entry.sources.clear();
  }
  wanted.entries = std::move(merged);
  return wanted;
}

}  // namespace onpath::dpdk
