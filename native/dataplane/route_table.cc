#include "dataplane/route_table.h"

namespace onpath {
namespace {

std::string taken_packets(const RouteTable::Entry& entry) {
  return (entry.udp_port == 0 ? std::string("any UDP port") : "UDP port " + std::to_string(entry.udp_port)) +
         " and " +
         (entry.payload_type ? "payload type " + std::to_string(*entry.payload_type)
                             : std::string("any payload type"));
}

}  // namespace

Result<RouteTable> RouteTable::make(const std::vector<Entry>& entries, uint32_t ports) {
  for (size_t i = 0; i < entries.size(); ++i) {
    const Entry& entry = entries[i];
    if (entry.payload_type && *entry.payload_type > 127) {
      return Error{ErrorCode::INVALID_SPEC, "Route \"" + entry.name + "\" has payload type " +
                                                std::to_string(*entry.payload_type) + "; RTP has 0 to 127."};
    }
    for (size_t j = 0; j < i; ++j) {
      const Entry& other = entries[j];
      if (entry.port == other.port && entry.udp_port == other.udp_port &&
          entry.payload_type == other.payload_type) {
        return Error{ErrorCode::INVALID_SPEC,
                     "Routes \"" + other.name + "\" and \"" + entry.name + "\" both take " +
                         taken_packets(entry) +
                         " on the same port. Give one of them another payload type or UDP port."};
      }
    }
  }

  RouteTable table;
  table.ports_.resize(ports);
  for (uint32_t p = 0; p < ports; ++p) {
    Port& port = table.ports_[p];
    port.group_of = std::make_unique<uint16_t[]>(65536);
    port.groups.resize(1);
    port.groups[0].fill(kNoRoute);
    // From the least to the most specific, so that the latter overwrite: any port, then the copies of that
    // for named ports.
    for (const bool any_port : {true, false}) {
      for (const bool any_type : {true, false}) {
        for (size_t i = 0; i < entries.size(); ++i) {
          const Entry& entry = entries[i];
          if (entry.port != p || (entry.udp_port == 0) != any_port || !entry.payload_type != any_type)
            continue;
          uint16_t& group = port.group_of[entry.udp_port];
          if (!any_port && group == 0) {
            group = static_cast<uint16_t>(port.groups.size());
            port.groups.push_back(Group(port.groups[0]));
          }
          Group& types = port.groups[group];
          if (any_type) {
            types.fill(static_cast<uint16_t>(i));
          } else {
            types[*entry.payload_type] = static_cast<uint16_t>(i);
          }
        }
      }
    }
  }
  return table;
}

uint64_t RouteTable::bytes() const {
  uint64_t bytes = 0;
  for (const Port& port : ports_) bytes += 65536 * sizeof(uint16_t) + port.groups.size() * sizeof(Group);
  return bytes;
}

}  // namespace onpath
