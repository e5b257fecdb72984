// What a plane wants by a port, merged by UDP port: what the flow rules are made of, and what packets that
// came are compared with.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/port_abi.h"

namespace onpath::dpdk {

/// Of an address, IPv4 as ::ffff:a.b.c.d. Bits beyond the length are zero.
struct Prefix {
  std::array<uint8_t, 16> address{};
  uint8_t bits = 0;

  bool contains(const uint8_t* other) const;
  /// Whether it lies within IPv4, and whether all of IPv4 lies within it.
  bool is_v4() const;
  bool holds_v4() const;
  auto operator<=>(const Prefix&) const = default;
};

std::string text_of(const Prefix& prefix);

struct Wanted {
  struct Entry {
    uint16_t udp_port = 0;  // 0: any; then it is the only entry
    uint32_t mark = 0;
    std::vector<Prefix> sources;  // empty: anyone

    bool lists(const uint8_t* source) const;
  };
  std::vector<Entry> entries;  // in the order of their UDP ports
  bool host = false;

  /// Null: nobody wants it.
  const Entry* find(uint16_t udp_port) const;
};

/// Never admits less than the rules do.
Wanted merge(const onpath_rules& rules);

}  // namespace onpath::dpdk
