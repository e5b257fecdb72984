// Which instruction sets Highway compiles the kernels for. Include before any Highway header, in every file
// that uses it. Raw AVX-512 VNNI and VBMI kernels (vnni_*.cc, vbmi_*.cc) stand beside these: Highway's own
// AVX3_DL target would let the compiler use AVX-VNNI, which CPUs with AVX-512 VNNI need not have. select.cc
// does the choosing, without Highway's library.
#pragma once

// SSSE3 alone is not worth its code size; the scalar set serves such CPUs.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)

// No kernel converts 16-bit floats, and not every compiler can ask the CPU for F16C.
#define HWY_DISABLE_F16C

// The part of a kernel file that is compiled for a vector instruction set and not for Highway's fallbacks.
#define ONPATH_HAVE_VECTORS (HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128)
