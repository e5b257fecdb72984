// The hooks behind AllocationCount: glibc's allocator is stood in front of, or, under AddressSanitizer, its
// own hooks are used.
#include "support/allocation_count.h"

#include <cerrno>
#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define ONPATH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ONPATH_ASAN 1
#endif
#endif

namespace onpath::testing {
namespace {

thread_local uint64_t t_calls = 0;
thread_local uint64_t t_bytes = 0;

void count(size_t bytes) {
  ++t_calls;
  t_bytes += bytes;
}

}  // namespace
}  // namespace onpath::testing

#ifdef ONPATH_ASAN

#include <sanitizer/allocator_interface.h>

namespace onpath::testing {
namespace {
void on_malloc(const volatile void*, size_t bytes) { count(bytes); }
void on_free(const volatile void*) {}
[[maybe_unused]] const int g_installed = __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
}  // namespace
}  // namespace onpath::testing

#else

#define ONPATH_EXPORT __attribute__((visibility("default")))

extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);

ONPATH_EXPORT void* malloc(size_t bytes) {
  onpath::testing::count(bytes);
  return __libc_malloc(bytes);
}
ONPATH_EXPORT void* calloc(size_t n, size_t bytes) {
  onpath::testing::count(n * bytes);
  return __libc_calloc(n, bytes);
}
ONPATH_EXPORT void* realloc(void* p, size_t bytes) {
  onpath::testing::count(bytes);
  return __libc_realloc(p, bytes);
}
ONPATH_EXPORT void* aligned_alloc(size_t alignment, size_t bytes) {
  onpath::testing::count(bytes);
  return __libc_memalign(alignment, bytes);
}
ONPATH_EXPORT void* memalign(size_t alignment, size_t bytes) {
  onpath::testing::count(bytes);
  return __libc_memalign(alignment, bytes);
}
ONPATH_EXPORT int posix_memalign(void** out, size_t alignment, size_t bytes) {
  onpath::testing::count(bytes);
  *out = __libc_memalign(alignment, bytes);
  return *out == nullptr ? ENOMEM : 0;
}
}

#endif

namespace onpath::testing {

AllocationCount::AllocationCount() : calls_before_(t_calls), bytes_before_(t_bytes) {}
uint64_t AllocationCount::calls() const { return t_calls - calls_before_; }
uint64_t AllocationCount::bytes() const { return t_bytes - bytes_before_; }

}  // namespace onpath::testing
