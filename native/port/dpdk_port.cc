// Finding, loading and talking to the DPDK driver.
#include "port/dpdk_port.h"

#include <dirent.h>
#include <dlfcn.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <span>
#include <string_view>

#include "dataplane/telemetry.h"

namespace onpath {
namespace {

constexpr std::string_view kLibraryPrefix = "libonpath_dpdk.so.";
constexpr uint32_t kKnownAbis[] = {26, 25, 24, 23};

struct Candidate {
  uint32_t abi;  // of DPDK
  std::string path;
};

/// The folder this code was loaded from: that of onpath.node, or of a test program.
std::string own_folder() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&own_folder), &info) == 0 || info.dli_fname == nullptr) return ".";
  const std::string path = info.dli_fname;
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

/// Those of ONPATH_DRIVER_PATH, if it is set: separated by colons.
std::vector<std::string> folders() {
  std::vector<std::string> list;
  const char* named = std::getenv("ONPATH_DRIVER_PATH");
  std::string_view rest = named == nullptr ? "" : named;
  while (!rest.empty()) {
    const size_t colon = std::min(rest.find(':'), rest.size());
    if (colon > 0) list.emplace_back(rest.substr(0, colon));
    rest.remove_prefix(std::min(colon + 1, rest.size()));
  }
  if (list.empty()) list.push_back(own_folder());
  return list;
}

/// The drivers in a folder, that of the newest DPDK first.
std::vector<Candidate> candidates_in(const std::string& folder) {
  std::vector<Candidate> found;
  DIR* directory = opendir(folder.c_str());
  if (directory == nullptr) return found;
  while (const dirent* entry = readdir(directory)) {
    std::string_view name = entry->d_name;
    if (!name.starts_with(kLibraryPrefix)) continue;
    name.remove_prefix(kLibraryPrefix.size());
    uint32_t abi = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), abi);
    if (error == std::errc() && end == name.data() + name.size())
      found.push_back({abi, folder + '/' + entry->d_name});
  }
  closedir(directory);
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.abi > b.abi; });
  return found;
}

/// The driver's table, or null and why.
const onpath_driver* load(const std::string& path, std::string& reason) {
  // Never closed: DPDK's threads run in it until the process ends.
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    reason = dlerror();
    return nullptr;
  }
  const auto table = reinterpret_cast<onpath_driver_function>(dlsym(library, ONPATH_DRIVER_SYMBOL));
  const onpath_driver* driver = table == nullptr ? nullptr : table();
  if (driver == nullptr) {
    reason = "it has no " ONPATH_DRIVER_SYMBOL;
  } else if (driver->version != ONPATH_DRIVER_ABI_VERSION || driver->size < sizeof(onpath_driver)) {
    reason = "it is of version " + std::to_string(driver->version) + " of the driver interface, expected " +
             std::to_string(ONPATH_DRIVER_ABI_VERSION);
  } else {
    return driver;
  }
  dlclose(library);
  return nullptr;
}

Error missing(const std::vector<std::string>& places, const std::string& tried) {
  std::string looked;
  for (const std::string& place : places) looked += (looked.empty() ? "" : ", ") + place;
  std::string wanted;
  for (const uint32_t abi : kKnownAbis) wanted += " ." + std::to_string(abi);
  std::string text = "Ports of type \"dpdk\" need the driver " + std::string(kLibraryPrefix) +
                     "<ABI of DPDK> (" + wanted.substr(1) + "), looked for in " + looked + ". ";
  if (tried.empty()) {
    text +=
        "There is none. It is built with the addon where DPDK's development files are: on Debian, apt-get "
        "install libdpdk-dev, then npm rebuild onpath --build-from-source. ONPATH_DRIVER_PATH names other "
        "folders.";
  } else {
    text += "Found, but not loaded: " + tried +
            ". If DPDK's libraries are missing, on Debian: apt-get install librte-meta-net librte-meta-bus "
            "librte-meta-mempool (or libdpdk-dev, which brings everything).";
  }
  return {ErrorCode::DRIVER_MISSING, text};
}

Result<const onpath_driver*> driver() {
  static std::mutex mutex;
  static const onpath_driver* loaded = nullptr;
  const std::lock_guard lock(mutex);
  if (loaded != nullptr) return loaded;
  const std::vector<std::string> places = folders();
  std::string tried;
  for (const std::string& folder : places) {
    for (const Candidate& candidate : candidates_in(folder)) {
      std::string reason;
      loaded = load(candidate.path, reason);
      if (loaded != nullptr) return loaded;
      tried += (tried.empty() ? "" : "; ") + candidate.path + ": " + reason;
    }
  }
  return missing(places, tried);
}

Error error_of(const onpath_failure& failure) {
  ErrorCode code = ErrorCode::PORT_FAILED;
#define ONPATH_ERROR_CODE(name, meaning) \
  if (std::strcmp(failure.code, #name) == 0) code = ErrorCode::name;
#include "base/error_codes.def"
#undef ONPATH_ERROR_CODE
  return {code, failure.message};
}

/// Once per process; the driver keeps to it.
Result<void> observe(const onpath_driver& driver) {
  onpath_failure failure{};
  const std::span<const onpath_telemetry_command> commands = telemetry_commands();
  if (driver.observe(commands.data(), static_cast<uint32_t>(commands.size()), &failure) != 1)
    return error_of(failure);
  return {};
}

const char* text_or_null(const std::string& text) { return text.empty() ? nullptr : text.c_str(); }

}  // namespace

Result<void> start_dpdk(const std::optional<DpdkOptions>& options) {
  try {
    const auto found = driver();
    if (!found) return found.error();
    onpath_failure failure{};
    if (!options) {
      if (found.value()->start(nullptr, &failure) != 1) return error_of(failure);
      return observe(*found.value());
    }
    std::vector<const char*> arguments;
    for (const std::string& argument : options->arguments) arguments.push_back(argument.c_str());
    onpath_driver_options passed{};
    passed.size = sizeof passed;
    passed.hugepages = options->hugepages;
    passed.memory_mb = options->memory_mb;
    passed.telemetry = options->telemetry;
    passed.log_level = options->log_level;
    passed.control_cpu = options->control_cpu;
    passed.file_prefix = text_or_null(options->file_prefix);
    passed.iova = text_or_null(options->iova);
    passed.plugins = text_or_null(options->plugins);
    passed.arguments = arguments.data();
    passed.argument_count = static_cast<uint32_t>(arguments.size());
    if (found.value()->start(&passed, &failure) != 1) return error_of(failure);
    return observe(*found.value());
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::OUT_OF_MEMORY, "There is not enough memory to start DPDK."};
  }
}

Result<const onpath_port*> open_dpdk_port(const DpdkPortConfig& config) {
  try {
    const auto found = driver();
    if (!found) return found.error();
    onpath_driver_port_options options{};
    options.size = sizeof options;
    options.device = config.device.c_str();
    options.queues = config.queues;
    options.transmit_queues = config.transmit_queues;
    options.receive_descriptors = config.receive_descriptors;
    options.transmit_descriptors = config.transmit_descriptors;
    options.mtu = config.mtu;
    options.buffer_bytes = config.buffer_bytes;
    options.buffers = config.buffers;
    options.promiscuous = config.promiscuous;
    options.all_multicast = config.all_multicast;
    options.offloads = config.offloads;
    options.offloads_off = config.offloads_off;
    static_assert(sizeof(std::array<uint8_t, 6>) == 6);
    options.multicast = reinterpret_cast<const uint8_t(*)[6]>(config.multicast.data());
    options.multicast_count = static_cast<uint32_t>(config.multicast.size());
    onpath_failure failure{};
    const onpath_port* port = found.value()->open(&options, &failure);
    if (port == nullptr) return error_of(failure);
    return port;
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::OUT_OF_MEMORY,
                 "There is not enough memory to open DPDK device \"" + config.device + "\"."};
  }
}

}  // namespace onpath
