// How the benchmarks end when something is wrong: with a sentence on stderr.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "base/result.h"

namespace onpath::bench {

template <class T>
T must(Result<T> result) {
  if (!result.ok()) {
    std::fprintf(stderr, "%s\n", result.error().message.c_str());
    std::exit(1);
  }
  return std::move(result).value();
}

inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "The benchmark is wrong about itself: %s.\n", what);
  std::exit(1);
}

}  // namespace onpath::bench
