// What the device is told while it runs, and what it tells of itself: by files, for the test is another
// world.
#include <cstdio>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include "soft_nic.h"

namespace softnic {
namespace {

struct Name {
  const char* name;
  uint32_t feature;
};
constexpr Name kNames[] = {
    {"steering", kSteering},       {"mark", kMark},           {"rss", kRss},
    {"allowList", kAllowList},     {"checksums", kChecksums}, {"timestamps", kTimestamps},
    {"bufferSplit", kBufferSplit}, {"count", kCount}};

void tell(const Nic& nic) {
  const std::string file = nic.control + ".state";
  std::ofstream out(file + ".new");
  out << "{\"rules\":" << nic.rules.size() << ",\"isolated\":" << (nic.isolated ? "true" : "false")
      << ",\"created\":" << nic.created << ",\"dropped\":" << nic.dropped << ",\"filtered\":" << nic.filtered
      << ",\"starts\":" << nic.starts << ",\"resets\":" << nic.resets << "}";
  out.close();
  std::rename((file + ".new").c_str(), file.c_str());
}

/// Returns the event that follows, or RTE_ETH_EVENT_UNKNOWN.
rte_eth_event_type carry_out(Nic& nic, const std::string& line) {
  if (line == "link=up" || line == "link=down") nic.up = line == "link=up";
  if (line.rfind("broken=", 0) == 0) nic.broken.store(features_of(line.substr(7)));
  if (line == "remove") {
    nic.gone = true;
    return RTE_ETH_EVENT_INTR_RMV;
  }
  if (line == "reset") {
    nic.stalled = true;  // until it is reset, nothing passes
    return RTE_ETH_EVENT_INTR_RESET;
  }
  return RTE_ETH_EVENT_UNKNOWN;
}

}  // namespace

uint32_t features_of(const std::string& list) {
  uint32_t features = 0;
  std::istringstream names(list);
  for (std::string name; std::getline(names, name, '+');) {
    for (const Name& one : kNames) features |= name == one.name ? one.feature : 0;
  }
  return features;
}

void obey(Nic& nic) {
  if (nic.control.empty()) return;
  std::ifstream in(nic.control);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  rte_eth_event_type event = RTE_ETH_EVENT_UNKNOWN;
  rte_rwlock_write_lock(&wires);
  if (text != nic.last_control) {
    nic.last_control = text;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      const rte_eth_event_type next = carry_out(nic, line);
      if (next != RTE_ETH_EVENT_UNKNOWN) event = next;
    }
  }
  tell(nic);
  rte_rwlock_write_unlock(&wires);
  if (event != RTE_ETH_EVENT_UNKNOWN) rte_eth_dev_callback_process(nic.device, event, nullptr);
}

}  // namespace softnic
