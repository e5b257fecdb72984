// Function attributes of the raw AVX-512 kernels (vnni_*.cc, vbmi_*.cc): the extensions that select.cc asks
// the CPU for. Only what stands between BEGIN and END may use them; no lambda may stand there, as compilers
// disagree on what it inherits.
#pragma once

#if defined(__x86_64__)
#include <immintrin.h>

#if defined(__clang__)
// clang-format off
#define ONPATH_AVX512_BEGIN \
  _Pragma("clang attribute push(__attribute__((target(\"avx2,fma,bmi,bmi2,avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512vbmi,avx512vnni\"))), apply_to = function)")
// clang-format on
#define ONPATH_AVX512_END _Pragma("clang attribute pop")
#else
// GCC 12 takes the deliberately undefined sources of its own intrinsics for mistakes.
#define ONPATH_AVX512_BEGIN                                                                                  \
  _Pragma("GCC push_options") _Pragma(                                                                       \
      "GCC target(\"avx2,fma,bmi,bmi2,avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512vbmi,avx512vnni\")") \
      _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wuninitialized\"")                   \
          _Pragma("GCC diagnostic ignored \"-Wmaybe-uninitialized\"")
#define ONPATH_AVX512_END _Pragma("GCC diagnostic pop") _Pragma("GCC pop_options")
#endif
#endif
