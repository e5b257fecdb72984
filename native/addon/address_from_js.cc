#include "addon/address_from_js.h"

#include <algorithm>
#include <string>
#include <vector>

namespace onpath::addon {

namespace {

constexpr size_t kMacBytes = 6;

}  // namespace

IpAddress address_from_js(const Input& input) { return parsed(input, parse_address(input.text())); }

IpPrefix own_address_from_js(const Input& input) {
  const std::string text = input.text();
  IpPrefix prefix = parsed(input, parse_prefix(text));
  prefix.address = parsed(input, parse_address(text.substr(0, text.find('/'))));
  return prefix;
}

Endpoint endpoint_from_js(const Input& of, const char* address_key, const char* port_key) {
  Endpoint result;
  result.address = address_from_js(of[address_key]);
  result.port = of[port_key].integer<uint16_t>();
  return result;
}

std::array<uint8_t, kMacBytes> mac_from_js(const Input& input) {
  std::array<uint8_t, kMacBytes> result{};
  if (input.is_undefined()) return result;
  const std::vector<uint8_t> bytes = input.bytes(kMacBytes);
  if (bytes.size() == kMacBytes) {
    std::copy(bytes.begin(), bytes.end(), result.begin());
  } else if (!input.failed()) {
    input.fail_because("expected the 6 bytes of a MAC address, received " + std::to_string(bytes.size()) +
                       ".");
  }
  return result;
}

}  // namespace onpath::addon
