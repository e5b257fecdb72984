#include "dpdk/options.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

namespace onpath::dpdk {
namespace {

constexpr size_t kLongestPrefix = 48;  // the telemetry socket's path must fit sockaddr_un
// As in rte_log.h, which this file can do without.
constexpr uint32_t kNotice = 6, kDebug = 8;

bool is_number(std::string_view text, uint64_t least, uint64_t most) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value >= least && value <= most;
}

bool is_megabytes_per_node(std::string_view text) {
  while (true) {
    const size_t comma = text.find(',');
    if (!is_number(text.substr(0, comma), 0, 1u << 24)) return false;
    if (comma == std::string_view::npos) return true;
    text.remove_prefix(comma + 1);
  }
}

bool is_address(std::string_view text) {
  if (text.starts_with("0x")) text.remove_prefix(2);
  return !text.empty() && text.size() <= 16 &&
         text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

bool is_word(std::string_view text) {
  return !text.empty() && text.find_first_not_of(
                              "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              "0123456789_.-") == std::string_view::npos;
}

bool is_log_level(std::string_view text) {
  // "help" prints a list and ends the process.
  const size_t colon = text.find_first_of(":,");
  const std::string_view level = colon == std::string_view::npos ? text : text.substr(colon + 1);
  static constexpr std::string_view names[] = {"emergency", "alert",  "critical", "error",
                                               "warning",   "notice", "info",     "debug"};
  return is_number(level, 1, 8) || std::find(std::begin(names), std::end(names), level) != std::end(names);
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !std::isxdigit(static_cast<unsigned char>(text[i]))) return false;
  }
  return true;
}

bool is_interrupt_mode(std::string_view text) { return text == "legacy" || text == "msi" || text == "msix"; }

bool is_bitwidth(std::string_view text) {
  return text == "64" || text == "128" || text == "256" || text == "512";
}

/// An option of EAL that is known to be harmless beside the typed ones. All others are refused: EAL prints
/// help and exits at some, and a value it does not take leaves it half-started for the life of the process.
struct Harmless {
  std::string_view name;
  bool (*takes)(std::string_view);  // null: no value
  const char* expected;
  bool needs_hugepages = false;
};

constexpr Harmless kHarmless[] = {
    {"-n", [](std::string_view text) { return is_number(text, 1, 32); }, "memory channels, 1 to 32"},
    {"-r", [](std::string_view text) { return is_number(text, 1, 16); }, "memory ranks, 1 to 16"},
    {"--base-virtaddr", is_address, "a hexadecimal address"},
    {"--create-uio-dev", nullptr, ""},
    {"--force-max-simd-bitwidth", is_bitwidth, "64, 128, 256 or 512"},
    {"--log-level", is_log_level, "LEVEL or PATTERN:LEVEL with a level from 1 to 8, emergency to debug"},
    {"--match-allocations", nullptr, "", true},
    {"--mbuf-pool-ops-name", is_word, "the name of mempool operations"},
    {"--no-hpet", nullptr, ""},
    {"--no-pci", nullptr, ""},
    {"--single-file-segments", nullptr, "", true},
    {"--socket-limit", is_megabytes_per_node, "megabytes per NUMA node: 1024,1024", true},
    {"--socket-mem", is_megabytes_per_node, "megabytes per NUMA node: 512,512", true},
    {"--vfio-intr", is_interrupt_mode, "legacy, msi or msix"},
    {"--vfio-vf-token", is_uuid, "a UUID"},
    {"--vmware-tsc-map", nullptr, ""},
};

/// Why an option is refused and what does its work.
struct Refused {
  std::string_view names;  // each between blanks
  const char* why;
};

constexpr Refused kRefused[] = {
    {" --help -h --version -v ", "it prints and may end the process"},
    {" --proc-type ", "this process is always a primary one"},
    {" -l -c --lcores --main-lcore -s -S --huge-worker-stack ",
     "the data plane has threads of its own; controlCpu places the control thread"},
    {" --file-prefix ", "filePrefix says it"},
    {" --no-huge --in-memory --huge-unlink --huge-dir --legacy-mem --no-shconf ", "hugepages says it"},
    {" -m ", "memoryMb says it"},
    {" -a -b --allow --block --vdev ", "devices are named by ports"},
    {" --telemetry --no-telemetry ", "telemetry says it"},
    {" --iova-mode ", "iova says it"},
    {" -d ", "plugins says it"},
    {" --syslog ", "DPDK's log is kept for error messages; logLevel writes it to stderr"},
};

std::string harmless_names() {
  std::string names;
  for (const Harmless& option : kHarmless) names += (names.empty() ? "" : " ") + std::string(option.name);
  return names;
}

const Harmless* find_harmless(std::string_view name) {
  const auto* found = std::find_if(std::begin(kHarmless), std::end(kHarmless),
                                   [&](const Harmless& option) { return option.name == name; });
  return found == std::end(kHarmless) ? nullptr : found;
}

Failure refuse(const std::string& argument, std::string_view name) {
  std::string why = "it is none that is known to be harmless";
  for (const Refused& refused : kRefused) {
    if (refused.names.find(' ' + std::string(name) + ' ') != std::string_view::npos) why = refused.why;
  }
  return invalid("The EAL argument " + quoted(argument) + " is refused: " + why +
                 ". Arguments that are passed on: " + harmless_names() + ".");
}

/// An argument as getopt_long takes it: -n4, -n, --option, --option=value.
struct Split {
  std::string_view name;
  std::optional<std::string_view> value;
};

Split split(std::string_view argument) {
  if (argument.starts_with("--")) {
    const size_t equals = argument.find('=');
    if (equals == std::string_view::npos) return {argument, {}};
    return {argument.substr(0, equals), argument.substr(equals + 1)};
  }
  if (argument.starts_with("-") && argument.size() > 2) return {argument.substr(0, 2), argument.substr(2)};
  return {argument, {}};
}

Outcome check_arguments(const Options& options) {
  for (size_t i = 0; i < options.arguments.size(); ++i) {
    const std::string& argument = options.arguments[i];
    auto [name, value] = split(argument);
    const Harmless* option = find_harmless(name);
    if (option == nullptr) return refuse(argument, name);
    if (option->takes == nullptr && value) {
      return invalid("The EAL argument " + quoted(argument) + " has a value, but " + std::string(name) +
                     " takes none.");
    }
    if (option->takes != nullptr && !value && i + 1 < options.arguments.size())
      value = options.arguments[++i];
    if (option->takes != nullptr && (!value || !option->takes(*value))) {
      return invalid("The EAL argument " + std::string(name) + " has " +
                     (value ? "the value " + quoted(std::string(*value)) : std::string("no value")) +
                     ", expected " + option->expected + ".");
    }
    if (option->needs_hugepages && !options.hugepages) {
      return invalid("The EAL argument " + quoted(argument) +
                     " is about hugepages, but hugepages is false. Leave one of the two out.");
    }
    if (name == "--socket-mem" && options.memory_mb != 0)
      return invalid("The EAL argument " + quoted(argument) + " and memoryMb exclude each other.");
  }
  return {};
}

template <class T>
std::string shown(const T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    return value ? "true" : "false";
  } else if constexpr (std::is_same_v<T, std::string>) {
    return quoted(value);
  } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
    std::string text = "[";
    for (const std::string& one : value) text += (text.size() > 1 ? ", " : "") + quoted(one);
    return text + "]";
  } else {
    return std::to_string(value);
  }
}

}  // namespace

Options options_from(const onpath_driver_options* from) {
  Options options;
  if (from == nullptr) return options;
  const auto text = [](const char* string) { return std::string(string == nullptr ? "" : string); };
  options.hugepages = from->hugepages != 0;
  options.memory_mb = from->memory_mb;
  options.telemetry = from->telemetry != 0;
  options.log_level = from->log_level;
  options.control_cpu = from->control_cpu;
  options.file_prefix = text(from->file_prefix);
  options.iova = text(from->iova);
  options.plugins = text(from->plugins);
  for (uint32_t i = 0; i < from->argument_count; ++i) options.arguments.push_back(text(from->arguments[i]));
  return options;
}

Outcome check(const Options& options) {
  if (options.log_level > kDebug) {
    return invalid("logLevel is " + std::to_string(options.log_level) +
                   ", expected 0 (nothing) to 8 (debug).");
  }
  if (!options.iova.empty() && options.iova != "pa" && options.iova != "va")
    return invalid("iova is " + quoted(options.iova) + ", expected \"pa\", \"va\" or nothing.");
  if (!options.file_prefix.empty() &&
      (!is_word(options.file_prefix) || options.file_prefix.size() > kLongestPrefix ||
       options.file_prefix.find_first_not_of('.') == std::string::npos)) {
    return invalid("filePrefix is " + quoted(options.file_prefix) + ", expected up to " +
                   std::to_string(kLongestPrefix) + " letters, digits, dots, dashes and underscores.");
  }
  if (options.memory_mb > 1u << 24)
    return invalid("memoryMb is " + std::to_string(options.memory_mb) + ", expected at most 2^24.");
  if (options.memory_mb > 0 && options.memory_mb < 64) {
    return invalid("memoryMb is " + std::to_string(options.memory_mb) +
                   ", expected 0 (chosen) or at least 64: DPDK's own needs come first.");
  }
  return check_arguments(options);
}

std::string first_difference(const Options& asked, const Options& running) {
  std::string text;
  const auto differs = [&](const char* name, const auto& here, const auto& there) {
    if (text.empty() && !(here == there))
      text = std::string(name) + " is " + shown(here) + " here, but " + shown(there) + " there";
  };
  differs("hugepages", asked.hugepages, running.hugepages);
  differs("memoryMb", asked.memory_mb, running.memory_mb);
  differs("telemetry", asked.telemetry, running.telemetry);
  differs("logLevel", asked.log_level, running.log_level);
  differs("controlCpu", asked.control_cpu, running.control_cpu);
  differs("filePrefix", asked.file_prefix, running.file_prefix);
  differs("iova", asked.iova, running.iova);
  differs("plugins", asked.plugins, running.plugins);
  differs("args", asked.arguments, running.arguments);
  return text;
}

std::string file_prefix_of(const Options& options) {
  return options.file_prefix.empty() ? "onpath-" + std::to_string(getpid()) : options.file_prefix;
}

std::vector<std::string> eal_arguments(const Options& options, const Surroundings& here) {
  std::vector<std::string> arguments{"onpath"};
  const auto add = [&](std::string argument) { arguments.push_back(std::move(argument)); };
  const bool no_pci =
      std::find(options.arguments.begin(), options.arguments.end(), "--no-pci") != options.arguments.end();
  add("--lcores=0@(" + here.cpus + ")");  // one main thread with all of these CPUs, no worker threads
  add("--file-prefix=" + file_prefix_of(options));
  if (options.hugepages) {
    add("--in-memory");
    if (options.memory_mb > 0) add("-m" + std::to_string(options.memory_mb));
  } else {
    // In 22.11 --in-memory is refused here; --no-shconf has what is left of it.
    add("--no-huge");
    add("--no-shconf");
    add("-m" + std::to_string(options.memory_mb > 0 ? options.memory_mb : here.ordinary_mb));
  }
  if (!options.telemetry || !here.telemetry_ready) add("--no-telemetry");
  if (!options.iova.empty()) add("--iova-mode=" + options.iova);
  if (options.log_level > kNotice) add("--log-level=*:" + std::to_string(options.log_level));
  if (!options.plugins.empty()) {
    add("-d");
    add(options.plugins);
  }
  // An allow-list with no real device on it: nothing is probed at start, ports are plugged in one by one.
  if (here.pci_bus && !no_pci) add("-affff:ff:1f.7");
  for (const std::string& argument : options.arguments) add(argument);
  return arguments;
}

}  // namespace onpath::dpdk
