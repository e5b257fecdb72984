// Element types of tables, edges and outputs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace onpath {

/// Values are part of the plan's byte form: append only.
enum class DType : uint8_t {
  uint8 = 0,
  int8 = 1,
  uint16 = 2,
  float16 = 3,
  bfloat16 = 4,
  float32 = 5,
  uint32 = 6
};

/// Bytes of one element.
constexpr size_t dtype_bytes(DType dtype) {
  switch (dtype) {
    case DType::uint8:
    case DType::int8:
      return 1;
    case DType::uint16:
    case DType::float16:
    case DType::bfloat16:
      return 2;
    case DType::float32:
    case DType::uint32:
      return 4;
  }
  return 0;
}

constexpr std::string_view dtype_name(DType dtype) {
  switch (dtype) {
    case DType::uint8:
      return "uint8";
    case DType::int8:
      return "int8";
    case DType::uint16:
      return "uint16";
    case DType::float16:
      return "float16";
    case DType::bfloat16:
      return "bfloat16";
    case DType::float32:
      return "float32";
    case DType::uint32:
      return "uint32";
  }
  return "?";
}

}  // namespace onpath
