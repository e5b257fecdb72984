// Everything a kernel set can be assembled from, by instruction set. For the files of this room only.
#pragma once

#include <bit>

#include "kernel/kernels.h"

#if defined(__x86_64__)
#define ONPATH_X86_SETS 1
#else
#define ONPATH_X86_SETS 0
#endif

namespace onpath {

/// Folds a sum of 16-bit words to 16 bits: carries out of the top come back in at the bottom. The halves are
/// added crosswise, which carries from the lower into the upper; without a branch, for which way it went
/// could not be foretold.
constexpr uint16_t ones_complement(uint64_t sum) {
  const auto half = static_cast<uint32_t>((sum + std::rotl(sum, 32)) >> 32);
  return static_cast<uint16_t>((half + std::rotl(half, 16)) >> 16);
}

/// The definition.
const KernelSet& scalar_kernels();

/// Fast without vector instructions: byte by byte from tables that sit in the first-level cache.
namespace portable {
#include "kernel/lookups.inc"
}  // namespace portable

#if ONPATH_X86_SETS
namespace N_SSE4 {
#include "kernel/functions.inc"
}  // namespace N_SSE4
namespace N_AVX2 {
#include "kernel/functions.inc"
}  // namespace N_AVX2
namespace N_AVX3 {
#include "kernel/functions.inc"
}  // namespace N_AVX3

/// AVX-512 with VNNI and VBMI: the kernels for which Highway 1.0 has no operations. AVX3 serves for the
/// others.
namespace vnni {
size_t prepared_resample_row_bytes(const ResampleRow& row);
void prepare_resample_row(const ResampleRow& row, void* prepared);
void resample_row(const ResampleRow& row, const uint8_t* src, uint8_t* dst);
void resample_column(const uint8_t* const* rows, const int32_t* weights, uint32_t taps, size_t n,
                     uint8_t* dst);
}  // namespace vnni
namespace vbmi {
#include "kernel/lookups.inc"
}  // namespace vbmi

#elif defined(__ARM_NEON)
namespace N_NEON {
#include "kernel/functions.inc"
}  // namespace N_NEON
#endif

}  // namespace onpath
