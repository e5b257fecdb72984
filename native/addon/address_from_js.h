// Addresses as native code takes them, out of texts and bytes of JavaScript. Must not know what they are for.
#pragma once

#include <array>
#include <cstdint>
#include <utility>

#include "addon/input.h"
#include "base/result.h"
#include "dataplane/config.h"

namespace onpath::addon {

/// What a parser of text said, under the text's path.
template <class Value>
Value parsed(const Input& input, Result<Value> result) {
  if (result.ok()) return std::move(result).value();
  if (!input.failed()) input.fail_because(result.error().message);
  return {};
}

IpAddress address_from_js(const Input& input);
/// "10.9.0.2/24" with the address as it is, its host part kept.
IpPrefix own_address_from_js(const Input& input);
Endpoint endpoint_from_js(const Input& of, const char* address_key, const char* port_key);
/// Six bytes; zeros if undefined.
std::array<uint8_t, 6> mac_from_js(const Input& input);

}  // namespace onpath::addon
