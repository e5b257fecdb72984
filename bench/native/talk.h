// How a native program of the benchmarks talks to its suite, which starts it with one argument, tells it lines
// and waits for one after each.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>

namespace onpath::bench {

inline void say(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

inline void say_ns(uint64_t ns) { say("ns " + std::to_string(ns)); }

/// What a program answers that was told what it does not know: its exit code.
inline int refuse(const char* expected, const std::string& line) {
  std::fprintf(stderr, "Not %s: \"%s\".\n", expected, line.c_str());
  return 2;
}

/// main() of a program with one argument. `usage`: its name and what the argument is called.
inline int run_with_argument(int argc, char** argv, const char* usage, int (*run)(const std::string&)) {
  if (argc == 2) return run(argv[1]);
  std::fprintf(stderr, "usage: %s\n", usage);
  return 2;
}

}  // namespace onpath::bench
