#include "dpdk/offload/hooks.h"

#include <algorithm>
#include <cstdio>

namespace onpath::dpdk {
namespace {

constexpr const char* kNames[kHooks] = {"steering",    "mark",          "rss",        "allowList",
                                        "rxChecksums", "txChecksums",   "timestamps", "bufferSplit",
                                        "mprq",        "cqeCompression"};
static_assert(kHooks <= ONPATH_OFFLOAD_REPORTS);

}  // namespace

Reports::Reports() {
  for (size_t i = 0; i < kHooks; ++i) {
    std::snprintf(reports_[i].name, sizeof reports_[i].name, "%s", kNames[i]);
    std::snprintf(reports_[i].reason, sizeof reports_[i].reason, "not asked for");
  }
}

void Reports::set(Hook hook, By by, const std::string& reason) {
  const std::lock_guard lock(mutex_);
  onpath_offload_report& report = reports_[static_cast<size_t>(hook)];
  report.state = static_cast<uint32_t>(by);
  std::snprintf(report.reason, sizeof report.reason, "%s", reason.c_str());
}

By Reports::by(Hook hook) const {
  const std::lock_guard lock(mutex_);
  return static_cast<By>(reports_[static_cast<size_t>(hook)].state);
}

void Reports::copy_to(onpath_port_info& info) const {
  const std::lock_guard lock(mutex_);
  info.offload_count = kHooks;
  std::copy(reports_.begin(), reports_.end(), info.offloads);
}

}  // namespace onpath::dpdk
