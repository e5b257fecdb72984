// What a NIC may take off the cores, by name, and who does each thing on one port.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>

#include "dataplane/port_abi.h"

namespace onpath::dpdk {

enum class Hook : uint8_t {
  steering,
  mark,
  rss,
  allow_list,
  rx_checksums,
  tx_checksums,
  timestamps,
  buffer_split,
  mprq,
  cqe_compression,
};
constexpr size_t kHooks = 10;

enum class By : uint8_t {
  software = ONPATH_OFFLOAD_IN_SOFTWARE,
  nic_unverified = ONPATH_OFFLOAD_UNVERIFIED,
  nic = ONPATH_OFFLOAD_ACTIVE,
};

/// Written by the control thread, read by any.
class Reports {
 public:
  Reports();
  void set(Hook hook, By by, const std::string& reason);
  By by(Hook hook) const;
  void copy_to(onpath_port_info& info) const;

 private:
  mutable std::mutex mutex_;
  std::array<onpath_offload_report, kHooks> reports_{};
};

}  // namespace onpath::dpdk
