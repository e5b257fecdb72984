// Assembles the kernel sets and finds out which of them this CPU can run. Must not know what any kernel does.
#include <array>

#include "kernel/kernels.h"
#include "kernel/sets.h"

namespace onpath {
namespace {

// `set` and `lookups` are namespaces of sets.h.
#define ONPATH_KERNEL_SET(set_name, set, lookups, resampling)                                           \
  KernelSet {                                                                                           \
    .name = set_name, .lookup_interleaved = lookups::lookup_interleaved,                                \
    .lookup_planar = lookups::lookup_planar, .lookup_select = lookups::lookup_select,                   \
    .lookup_sum = lookups::lookup_sum,                                                                  \
    .prepared_resample_row_bytes = resampling::prepared_resample_row_bytes,                             \
    .prepare_resample_row = resampling::prepare_resample_row, .resample_row = resampling::resample_row, \
    .resample_column = resampling::resample_column, .accumulate_row = set::accumulate_row,              \
    .round_sums = set::round_sums, .lerp_row = set::lerp_row, .lerp_column = set::lerp_column,          \
    .lerp_column_fixed11 = set::lerp_column_fixed11, .premultiply = set::premultiply,                   \
    .unpremultiply = set::unpremultiply, .uyvy_to_rgb = set::uyvy_to_rgb, .cut_text = set::cut_text,    \
  }

#if ONPATH_X86_SETS

constexpr KernelSet kSse4 = ONPATH_KERNEL_SET("sse4", N_SSE4, portable, N_SSE4);
constexpr KernelSet kAvx2 = ONPATH_KERNEL_SET("avx2", N_AVX2, portable, N_AVX2);
constexpr KernelSet kAvx3 = ONPATH_KERNEL_SET("avx3", N_AVX3, portable, N_AVX3);
constexpr KernelSet kAvx3Dl = ONPATH_KERNEL_SET("avx3_dl", N_AVX3, vbmi, vnni);

// Each asks for all that the compiler may use: Highway's target strings (set_macros-inl.h), and avx512.h. The
// builtin also checks that the operating system saves the registers.
bool has_sse4() {
  return __builtin_cpu_supports("sse4.1") && __builtin_cpu_supports("sse4.2") &&
         __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("aes");
}
bool has_avx2() {
  return has_sse4() && __builtin_cpu_supports("avx") && __builtin_cpu_supports("avx2") &&
         __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("fma");
}
bool has_avx3() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl");
}
bool has_avx3_dl() {
  return has_avx3() && __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vnni");
}

#elif defined(__ARM_NEON)
constexpr KernelSet kNeon = ONPATH_KERNEL_SET("neon", N_NEON, portable, N_NEON);
#endif

struct Available {
  std::array<const KernelSet*, 5> sets{};
  size_t count = 0;

  Available() {
#if ONPATH_X86_SETS
    __builtin_cpu_init();
    if (has_avx3_dl()) sets[count++] = &kAvx3Dl;
    if (has_avx3()) sets[count++] = &kAvx3;
    if (has_avx2()) sets[count++] = &kAvx2;
    if (has_sse4()) sets[count++] = &kSse4;
#elif defined(__ARM_NEON)
    sets[count++] = &kNeon;
#endif
    sets[count++] = &scalar_kernels();
  }
};

}  // namespace

std::span<const KernelSet* const> available_kernels() {
  static const Available available;
  return {available.sets.data(), available.count};
}

const KernelSet* find_kernels(std::string_view name) {
  const std::span<const KernelSet* const> sets = available_kernels();
  if (name.empty()) return sets.front();
  for (const KernelSet* set : sets) {
    if (set->name == name) return set;
  }
  return nullptr;
}

}  // namespace onpath
