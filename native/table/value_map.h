// 256-entry tables from a byte to an element, one per channel.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/dtype.h"
#include "base/result.h"

namespace onpath {

/// `tables` tables of 256 entries; data is laid out [table][256] in native byte order (little endian on all
/// targets).
struct ValueMap {
  DType dtype = DType::uint8;
  uint32_t tables = 1;
  std::vector<uint8_t> data;

  uint64_t entries() const { return uint64_t{tables} * 256; }
  bool operator==(const ValueMap&) const = default;
};

/// v(x) = x, uint8.
ValueMap identity_map(uint32_t tables);

/// One stage applied to the values of `map`, each stage's own rounding kept. `map.dtype` must be uint8 or
/// float32. torchvision: v = f32(f64(x) * scale); (v - f32(mean)) / f32(std). fused: m = f32(f32(mean) *
/// f32(1/scale)), s = f32(f32(std) * f32(1/scale)); (x - m) / s. mean and std hold one value per table.
/// Errors: INVALID_SPEC for NaN, infinite or zero std, wrong counts; UNSUPPORTED for other dtypes.
Result<ValueMap> then_normalize(const ValueMap& map, double scale, std::span<const double> mean,
                                std::span<const double> std, bool fused);
/// clamp(rne(f32(x) / f32(scale)) + zero_point, -128, 127) as int8. NaN is refused.
Result<ValueMap> then_quantize(const ValueMap& map, double scale, int32_t zero_point);
/// `next` looked up with the values of `map`, which must be uint8. next.tables is 1 or map.tables.
Result<ValueMap> then_lookup(const ValueMap& map, const ValueMap& next);
/// Converts the element type: uint8 -> any float; float32 -> float16, bfloat16 (nearest even); same -> same.
/// Everything else would be lossy and is UNSUPPORTED with a hint (quantize).
Result<ValueMap> then_convert(const ValueMap& map, DType dtype);
/// Tables picked by select: table o of the result is table select[o] of map.
ValueMap select_tables(const ValueMap& map, std::span<const uint8_t> select);

}  // namespace onpath
