// A worker's part of the host that the plane is on one port: takes the packets that are not UDP, answers what
// is to be answered, and on one worker keeps the timers. Hot path for what it must be: no allocation, no
// lock, no system call; but few packets come here, and no more than kRepliesPerSecond are answered.
//
// What it is: ARP and neighbour discovery for the own addresses, echo, group membership. What it is not:
// duplicate address detection for itself, redirects, path MTU, port unreachable, anything in a VLAN.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/drop_reason.h"
#include "dataplane/port_host.h"
#include "dataplane/transmit_queue.h"
#include "wire/arp.h"
#include "wire/ip_packet.h"

namespace onpath {

class LocalHost {
 public:
  static constexpr uint64_t kRepliesPerSecond = 10'000;
  static constexpr uint64_t kReplyBurst = 1000;

  /// `drives`: this worker keeps the timers; `shared`: other workers take queries too, unheard by it.
  LocalHost(std::shared_ptr<PortHost> host, const onpath_port& port, TransmitQueue& queue, bool drives,
            bool shared, uint64_t seed);

  bool accepts(const IpAddress& destination) const { return host_->addresses.accepts(destination); }
  /// A whole Ethernet frame that parse_frame() refused with `reason`, not_ip or not_udp. Nothing: it has been
  /// dealt with; else why it is dropped.
  std::optional<DropReason> take(std::span<const uint8_t> frame, DropReason reason, uint64_t now);

  void tick(uint64_t now);
  uint64_t next_tick_ns() const;
  /// Leaves the groups.
  void finish(uint64_t now);

 private:
  /// A queue of transmit buffers gives one at a time; what is built there leaves with send().
  uint8_t* buffer(size_t bytes);
  void send(size_t bytes);
  bool may_reply(uint64_t now);
  uint64_t random();

  std::optional<DropReason> take_arp(std::span<const uint8_t> frame, uint64_t now);
  std::optional<DropReason> take_ip(std::span<const uint8_t> frame, DropReason reason, uint64_t now);
  std::optional<DropReason> take_icmp(const IpPacket& packet, uint64_t now);
  std::optional<DropReason> take_solicitation(const IpPacket& packet, uint64_t now);
  std::optional<DropReason> take_advertisement(const IpPacket& packet);
  std::optional<DropReason> take_igmp(const IpPacket& packet, uint64_t now);

  void announce();
  void announce(const IpAddress& own);
  void ask(const IpAddress& target, const MacAddress* known);
  void report_igmp(std::span<const IpAddress> groups, Membership membership, uint64_t now);
  void report_mld(std::span<const IpAddress> groups, Membership membership, uint64_t now);

  const std::shared_ptr<PortHost> host_;
  TransmitQueue& queue_;
  const MacAddress mac_;
  const size_t max_bytes_;
  const bool drives_;
  const bool shared_;
  onpath_packet* building_ = nullptr;
  RouteCounters own_packets_;  // a transmit queue counts by route; this one is nobody's
  uint64_t random_state_;
  uint64_t reply_credit_ns_ = 0;  // the time up to which replies have been spent
  uint64_t next_defence_ns_ = 0;
  uint32_t announcements_left_;
  uint64_t next_announcement_ns_ = 0;
  uint64_t last_look_ns_ = 0;
};

}  // namespace onpath
