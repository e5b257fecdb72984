// Text form of addresses and prefixes. Runs when routes and ports are set up, never on the packet path.
#include "wire/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "base/big_endian.h"

namespace onpath {
namespace {

constexpr size_t kLongestAddress = 45;  // "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255"
constexpr std::array<uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0,    0,
                                                   0, 0, 0, 0, 0xff, 0xff};  // RFC 4291 2.5.5.2

Error address_error(std::string_view text) {
  return {ErrorCode::INVALID_ARGUMENT, "address is \"" + std::string(text) +
                                           "\", expected IPv4 like 192.0.2.1 or IPv6 like 2001:db8::1 "
                                           "(no host name, port or zone)"};
}

Error prefix_error(std::string_view text, const char* expected) {
  return {ErrorCode::INVALID_ARGUMENT, "prefix is \"" + std::string(text) + "\", expected " + expected};
}

/// The bits of one address byte that a prefix of `bits` bits covers.
uint8_t prefix_mask(size_t byte, uint8_t bits) {
  const size_t first = byte * 8;
  if (bits >= first + 8) return 0xff;
  if (bits <= first) return 0;
  return static_cast<uint8_t>(0xff00u >> (bits - first));
}

}  // namespace

bool IpAddress::is_v4() const {
  return std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes.begin());
}

IpAddress IpAddress::v4(uint32_t host_order) {
  IpAddress address;
  std::copy(kMappedPrefix.begin(), kMappedPrefix.end(), address.bytes.begin());
  store_be32(address.bytes.data() + 12, host_order);
  return address;
}

Result<IpAddress> parse_address(std::string_view text) {
  char terminated[kLongestAddress + 1];
  if (text.empty() || text.size() > kLongestAddress || text.find('\0') != text.npos)
    return address_error(text);
  std::memcpy(terminated, text.data(), text.size());
  terminated[text.size()] = '\0';

  IpAddress address;
  if (text.find(':') != text.npos) {
    if (inet_pton(AF_INET6, terminated, address.bytes.data()) != 1) return address_error(text);
    return address;
  }
  uint8_t v4[4];
  if (inet_pton(AF_INET, terminated, v4) != 1) return address_error(text);
  return IpAddress::v4(load_be32(v4));
}

std::string address_text(const IpAddress& address) {
  char text[INET6_ADDRSTRLEN];
  const bool v4 = address.is_v4();
  inet_ntop(v4 ? AF_INET : AF_INET6, address.bytes.data() + (v4 ? 12 : 0), text, sizeof text);
  return text;
}

std::string endpoint_text(const Endpoint& endpoint) {
  const std::string address = address_text(endpoint.address);
  const std::string port = std::to_string(endpoint.port);
  return endpoint.address.is_v4() ? address + ":" + port : "[" + address + "]:" + port;
}

bool IpPrefix::contains(const IpAddress& other) const {
  uint8_t difference = 0;
  for (size_t i = 0; i < 16; ++i) {
    difference |= static_cast<uint8_t>((address.bytes[i] ^ other.bytes[i]) & prefix_mask(i, bits));
  }
  return difference == 0;
}

Result<IpPrefix> parse_prefix(std::string_view text) {
  const size_t slash = text.find('/');
  const std::string_view address_part = text.substr(0, slash);
  Result<IpAddress> address = parse_address(address_part);
  if (!address) return prefix_error(text, "an address, or an address, a slash and a length, like 10.0.0.0/8");

  IpPrefix prefix{address.value(), 128};
  if (slash == text.npos) return prefix;
  const bool dotted = address_part.find(':') == address_part.npos;
  const uint32_t most = dotted ? 32 : 128;
  const char* expected =
      dotted ? "a length of 0 to 32 after the slash" : "a length of 0 to 128 after the slash";
  const std::string_view length = text.substr(slash + 1);
  if (length.empty() || length.size() > 3) return prefix_error(text, expected);
  uint32_t bits = 0;
  for (char digit : length) {
    if (digit < '0' || digit > '9') return prefix_error(text, expected);
    bits = bits * 10 + static_cast<uint32_t>(digit - '0');
  }
  if (bits > most) return prefix_error(text, expected);

  prefix.bits = static_cast<uint8_t>(dotted ? 96 + bits : bits);
  for (size_t i = 0; i < 16; ++i) prefix.address.bytes[i] &= prefix_mask(i, prefix.bits);
  return prefix;
}

}  // namespace onpath
