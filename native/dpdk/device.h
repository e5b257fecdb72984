// Devices by name: what can be said of one before DPDK is asked, and plugging it in and out.
#pragma once

#include <rte_dev.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "dpdk/failure.h"

namespace onpath::dpdk {

/// Where DPDK finds a device. An auxiliary device is a part of a card that has a driver of its own, such as a
/// sub-function.
enum class Bus : uint8_t { virtual_device, pci, auxiliary };

struct DeviceName {
  Bus bus = Bus::virtual_device;
  std::string name;     // "0000:03:00.0", "mlx5_core.sf.4" or "net_ring0"
  std::string devargs;  // the name and its arguments, as DPDK takes them
  std::vector<std::pair<std::string, std::string>> arguments;

  bool is_hardware() const { return bus != Bus::virtual_device; }
  /// The first value of that name; empty if there is none.
  std::string argument(const std::string& key) const;
};

/// Errors: INVALID_ARGUMENT.
Expected<DeviceName> parse_device(const std::string& text);

/// The kernel's interface a virtual device stands on; empty: none.
std::string interface_of(const DeviceName& device);

/// Its MTU; 0 if it is not known.
uint32_t mtu_of_interface(const std::string& name);

/// Errors: DEVICE_NOT_FOUND, DEVICE_IN_USE, PERMISSION_DENIED.
Outcome check_device(const DeviceName& device);

/// A device plugged in and the Ethernet port that came with it.
struct PluggedDevice {
  rte_device* device = nullptr;
  uint16_t port = 0;
};

/// Control thread only. Errors: DEVICE_NOT_FOUND, DEVICE_IN_USE, PERMISSION_DENIED, PORT_FAILED.
Expected<PluggedDevice> plug_in(const DeviceName& device);

/// The other way; the port must have been closed.
void plug_out(rte_device* device);

}  // namespace onpath::dpdk
