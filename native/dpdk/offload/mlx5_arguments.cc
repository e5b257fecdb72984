// What only mlx5 has, asked for by arguments of the device.
#include <filesystem>
#include <string>
#include <system_error>

#include "dpdk/device.h"
#include "dpdk/offload/control.h"
#include "dpdk/port.h"

namespace onpath::dpdk {
namespace {

struct Argument {
  uint32_t offload;
  Hook hook;
  const char* key;
  const char* option;  // as users know it
};
constexpr Argument kArguments[] = {
    {ONPATH_OFFLOAD_MPRQ, Hook::mprq, "mprq_en", "mprq"},
    {ONPATH_OFFLOAD_CQE_COMPRESSION, Hook::cqe_compression, "rxq_cqe_comp_en", "cqeCompression"},
};

std::string burst_mode(uint16_t port) {
  rte_eth_burst_mode mode{};
  return rte_eth_rx_burst_mode_get(port, 0, &mode) == 0 ? mode.info : "";
}

}  // namespace

bool is_mlx5(const DeviceName& device) {
  if (device.bus == Bus::auxiliary) return device.name.starts_with("mlx5_core");
  if (device.bus != Bus::pci) return false;
  // It stays bound to the kernel's driver of that name.
  std::error_code error;
  return std::filesystem::exists("/sys/bus/pci/drivers/mlx5_core/" + device.name, error);
}

Outcome add_mlx5_arguments(uint32_t on, uint32_t off, bool mlx5, DeviceName& device) {
  if (!mlx5) return {};
  for (const Argument& argument : kArguments) {
    const bool wants_on = (on & argument.offload) != 0, wants_off = (off & argument.offload) != 0;
    if (!wants_on && !wants_off) continue;
    const std::string own = device.argument(argument.key);
    if (own.empty()) {
      device.devargs += std::string(",") + argument.key + (wants_on ? "=1" : "=0");
      device.arguments.emplace_back(argument.key, wants_on ? "1" : "0");
    } else if ((own != "0") != wants_on) {
      return invalid("offloads." + std::string(argument.option) + " is " + (wants_on ? "true" : "false") +
                     ", but device " + dpdk::quoted(device.devargs) + " says " + argument.key + "=" + own +
                     ". Leave one of the two out.");
    }
  }
  if ((on & ONPATH_OFFLOAD_BUFFER_SPLIT) != 0 && device.argument("mprq_en") == "1") {
    return invalid("offloads.bufferSplit is true, but device " + dpdk::quoted(device.devargs) +
                   " says mprq_en=1, which excludes it. Leave one of the two out.");
  }
  return {};
}

void judge_mlx5(Port& port, uint32_t on, uint32_t off) {
  Reports& reports = port.offloads.reports;
  for (const Argument& argument : kArguments) {
    if ((off & argument.offload) != 0) {
      reports.set(argument.hook, By::software, "switched off");
    } else if (!is_mlx5(port.name)) {
      reports.set(argument.hook, By::software, "only mlx5 has it, and this is " + port.driver);
    } else if ((on & argument.offload) == 0) {
      reports.set(argument.hook, By::software, "left to the driver's default");
    } else {
      reports.set(argument.hook, By::nic_unverified, "asked for; the driver does not say whether it is so");
    }
  }
  if (!is_mlx5(port.name) || (off & ONPATH_OFFLOAD_MPRQ) != 0) return;
  // The one of the two that shows: in the function that the driver chose to receive with.
  const std::string mode = burst_mode(port.id);
  const bool used = mode.find("MPRQ") != std::string::npos || mode.find("Multi-Packet") != std::string::npos;
  if (used) {
    reports.set(Hook::mprq, By::nic, "the driver receives by " + dpdk::quoted(mode));
  } else if ((on & ONPATH_OFFLOAD_MPRQ) != 0) {
    reports.set(Hook::mprq, By::software, "asked for, but the driver receives by " + dpdk::quoted(mode));
  }
}

}  // namespace onpath::dpdk
