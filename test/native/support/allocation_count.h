// Counts what the calling thread takes from the heap, however it is asked for (malloc, new, aligned forms).
#pragma once

#include <cstdint>

namespace onpath::testing {

/// Counts from its construction on. Only allocations of the thread that reads it.
class AllocationCount {
 public:
  AllocationCount();
  uint64_t calls() const;
  uint64_t bytes() const;

 private:
  uint64_t calls_before_;
  uint64_t bytes_before_;
};

}  // namespace onpath::testing
