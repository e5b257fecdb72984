// Which route takes a packet: port, UDP destination port and RTP payload type to a route's index in two
// loads. Built once at start, then read by every worker.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace onpath {

class RouteTable {
 public:
  static constexpr uint16_t kNoRoute = UINT16_MAX;
  static constexpr uint32_t kMaxRoutes = 4096;

  struct Entry {
    std::string name;
    uint32_t port = 0;
    uint16_t udp_port = 0;                // 0: any
    std::optional<uint8_t> payload_type;  // absent: any
  };

  /// Entry i becomes route i. A named UDP port goes before any, then a named payload type before any.
  /// Errors: INVALID_SPEC (two entries that take the same packets, payload type over 127).
  static Result<RouteTable> make(const std::vector<Entry>& entries, uint32_t ports);

  uint16_t find(uint32_t port, uint16_t udp_port, uint8_t payload_type) const {
    const Port& at = ports_[port];
    return at.groups[at.group_of[udp_port]][payload_type];
  }
  uint64_t bytes() const;

 private:
  using Group = std::array<uint16_t, 128>;  // by payload type
  struct Port {
    std::unique_ptr<uint16_t[]> group_of;  // by UDP port; 0: the routes that take any
    std::vector<Group> groups;
  };

  std::vector<Port> ports_;
};

}  // namespace onpath
