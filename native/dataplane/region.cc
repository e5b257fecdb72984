#include "dataplane/region.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace onpath {

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23  // Linux 5.14
#endif

namespace {

constexpr uint64_t kHugePageBytes = 2u << 20;

/// False if the system has no memory for it.
bool make_resident(uint8_t* data, uint64_t bytes) {
  if (madvise(data, bytes, MADV_POPULATE_WRITE) == 0) return true;
  if (errno != EINVAL) return false;
  // A kernel before 5.14: touch every page.
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  for (uint64_t at = 0; at < bytes; at += page) static_cast<volatile uint8_t*>(data)[at] = 0;
  return true;
}

}  // namespace

Result<Region> Region::take(uint64_t bytes, const char* what) {
  Region region;
  if (bytes == 0) return region;
  const Error none{ErrorCode::OUT_OF_MEMORY, "The system has no " + std::to_string(bytes) + " bytes for " +
                                                 what + ". Ask for fewer or smaller ones."};
  void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) return none;
  region.data_ = static_cast<uint8_t*>(data);
  region.bytes_ = bytes;
  if (bytes >= kHugePageBytes) madvise(data, bytes, MADV_HUGEPAGE);
  if (!make_resident(region.data_, bytes)) return none;
  return region;
}

Region::~Region() {
  if (data_ != nullptr) munmap(data_, bytes_);
}

}  // namespace onpath
