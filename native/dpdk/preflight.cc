#include "dpdk/preflight.h"

#include <dlfcn.h>
#include <rte_config.h>
#include <rte_version.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>

namespace onpath::dpdk {
namespace {

namespace fs = std::filesystem;

/// EAL itself takes a few megabytes, a port's pools start at about as many.
constexpr uint64_t kLeastHugeBytes = 16u << 20;
constexpr uint64_t kOrdinaryMb = 1024;
constexpr uint64_t kLeastOrdinaryMb = 128;
constexpr const char* kHugepageCommand =
    "As root: dpdk-hugepages.py --setup 1G, or echo 512 > /proc/sys/vm/nr_hugepages";

uint64_t number_in(const fs::path& file) {
  std::ifstream in(file);
  uint64_t value = 0;
  in >> value;
  return in ? value : 0;
}

/// Of /proc/meminfo, in kilobytes.
uint64_t memory_kb(const char* name) {
  std::ifstream in("/proc/meminfo");
  for (std::string word; in >> word;) {
    uint64_t value = 0;
    if (word == name && in >> value) return value;
  }
  return 0;
}

std::string list_of(const cpu_set_t& cpus) {
  std::string text;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &cpus)) continue;
    int last = cpu;
    while (last + 1 < CPU_SETSIZE && CPU_ISSET(last + 1, &cpus)) ++last;
    text += (text.empty() ? "" : ",") + std::to_string(cpu);
    if (last > cpu) text += "-" + std::to_string(last);
    cpu = last;
  }
  return text;
}

Outcome check_hugepages(const Options& options) {
  const uint64_t wanted = std::max<uint64_t>(uint64_t{options.memory_mb} << 20, kLeastHugeBytes);
  const Hugepages pages = count_hugepages();
  if (pages.free_bytes >= wanted) return {};
  return Failure{"NO_HUGEPAGES", "DPDK needs at least " + std::to_string(wanted >> 20) +
                                     " MB of free hugepages, but " + pages.text + ". " + kHugepageCommand +
                                     "; or start with eal: { hugepages: false }."};
}

Outcome check_plugins(const Options& options) {
  if (options.plugins.empty()) return {};
  std::error_code error;
  const fs::file_status status = fs::status(options.plugins, error);
  if (fs::is_directory(status) || fs::is_regular_file(status)) return {};
  return invalid("plugins is " + quoted(options.plugins) +
                 ", expected a folder or file of poll-mode drivers, such as " +
                 "/usr/lib/x86_64-linux-gnu/dpdk/pmds-23.0; there is none at that path.");
}

/// Whether EAL's loader will find the PCI bus: without it --allow is an error.
bool has_pci_bus(const Options& options) {
  const std::string library = "librte_bus_pci.so." + std::to_string(ONPATH_DPDK_ABI);
  std::error_code error;
  if (!options.plugins.empty() && fs::exists(fs::path(options.plugins) / library, error)) return true;
  // Never closed: EAL is about to load the same.
  return dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL) != nullptr;
}

bool can_hold_socket(const std::string& folder) {
  std::error_code error;
  // As EAL makes it: readable by its owner only.
  fs::create_directories(fs::path(folder).parent_path(), error);
  mkdir(folder.c_str(), 0700);
  return access(folder.c_str(), W_OK | X_OK) == 0 &&
         folder.size() + std::strlen("/dpdk_telemetry.v2:9") < sizeof(sockaddr_un::sun_path);
}

bool is_listening(const fs::path& socket_path) {
  const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (fd < 0) return true;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, socket_path.c_str(), sizeof address.sun_path - 1);
  const bool refused =
      connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 && errno == ECONNREFUSED;
  close(fd);
  return !refused;
}

fs::path runtime_root() {
  const char* user_folder = getenv("XDG_RUNTIME_DIR");
  const fs::path base = getuid() == 0                                 ? "/var/run"
                        : user_folder != nullptr && *user_folder != 0 ? user_folder
                                                                      : "/tmp";
  return base / "dpdk";
}

}  // namespace

cpu_set_t own_cpus() {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  sched_getaffinity(0, sizeof cpus, &cpus);
  return cpus;
}

Hugepages count_hugepages() {
  Hugepages found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/sys/kernel/mm/hugepages", error)) {
    const std::string name = entry.path().filename();
    std::string_view size = name;
    constexpr std::string_view prefix = "hugepages-";
    uint64_t kb = 0;
    if (!size.starts_with(prefix)) continue;
    size.remove_prefix(prefix.size());
    std::from_chars(size.data(), size.data() + size.size(), kb);
    const uint64_t total = number_in(entry.path() / "nr_hugepages");
    const uint64_t free = number_in(entry.path() / "free_hugepages");
    if (total == 0) continue;
    found.free_bytes += free * kb * 1024;
    found.text += (found.text.empty() ? "" : ", ") + std::to_string(free) + " of " + std::to_string(total) +
                  " pages of " + std::to_string(kb) + " kB are free";
  }
  if (found.text.empty()) found.text = "none are reserved";
  return found;
}

std::string runtime_folder(const std::string& file_prefix) { return runtime_root() / file_prefix; }

void sweep_runtime_folders() {
  constexpr std::string_view prefix = "onpath-";
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(runtime_root(), error)) {
    const std::string name = entry.path().filename();
    int process = 0;
    const auto [end, bad] = std::from_chars(name.data() + std::min(name.size(), prefix.size()),
                                            name.data() + name.size(), process);
    if (!name.starts_with(prefix) || bad != std::errc() || end != name.data() + name.size()) continue;
    if (process == getpid() || kill(process, 0) == 0 || errno != ESRCH) continue;
    // Another container may share the folder, but not our process ids: then its socket answers.
    const fs::path telemetry = entry.path() / "dpdk_telemetry.v2";
    if (fs::exists(telemetry, error) && is_listening(telemetry)) continue;
    fs::remove(telemetry, error);
    fs::remove(entry.path(), error);  // only if it is empty
  }
}

Expected<Surroundings> look_around(const Options& options) {
  Surroundings here;
  cpu_set_t cpus = own_cpus();
  if (options.control_cpu >= 0) {
    if (options.control_cpu >= CPU_SETSIZE || !CPU_ISSET(options.control_cpu, &cpus)) {
      return invalid("controlCpu is " + std::to_string(options.control_cpu) +
                     ", expected one of the CPUs this process may use: " + list_of(cpus) + ".");
    }
    CPU_ZERO(&cpus);
    CPU_SET(options.control_cpu, &cpus);
  }
  here.cpus = list_of(cpus);
  if (auto failure = check_plugins(options)) return *failure;
  if (options.iova == "pa" && geteuid() != 0) {
    return Failure{
        "PERMISSION_DENIED",
        "iova is \"pa\", but physical addresses are shown to root only. Run as root, or leave iova "
        "out: with vfio-pci and an IOMMU, and for virtual devices, it is not needed."};
  }
  if (options.hugepages) {
    if (auto failure = check_hugepages(options)) return *failure;
  } else {
    const uint64_t available = memory_kb("MemAvailable:") / 1024;
    here.ordinary_mb = std::min(kOrdinaryMb, available / 2);
    const uint64_t wanted = options.memory_mb > 0 ? options.memory_mb : kLeastOrdinaryMb;
    if (wanted > available || (options.memory_mb == 0 && here.ordinary_mb < kLeastOrdinaryMb)) {
      return Failure{"OUT_OF_MEMORY", "DPDK is to have " + std::to_string(wanted) + " MB of memory, but " +
                                          std::to_string(available) +
                                          " MB are available. Lower memoryMb or free memory."};
    }
  }
  here.pci_bus = has_pci_bus(options);
  sweep_runtime_folders();
  if (options.telemetry) here.telemetry_ready = can_hold_socket(runtime_folder(file_prefix_of(options)));
  return here;
}

}  // namespace onpath::dpdk
