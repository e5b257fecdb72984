// Numbers of seven bits to a byte, the lowest first, as protobuf has them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace onpath::text {

/// Takes a number off the front of `bytes`. Null: it does not end in them, or not within ten bytes.
inline std::optional<uint64_t> take_varint(std::string_view& bytes) {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<uint8_t>(bytes.front());
    bytes.remove_prefix(1);
    value |= uint64_t{byte & 0x7Fu} << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

}  // namespace onpath::text
