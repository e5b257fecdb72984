// Making and composing value maps. Every stage rounds where its definition rounds; the room is built with
// -ffp-contract=off so that no fused multiply-add skips a rounding. Must not know: pipelines, images,
// kernels.
#include "table/value_map.h"

#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <string>

#include "table/half.h"

namespace onpath {
namespace {

Error invalid(std::string message) { return {ErrorCode::INVALID_SPEC, std::move(message)}; }
std::string text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.17g", value);
  return buffer;
}

/// Tables that were not made here (a user's lookup, a plan's bytes) may lie about their size.
Result<void> check_size(const ValueMap& map) {
  const uint64_t expected = map.entries() * dtype_bytes(map.dtype);
  if (map.tables == 0) return invalid("a value map needs at least one table, got 0");
  if (map.data.size() != expected) {
    return invalid("a value map of " + std::to_string(map.tables) + " tables of " +
                   std::string(dtype_name(map.dtype)) + " needs " + std::to_string(expected) +
                   " bytes, got " + std::to_string(map.data.size()));
  }
  return {};
}

Result<void> check_numeric(const ValueMap& map, std::string_view stage) {
  if (Result<void> size = check_size(map); !size) return size;
  if (map.dtype == DType::uint8 || map.dtype == DType::float32) return {};
  return unsupported(std::string(stage) + " takes uint8 or float32 values, got " +
                     std::string(dtype_name(map.dtype)) + "; put it before the stage that converts");
}

/// Both source types of the numeric stages are exact in float32.
float value_at(const ValueMap& map, uint64_t entry) {
  if (map.dtype == DType::uint8) return map.data[entry];
  float value;
  std::memcpy(&value, map.data.data() + entry * sizeof value, sizeof value);
  return value;
}

template <class T>
void set_value(ValueMap& map, uint64_t entry, T value) {
  std::memcpy(map.data.data() + entry * sizeof value, &value, sizeof value);
}

ValueMap make_map(DType dtype, uint32_t tables) {
  ValueMap map;
  map.dtype = dtype;
  map.tables = tables;
  map.data.resize(map.entries() * dtype_bytes(dtype));
  return map;
}

bool fits_float(double value) {
  return std::isfinite(value) && std::abs(value) <= std::numeric_limits<float>::max();
}

}  // namespace

ValueMap identity_map(uint32_t tables) {
  ValueMap map = make_map(DType::uint8, tables);
  for (uint64_t entry = 0; entry < map.entries(); ++entry)
    map.data[entry] = static_cast<uint8_t>(entry % 256);
  return map;
}

Result<ValueMap> then_normalize(const ValueMap& map, double scale, std::span<const double> mean,
                                std::span<const double> std, bool fused) {
  if (Result<void> checked = check_numeric(map, "normalize"); !checked) return checked.error();
  if (mean.size() != map.tables || std.size() != map.tables) {
    return invalid("normalize needs one mean and one std for each of " + std::to_string(map.tables) +
                   " channels, got " + std::to_string(mean.size()) + " means and " +
                   std::to_string(std.size()) + " stds");
  }
  if (!fits_float(scale)) return invalid("scale of normalize must be a finite float32, got " + text(scale));
  if (fused && !fits_float(1.0 / scale)) {
    return invalid("scale of normalize must have a finite float32 reciprocal when fused, got " + text(scale));
  }

  ValueMap result = make_map(DType::float32, map.tables);
  for (uint32_t table = 0; table < map.tables; ++table) {
    if (!fits_float(mean[table])) {
      return invalid("mean[" + std::to_string(table) + "] of normalize must be a finite float32, got " +
                     text(mean[table]));
    }
    if (!fits_float(std[table])) {
      return invalid("std[" + std::to_string(table) + "] of normalize must be a finite float32, got " +
                     text(std[table]));
    }
    float subtract = static_cast<float>(mean[table]);
    float divide = static_cast<float>(std[table]);
    if (fused) {
      const float reciprocal = static_cast<float>(1.0 / scale);
      subtract = subtract * reciprocal;
      divide = divide * reciprocal;
      if (!std::isfinite(subtract) || !std::isfinite(divide)) {
        return invalid("mean and std of normalize divided by scale must be finite float32 values, got mean " +
                       text(mean[table]) + ", std " + text(std[table]) + ", scale " + text(scale));
      }
    }
    if (divide == 0.0f) {
      return invalid("std[" + std::to_string(table) + "] of normalize must not be zero as float32, got " +
                     text(std[table]));
    }
    for (uint64_t entry = uint64_t{table} * 256; entry < uint64_t{table} * 256 + 256; ++entry) {
      const float x = value_at(map, entry);
      const float scaled = fused ? x : static_cast<float>(static_cast<double>(x) * scale);
      const float centred = scaled - subtract;
      set_value(result, entry, centred / divide);
    }
  }
  return result;
}

Result<ValueMap> then_quantize(const ValueMap& map, double scale, int32_t zero_point) {
  if (Result<void> checked = check_numeric(map, "quantize"); !checked) return checked.error();
  if (!fits_float(scale) || static_cast<float>(scale) <= 0.0f) {
    return invalid("scale of quantize must be a positive finite float32, got " + text(scale));
  }
  ValueMap result = make_map(DType::int8, map.tables);
  const float divide = static_cast<float>(scale);
  for (uint64_t entry = 0; entry < map.entries(); ++entry) {
    const float quotient = value_at(map, entry) / divide;
    if (std::isnan(quotient)) {
      return invalid("quantize met NaN for input value " + std::to_string(entry % 256) + " of channel " +
                     std::to_string(entry / 256) + "; int8 has no NaN");
    }
    // rint under the default rounding mode is nearest even; its float result and the zero point are exact in
    // double.
    const double code = static_cast<double>(std::rint(quotient)) + zero_point;
    const double clamped = code < -128.0 ? -128.0 : code > 127.0 ? 127.0 : code;
    set_value(result, entry, static_cast<int8_t>(clamped));
  }
  return result;
}

Result<ValueMap> then_lookup(const ValueMap& map, const ValueMap& next) {
  if (Result<void> size = check_size(map); !size) return size.error();
  if (Result<void> size = check_size(next); !size) return size.error();
  if (map.dtype != DType::uint8) {
    return unsupported("lookup takes uint8 values, got " + std::string(dtype_name(map.dtype)) +
                       "; put it before the stage that converts");
  }
  if (next.tables != 1 && next.tables != map.tables) {
    return invalid("lookup needs 1 table or one for each of " + std::to_string(map.tables) +
                   " channels, got " + std::to_string(next.tables));
  }
  ValueMap result = make_map(next.dtype, map.tables);
  const size_t bytes = dtype_bytes(next.dtype);
  for (uint64_t entry = 0; entry < map.entries(); ++entry) {
    const uint64_t table = next.tables == 1 ? 0 : entry / 256;
    std::memcpy(result.data.data() + entry * bytes,
                next.data.data() + (table * 256 + map.data[entry]) * bytes, bytes);
  }
  return result;
}

Result<ValueMap> then_convert(const ValueMap& map, DType dtype) {
  if (Result<void> size = check_size(map); !size) return size.error();
  if (map.dtype == dtype) return map;
  const bool to_float = dtype == DType::float16 || dtype == DType::bfloat16 || dtype == DType::float32;
  if (!to_float || (map.dtype != DType::uint8 && map.dtype != DType::float32)) {
    const char* hint = dtype == DType::int8 ? "; quantize gives int8" : "";
    return unsupported("cannot convert " + std::string(dtype_name(map.dtype)) + " to " +
                       std::string(dtype_name(dtype)) + " without loss" + hint);
  }
  ValueMap result = make_map(dtype, map.tables);
  for (uint64_t entry = 0; entry < map.entries(); ++entry) {
    const float value = value_at(map, entry);
    if (dtype == DType::float32) {
      set_value(result, entry, value);
    } else {
      set_value(result, entry, dtype == DType::float16 ? float_to_half(value) : float_to_bfloat16(value));
    }
  }
  return result;
}

ValueMap select_tables(const ValueMap& map, std::span<const uint8_t> select) {
  ValueMap result = make_map(map.dtype, static_cast<uint32_t>(select.size()));
  const size_t table_bytes = 256 * dtype_bytes(map.dtype);
  for (size_t table = 0; table < select.size(); ++table) {
    std::memcpy(result.data.data() + table * table_bytes, map.data.data() + select[table] * table_bytes,
                table_bytes);
  }
  return result;
}

}  // namespace onpath
