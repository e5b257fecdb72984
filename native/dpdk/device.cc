#include "dpdk/device.h"

#include <net/if.h>
#include <rte_devargs.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>

#include "dpdk/log_ring.h"

namespace onpath::dpdk {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLongestName = 63;  // of an ethdev

bool is_hex(std::string_view text, size_t least, size_t most) {
  return text.size() >= least && text.size() <= most &&
         text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

/// `[domain:]bus:device.function` written in full; empty if it is none.
std::string full_pci_address(std::string_view text) {
  const size_t dot = text.rfind('.');
  if (dot == std::string_view::npos || text.size() != dot + 2 || text[dot + 1] < '0' || text[dot + 1] > '7')
    return {};
  std::string_view rest = text.substr(0, dot);
  const size_t colon = rest.rfind(':');
  if (colon == std::string_view::npos || !is_hex(rest.substr(colon + 1), 1, 2)) return {};
  std::string device(rest.substr(colon + 1));
  rest = rest.substr(0, colon);
  std::string domain = "0000", bus(rest);
  if (const size_t first = rest.find(':'); first != std::string_view::npos) {
    domain = rest.substr(0, first);
    bus = rest.substr(first + 1);
  }
  if (!is_hex(domain, 1, 8) || !is_hex(bus, 1, 2)) return {};
  if (domain.size() < 4) domain.insert(0, 4 - domain.size(), '0');
  if (bus.size() < 2) bus.insert(0, 1, '0');
  if (device.size() < 2) device.insert(0, 1, '0');
  std::string address = domain + ':' + bus + ':' + device + '.' + text[dot + 1];
  std::transform(address.begin(), address.end(), address.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return address;
}

constexpr std::string_view kAuxiliary = "auxiliary:";

/// `driver.kind.number`, such as mlx5_core.sf.4.
bool is_auxiliary_name(std::string_view name) {
  const size_t last = name.rfind('.');
  const size_t first = name.find('.');
  if (last == std::string_view::npos || first == last || first == 0 || last + 1 == name.size()) return false;
  return name.size() <= kLongestName &&
         name.substr(last + 1).find_first_not_of("0123456789") == std::string_view::npos &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-.") == std::string_view::npos;
}

bool is_virtual_name(std::string_view name) {
  return name.starts_with("net_") && name.size() > 4 && name.size() <= kLongestName &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
             std::string_view::npos;
}

std::string first_line(const fs::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

bool starts(const DeviceName& device, const char* driver) { return device.name.starts_with(driver); }

Outcome check_pci(const DeviceName& device) {
  const fs::path folder = fs::path("/sys/bus/pci/devices") / device.name;
  std::error_code error;
  if (!fs::exists(folder, error)) {
    return Failure{"DEVICE_NOT_FOUND", "There is no PCI device " + device.name +
                                           " on this machine. devices() lists what there is."};
  }
  const std::string kind = first_line(folder / "class");
  const std::string driver = fs::read_symlink(folder / "driver", error).filename();
  const std::string bind = "dpdk-devbind.py --bind=vfio-pci " + device.name;
  if (!kind.starts_with("0x02")) {
    return Failure{"DEVICE_NOT_FOUND", "PCI device " + device.name + " is no network device (its class is " +
                                           kind + ", expected 0x02....). devices() lists what there is."};
  }
  // mlx4 and mlx5 share the device with the kernel and stay bound to its driver.
  static constexpr std::string_view usable[] = {"vfio-pci",  "uio_pci_generic", "igb_uio",
                                                "mlx5_core", "mlx4_core",       "mana"};
  if (std::find(std::begin(usable), std::end(usable), driver) != std::end(usable)) return {};
  return Failure{"DEVICE_IN_USE", "PCI device " + device.name + " is bound to " +
                                      (driver.empty() ? "no driver" : "the kernel driver " + driver) +
                                      ", expected vfio-pci. As root, once nothing else uses it: " + bind +
                                      "."};
}

Outcome check_auxiliary(const DeviceName& device) {
  std::error_code error;
  if (fs::exists(fs::path("/sys/bus/auxiliary/devices") / device.name, error)) return {};
  return Failure{"DEVICE_NOT_FOUND",
                 "There is no auxiliary device " + device.name +
                     " on this machine (see /sys/bus/auxiliary/devices). A sub-function is "
                     "made and activated with: devlink port add, devlink port function set."};
}

/// As DPDK calls it.
const char* bus_name(Bus bus) {
  return bus == Bus::pci ? "pci" : bus == Bus::auxiliary ? "auxiliary" : "vdev";
}

bool may_open_packet_socket() {
  const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (fd >= 0) close(fd);
  return fd >= 0 || (errno != EPERM && errno != EACCES);
}

std::string interface_names() {
  std::string names;
  struct if_nameindex* list = if_nameindex();
  for (const struct if_nameindex* i = list; i != nullptr && i->if_name != nullptr; ++i)
    names += (names.empty() ? "" : ", ") + std::string(i->if_name);
  if (list != nullptr) if_freenameindex(list);
  return names.empty() ? "none" : names;
}

Outcome check_virtual(const DeviceName& device) {
  const bool on_interface = starts(device, "net_af_packet") || starts(device, "net_af_xdp");
  const std::string interface = interface_of(device);
  if (on_interface && interface.empty()) {
    return invalid("Device " + quoted(device.devargs) + " names no interface, expected " + device.name +
                   ",iface=NAME.");
  }
  if (interface.empty()) return {};
  if (if_nametoindex(interface.c_str()) == 0) {
    return Failure{"DEVICE_NOT_FOUND",
                   "There is no interface " + quoted(interface) + " for device " + quoted(device.devargs) +
                       " in this network namespace; there are: " + interface_names() + "."};
  }
  if (!may_open_packet_socket()) {
    return Failure{"PERMISSION_DENIED",
                   "Device " + quoted(device.devargs) +
                       " takes packets from an interface of the kernel, which needs "
                       "CAP_NET_RAW" +
                       (starts(device, "net_af_xdp") ? ", CAP_NET_ADMIN and CAP_BPF" : "") +
                       ". Run as root or give the process that capability."};
  }
  return {};
}

/// The port that came with the device.
std::optional<uint16_t> port_of(const std::string& name, rte_device*& device) {
  for (uint64_t next = rte_eth_find_next_owned_by(0, RTE_ETH_DEV_NO_OWNER); next < RTE_MAX_ETHPORTS;
       next = rte_eth_find_next_owned_by(static_cast<uint16_t>(next + 1), RTE_ETH_DEV_NO_OWNER)) {
    const auto port = static_cast<uint16_t>(next);
    rte_eth_dev_info info{};
    if (rte_eth_dev_info_get(port, &info) != 0 || info.device == nullptr) continue;
    if (name != rte_dev_name(info.device)) continue;
    device = info.device;
    return port;
  }
  return {};
}

Failure probe_failure(const DeviceName& device, int error, uint64_t mark) {
  const std::string said = log_since(mark);
  // Drivers return -1 for anything: it is EPERM by accident.
  const bool known = error > 1;
  if (error == EACCES || log_has(mark, "ermission denied") || log_has(mark, "not permitted")) {
    return {"PERMISSION_DENIED",
            "DPDK may not open device " + quoted(device.devargs) + "." + said +
                " Run as root, or give the process access (for vfio-pci: /dev/vfio/GROUP; "
                "for virtual devices: CAP_NET_ADMIN, CAP_NET_RAW)."};
  }
  if (error == EEXIST)
    return {"DEVICE_IN_USE", "Device " + quoted(device.name) + " is open in this process already."};
  if (error == EBUSY)
    return {"DEVICE_IN_USE", "Device " + quoted(device.devargs) + " is taken by another process." + said};
  return {"PORT_FAILED", "DPDK could not open device " + quoted(device.devargs) +
                             (known ? " (" + std::string(rte_strerror(error)) + ")." : ".") + said +
                             (geteuid() != 0 ? " This process is not root, which some devices need." : "")};
}

}  // namespace

std::string DeviceName::argument(const std::string& key) const {
  for (const auto& [own_key, value] : arguments) {
    if (own_key == key) return value;
  }
  return {};
}

Expected<DeviceName> parse_device(const std::string& text) {
  DeviceName device;
  const size_t comma = text.find(',');
  const std::string head = text.substr(0, comma);
  const std::string address = full_pci_address(head);
  device.name = head;
  if (!address.empty()) {
    device.bus = Bus::pci;
    device.name = address;
  } else if (head.starts_with(kAuxiliary) && is_auxiliary_name(head.substr(kAuxiliary.size()))) {
    device.bus = Bus::auxiliary;
    device.name = head.substr(kAuxiliary.size());
  } else if (!is_virtual_name(head)) {
    return invalid("device is " + quoted(text) +
                   ", expected a PCI address such as 0000:03:00.0, auxiliary:mlx5_core.sf.4, or a virtual "
                   "device such as net_af_packet0,iface=eth1.");
  }
  const std::string rest = comma == std::string::npos ? "" : text.substr(comma + 1);
  device.devargs = (device.bus == Bus::auxiliary ? std::string(kAuxiliary) : "") + device.name +
                   (rest.empty() ? "" : "," + rest);
  for (size_t at = 0; at < rest.size();) {
    const size_t end = std::min(rest.find(',', at), rest.size());
    const std::string one = rest.substr(at, end - at);
    const size_t equals = one.find('=');
    if (equals == 0 || one.empty()) {
      return invalid("device is " + quoted(text) + ", expected arguments of the form name=value after " +
                     quoted(head) + ", received " + quoted(one) + ".");
    }
    device.arguments.emplace_back(one.substr(0, equals),
                                  equals == std::string::npos ? "" : one.substr(equals + 1));
    at = end + 1;
  }
  if (text.size() > 250)
    return invalid("device has " + std::to_string(text.size()) + " characters, expected at most 250.");
  return device;
}

std::string interface_of(const DeviceName& device) {
  if (starts(device, "net_af_packet") || starts(device, "net_af_xdp")) return device.argument("iface");
  if (!starts(device, "net_pcap")) return {};
  for (const char* key : {"iface", "rx_iface", "rx_iface_in", "tx_iface"}) {
    if (std::string name = device.argument(key); !name.empty()) return name;
  }
  return {};
}

uint32_t mtu_of_interface(const std::string& name) {
  // Not sysfs, which may be that of another network namespace.
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return 0;
  ifreq request{};
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  const bool known = ioctl(fd, SIOCGIFMTU, &request) == 0;
  close(fd);
  return known ? static_cast<uint32_t>(request.ifr_mtu) : 0;
}

Outcome check_device(const DeviceName& device) {
  uint16_t port = 0;
  if (rte_eth_dev_get_port_by_name(device.name.c_str(), &port) == 0) {
    return Failure{"DEVICE_IN_USE", "Device " + quoted(device.name) +
                                        " is open in this process already. Close its port first."};
  }
  if (auto failure = device.bus == Bus::pci         ? check_pci(device)
                     : device.bus == Bus::auxiliary ? check_auxiliary(device)
                                                    : check_virtual(device))
    return failure;
  rte_devargs parsed{};
  const uint64_t mark = log_mark();
  const int result = rte_devargs_parse(&parsed, device.devargs.c_str());
  free(parsed.data);  // what rte_devargs_reset() does, which is no stable function yet
  if (result == 0) return {};
  if (device.is_hardware()) {
    const std::string bus = device.bus == Bus::pci ? "PCI" : "auxiliary";
    return Failure{"DEVICE_NOT_FOUND", "DPDK does not look at " + bus + " devices here, so " + device.name +
                                           " cannot be opened: its " + bus +
                                           " bus library is missing (Debian: apt-get install "
                                           "librte-meta-bus)." +
                                           log_since(mark)};
  }
  return Failure{"DEVICE_NOT_FOUND",
                 "No poll-mode driver takes the virtual device " + quoted(device.name) +
                     ". Names are those of dpdk-testpmd --vdev: net_ring0, net_af_packet0, "
                     "net_memif0, ... On Debian, apt-get install librte-meta-net brings all."};
}

Expected<PluggedDevice> plug_in(const DeviceName& device) {
  const uint64_t mark = log_mark();
  rte_errno = 0;
  const int result = rte_dev_probe(device.devargs.c_str());
  if (result != 0) {
    // A device that failed is still listed with its arguments, and would keep them the next time.
    if (!device.is_hardware()) rte_eal_hotplug_remove("vdev", device.name.c_str());
    return probe_failure(device, -result, mark);
  }
  PluggedDevice plugged;
  const auto port = port_of(device.name, plugged.device);
  if (!port) {
    rte_eal_hotplug_remove(bus_name(device.bus), device.name.c_str());
    return Failure{"DEVICE_NOT_FOUND", "Device " + quoted(device.devargs) +
                                           " brought no Ethernet port: no poll-mode driver takes it." +
                                           log_since(mark)};
  }
  plugged.port = *port;
  return plugged;
}

void plug_out(rte_device* device) { rte_dev_remove(device); }

}  // namespace onpath::dpdk
