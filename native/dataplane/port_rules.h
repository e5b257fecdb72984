// What ports are told of what the plane wants by them, so that a NIC can leave out the rest. Control path
// only.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>

#include "dataplane/plane_parts.h"
#include "wire/address.h"

namespace onpath {

class PortRules {
 public:
  /// `parts` outlive this.
  explicit PortRules(const PlaneParts& parts) : parts_(parts) {}

  /// Tells every port. Before the workers start, and again when routes have changed.
  void tell();
  /// What a sender hears of its receiver comes to its own UDP port. Tells that port, if this is news.
  void add_sender(const std::string& port, uint16_t own_udp_port, const IpAddress& receiver);
  /// The ports are about to go: nothing is told any more.
  void close();

 private:
  struct Feedback {
    size_t port;
    uint16_t udp_port;
    IpAddress from;
    bool operator==(const Feedback&) const = default;
  };
  void tell(size_t port) const;

  const PlaneParts& parts_;
  std::mutex mutex_;
  bool closed_ = false;
  std::vector<Feedback> feedback_;  // of senders
};

}  // namespace onpath
