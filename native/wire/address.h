// IPv4 and IPv6 addresses and prefixes. IPv4 is kept as an IPv4-mapped IPv6 address, so that one comparison
// serves both.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace onpath {

struct IpAddress {
  std::array<uint8_t, 16> bytes{};  // network order; IPv4 as ::ffff:a.b.c.d

  bool is_v4() const;
  static IpAddress v4(uint32_t host_order);
  bool operator==(const IpAddress&) const = default;
};

/// An address and a UDP port (host order).
struct Endpoint {
  IpAddress address;
  uint16_t port = 0;
  bool operator==(const Endpoint&) const = default;
};

/// Parses "192.0.2.1" or "2001:db8::1". Errors: INVALID_ARGUMENT.
Result<IpAddress> parse_address(std::string_view text);
std::string address_text(const IpAddress& address);
/// "192.0.2.1:5004" or "[2001:db8::1]:5004".
std::string endpoint_text(const Endpoint& endpoint);

struct IpPrefix {
  IpAddress address;
  uint8_t bits = 0;  // of 128: an IPv4 /8 is 96 + 8

  bool contains(const IpAddress& other) const;
};

/// Parses "10.0.0.0/8", "2001:db8::/32" or a bare address. Errors: INVALID_ARGUMENT.
Result<IpPrefix> parse_prefix(std::string_view text);

}  // namespace onpath
