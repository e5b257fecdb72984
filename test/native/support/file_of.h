// What a loader takes, from a text.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace onpath::text {

inline std::span<const uint8_t> file_of(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

}  // namespace onpath::text
