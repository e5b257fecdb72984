// Premultiplying and unpremultiplying alpha, four bytes a pixel, in place or not.
#include "kernel/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernel/alpha.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"

#include "kernel/sets.h"

HWY_BEFORE_NAMESPACE();
namespace onpath {
namespace HWY_NAMESPACE {
#if ONPATH_HAVE_VECTORS
namespace {
namespace hn = hwy::HWY_NAMESPACE;
}  // namespace

void premultiply(const uint8_t* src, size_t pixels, uint8_t* dst) {
  const hn::ScalableTag<uint32_t> d32;
  const hn::Repartition<uint16_t, decltype(d32)> d16;
  const size_t step = hn::Lanes(d32);
  const auto low_bytes = hn::Set(d32, 0x00ff00ffu);
  const auto half = hn::Set(d16, 128);
  // Alpha itself is multiplied by 255, which the rounding division by 255 undoes exactly.
  const auto divide = [&](auto product) HWY_ATTR {
    const auto rounded = hn::Add(product, half);
    return hn::BitCast(d32, hn::ShiftRight<8>(hn::Add(rounded, hn::ShiftRight<8>(rounded))));
  };
  size_t i = 0;
  for (; i + step <= pixels; i += step) {
    const auto pixel = hn::BitCast(d32, hn::LoadU(hn::Repartition<uint8_t, decltype(d32)>(), src + i * 4));
    const auto alpha = hn::ShiftRight<24>(pixel);
    const auto alphas = hn::Or(alpha, hn::ShiftLeft<16>(alpha));
    const auto even = hn::And(pixel, low_bytes);                    // channels 0 and 2
    const auto odd = hn::And(hn::ShiftRight<8>(pixel), low_bytes);  // channel 1 and alpha
    const auto odd_factor = hn::Or(alpha, hn::Set(d32, 255u << 16));
    const auto even_result = divide(hn::Mul(hn::BitCast(d16, even), hn::BitCast(d16, alphas)));
    const auto odd_result = divide(hn::Mul(hn::BitCast(d16, odd), hn::BitCast(d16, odd_factor)));
    const auto result = hn::Or(even_result, hn::ShiftLeft<8>(odd_result));
    hn::StoreU(hn::BitCast(hn::Repartition<uint8_t, decltype(d32)>(), result),
               hn::Repartition<uint8_t, decltype(d32)>(), dst + i * 4);
  }
  scalar_kernels().premultiply(src + i * 4, pixels - i, dst + i * 4);
}

void unpremultiply(const uint8_t* src, size_t pixels, uint8_t* dst) {
  const hn::ScalableTag<int32_t> d32;
  const hn::Rebind<float, decltype(d32)> df;
  const hn::Repartition<uint8_t, decltype(d32)> d8;
  const size_t step = hn::Lanes(d32);
  const auto byte = hn::Set(d32, 255);
  size_t i = 0;
  for (; i + step <= pixels; i += step) {
    const auto pixel = hn::BitCast(d32, hn::LoadU(d8, src + i * 4));
    const auto alpha = hn::And(hn::ShiftRight<24>(pixel), byte);
    // 255 * c <= 65,025 is exact in float32. A quotient that is not whole lies at least 1/255 below the next
    // integer, farther than half a unit in its last place, so the rounded division never reaches that integer
    // and truncation is the floor.
    const auto divisor = hn::ConvertTo(df, hn::Max(alpha, hn::Set(d32, 1)));
    const auto divide = [&](auto channel) HWY_ATTR {
      const auto scaled = hn::ConvertTo(df, hn::Mul(hn::And(channel, byte), byte));
      return hn::Min(hn::ConvertTo(d32, hn::Div(scaled, divisor)), byte);
    };
    const auto r = divide(pixel);
    const auto g = divide(hn::ShiftRight<8>(pixel));
    const auto b = divide(hn::ShiftRight<16>(pixel));
    const auto divided =
        hn::Or(hn::Or(r, hn::ShiftLeft<8>(g)), hn::Or(hn::ShiftLeft<16>(b), hn::ShiftLeft<24>(alpha)));
    const auto result = hn::IfThenElse(hn::Eq(alpha, hn::Zero(d32)), pixel, divided);
    hn::StoreU(hn::BitCast(d8, result), d8, dst + i * 4);
  }
  scalar_kernels().unpremultiply(src + i * 4, pixels - i, dst + i * 4);
}

#endif  // ONPATH_HAVE_VECTORS
}  // namespace HWY_NAMESPACE
}  // namespace onpath
HWY_AFTER_NAMESPACE();
