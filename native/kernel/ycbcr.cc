// uyvy to rgb. Its tables are straight lines, so vectors multiply instead of looking up: the same integers.
#include "kernel/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernel/ycbcr.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"

#include "kernel/sets.h"

HWY_BEFORE_NAMESPACE();
namespace onpath {
namespace HWY_NAMESPACE {
#if ONPATH_HAVE_VECTORS
namespace {
namespace hn = hwy::HWY_NAMESPACE;
using D32 = hn::ScalableTag<int32_t>;
using V32 = hn::Vec<D32>;

/// table[x] for a lane of bytes x: its first entry and what each step adds.
struct Line {
  explicit Line(const int32_t* table)
      : first(hn::Set(D32(), table[0])), step(hn::Set(D32(), table[1] - table[0])) {}
  HWY_ATTR V32 at(V32 x) const { return hn::Add(hn::Mul(x, step), first); }
  V32 first, step;
};

/// Two sums of 16-bit fixed point, rounded and clipped, as the low two bytes of a lane.
HWY_ATTR V32 byte_pair(V32 first, V32 second) {
  const D32 d;
  const V32 half = hn::Set(d, 1 << 15);
  const V32 least = hn::Zero(d);
  const V32 most = hn::Set(d, 255);
  const V32 low = hn::Min(hn::Max(hn::ShiftRight<16>(hn::Add(first, half)), least), most);
  const V32 high = hn::Min(hn::Max(hn::ShiftRight<16>(hn::Add(second, half)), least), most);
  return hn::Or(low, hn::ShiftLeft<8>(high));
}
}  // namespace

void uyvy_to_rgb(const uint8_t* src, size_t pairs, const int32_t* tables, uint8_t* dst) {
  const D32 d;
  const hn::Repartition<uint8_t, D32> d8;
  const hn::Half<decltype(d8)> half8;
  const hn::Rebind<uint16_t, D32> half16;
  const hn::RebindToUnsigned<D32> du;
  const size_t step = hn::Lanes(d);
  const V32 byte = hn::Set(d, 255);
  const Line y(tables), cr_to_r(tables + 256), cb_to_g(tables + 512), cr_to_g(tables + 768),
      cb_to_b(tables + 1024);
  const auto pack = [&](V32 pair) HWY_ATTR {
    return hn::BitCast(half8, hn::TruncateTo(half16, hn::BitCast(du, pair)));
  };
  size_t i = 0;
  for (; i + step <= pairs; i += step) {
    const V32 group = hn::BitCast(d, hn::LoadU(d8, src + i * 4));
    const V32 cb = hn::And(group, byte);
    const V32 y0 = y.at(hn::And(hn::ShiftRight<8>(group), byte));
    const V32 cr = hn::And(hn::ShiftRight<16>(group), byte);
    const V32 y1 = y.at(hn::And(hn::ShiftRight<24>(group), byte));
    const V32 r = cr_to_r.at(cr);
    const V32 g = hn::Add(cb_to_g.at(cb), cr_to_g.at(cr));
    const V32 b = cb_to_b.at(cb);
    hn::StoreInterleaved3(pack(byte_pair(hn::Add(y0, r), hn::Add(y1, r))),
                          pack(byte_pair(hn::Add(y0, g), hn::Add(y1, g))),
                          pack(byte_pair(hn::Add(y0, b), hn::Add(y1, b))), half8, dst + i * 6);
  }
  scalar_kernels().uyvy_to_rgb(src + i * 4, pairs - i, tables, dst + i * 6);
}

#endif  // ONPATH_HAVE_VECTORS
}  // namespace HWY_NAMESPACE
}  // namespace onpath
HWY_AFTER_NAMESPACE();
