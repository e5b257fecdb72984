#include "dataplane/local_host.h"

#include <algorithm>
#include <cstring>

#include "base/big_endian.h"
#include "wire/icmp.h"
#include "wire/igmp.h"
#include "wire/mld.h"
#include "wire/neighbour_discovery.h"

namespace onpath {
namespace {

constexpr size_t kEthernetBytes = 14;
constexpr size_t kLeastFrameBytes = 60;  // IEEE 802.3 clause 3.2.8, without the frame check sequence
constexpr size_t kControlFrameBytes = 1294;
constexpr uint32_t kAnnouncements = 3;
constexpr uint64_t kAnnounceIntervalNs = 1'000'000'000;
constexpr uint64_t kDefendIntervalNs = 10'000'000'000;  // RFC 5227 section 1.1: DEFEND_INTERVAL
constexpr uint64_t kSharedLookNs = 500'000'000;         // for queries that another worker took

}  // namespace

LocalHost::LocalHost(std::shared_ptr<PortHost> host, const onpath_port& port, TransmitQueue& queue,
                     bool drives, bool shared, uint64_t seed)
    : host_(std::move(host)),
      queue_(queue),
      mac_(mac_at(port.mac)),
      max_bytes_(port.max_bytes),
      drives_(drives),
      shared_(shared),
      random_state_(seed | 1),
      announcements_left_(drives ? kAnnouncements : 0) {}

uint8_t* LocalHost::buffer(size_t bytes) {
  if (std::max(bytes, kLeastFrameBytes) > max_bytes_) return nullptr;
  building_ = queue_.next();
  return building_ == nullptr ? nullptr : building_->data;
}

void LocalHost::send(size_t bytes) {
  if (bytes < kLeastFrameBytes) std::memset(building_->data + bytes, 0, kLeastFrameBytes - bytes);
  building_->length = static_cast<uint32_t>(std::max(bytes, kLeastFrameBytes));
  building_->flags = 0;
  queue_.commit(own_packets_);
}

bool LocalHost::may_reply(uint64_t now) {
  constexpr uint64_t kEachNs = 1'000'000'000 / kRepliesPerSecond;
  constexpr uint64_t kMostNs = kEachNs * kReplyBurst;
  if (now > kMostNs && reply_credit_ns_ < now - kMostNs) reply_credit_ns_ = now - kMostNs;
  if (reply_credit_ns_ >= now) return false;
  reply_credit_ns_ += kEachNs;
  return true;
}

/// xorshift64*: delays only have to differ between hosts.
uint64_t LocalHost::random() {
  random_state_ ^= random_state_ >> 12;
  random_state_ ^= random_state_ << 25;
  random_state_ ^= random_state_ >> 27;
  return random_state_ * 0x2545f4914f6cdd1du >> 16;
}

std::optional<DropReason> LocalHost::take(std::span<const uint8_t> frame, DropReason reason, uint64_t now) {
  if (frame.size() < kEthernetBytes) return reason;
  // IEEE 802.3 clause 3.2.3: of the individual addresses, a station takes its own.
  const MacAddress destination = mac_at(frame.data());
  if (!is_group(destination) && destination != mac_) return DropReason::not_for_us;
  // We sent it ourselves, and a switch or a loop brought it back.
  if (mac_at(frame.data() + 6) == mac_) return DropReason::not_for_us;
  if (load_be16(frame.data() + 12) == kEtherTypeArp) return take_arp(frame, now);
  return reason == DropReason::not_ip ? reason : take_ip(frame, reason, now);
}

std::optional<DropReason> LocalHost::take_arp(std::span<const uint8_t> frame, uint64_t now) {
  ArpPacket arp;
  if (const auto bad = parse_arp(frame, arp)) return bad;
  if (host_->addresses.owns(arp.sender)) {
    // RFC 5227 section 2.4 (b): another host uses our address; it is told once in a while that it is ours.
    if (now >= next_defence_ns_ && may_reply(now)) {
      next_defence_ns_ = now + kDefendIntervalNs;
      announce(arp.sender);
    }
    return std::nullopt;
  }
  if (!host_->addresses.owns(arp.target)) return std::nullopt;
  host_->neighbours.learn(arp.sender, arp.sender_mac, arp.reply);
  if (arp.reply) return std::nullopt;
  if (!may_reply(now)) return DropReason::control_limit;
  // RFC 826, Packet Reception: swap the fields, put ourselves in, send it back to where it came from. That of
  // a probe (RFC 5227 section 2.1.1) is 0.0.0.0, and answered all the same.
  if (uint8_t* out = buffer(kArpFrameBytes)) {
    ArpPacket reply;
    reply.reply = true;
    reply.sender_mac = mac_;
    reply.sender = arp.target;
    reply.target_mac = arp.sender_mac;
    reply.target = arp.sender;
    send(build_arp(out, arp.sender_mac, reply));
  }
  return std::nullopt;
}

std::optional<DropReason> LocalHost::take_ip(std::span<const uint8_t> frame, DropReason reason,
                                             uint64_t now) {
  IpPacket packet;
  if (const auto bad = parse_ip_packet(frame, packet)) return *bad == DropReason::not_ip ? reason : *bad;
  const bool ours = packet.protocol == kProtocolIcmp || packet.protocol == kProtocolIgmp ||
                    packet.protocol == kProtocolIcmpv6;
  if (!ours) return reason;
  // RFC 3376 section 4.1.12: a query is for us at any address of ours; somebody's report goes to groups that
  // we need not be in.
  if (!accepts(packet.destination)) {
    return is_multicast(packet.destination) ? std::nullopt : std::optional(DropReason::not_for_us);
  }
  // A frame that claims to come from a group is nobody's.
  if (!is_station(packet.source_mac)) return DropReason::bad_control;
  if (packet.protocol == kProtocolIgmp) {
    return packet.destination.is_v4() ? take_igmp(packet, now) : reason;
  }
  return take_icmp(packet, now);
}

std::optional<DropReason> LocalHost::take_icmp(const IpPacket& packet, uint64_t now) {
  IcmpKind kind = IcmpKind::other;
  if (const auto bad = parse_icmp(packet, kind)) return bad;
  switch (kind) {
    case IcmpKind::other:
      return std::nullopt;
    case IcmpKind::neighbour_solicitation:
      return take_solicitation(packet, now);
    case IcmpKind::neighbour_advertisement:
      return take_advertisement(packet);
    case IcmpKind::mld_query: {
      GroupQuery query;
      if (const auto bad = parse_mld_query(packet, query)) return bad;
      host_->groups_v6.query(query, now, random());
      return std::nullopt;
    }
    case IcmpKind::echo_request:
      break;
  }
  // RFC 1122 section 3.2.2.6: requests to groups and broadcast addresses may be discarded silently, and
  // section 3.2.2: nothing is said to an address that is not one host's.
  const HostAddresses& own = host_->addresses;
  if (!own.owns(packet.destination) || !own.is_unicast(packet.source) || own.owns(packet.source)) {
    return std::nullopt;
  }
  if (!may_reply(now)) return DropReason::control_limit;
  if (uint8_t* out = buffer(echo_reply_bytes(packet))) send(build_echo_reply(out, mac_, packet));
  return std::nullopt;
}

std::optional<DropReason> LocalHost::take_solicitation(const IpPacket& packet, uint64_t now) {
  NeighbourMessage message;
  if (const auto bad = parse_neighbour_message(packet, message)) return bad;
  const HostAddresses& own = host_->addresses;
  if (!own.owns(message.target) || own.owns(packet.source)) return std::nullopt;
  const bool probe = is_unspecified(packet.source);
  const MacAddress asker = message.link_address.value_or(packet.source_mac);
  if (!probe && message.link_address) host_->neighbours.learn(packet.source, asker, false);
  if (!may_reply(now)) return DropReason::control_limit;
  // RFC 4861 section 7.2.4: a probe for a duplicate address is answered to all nodes.
  const IpAddress to = probe ? all_nodes_group() : packet.source;
  if (uint8_t* out = buffer(kNeighbourFrameBytes)) {
    send(build_neighbour_advertisement(out, mac_, message.target, to, probe ? multicast_mac(to) : asker));
  }
  return std::nullopt;
}

std::optional<DropReason> LocalHost::take_advertisement(const IpPacket& packet) {
  NeighbourMessage message;
  if (const auto bad = parse_neighbour_message(packet, message)) return bad;
  // Only what answers us is believed: solicited, and so to an address of ours.
  if (!message.solicited || !host_->addresses.owns(packet.destination)) return std::nullopt;
  // RFC 4861 section 7.2.5: without a link-layer address it cannot complete an entry, but confirm one.
  if (message.link_address) {
    host_->neighbours.learn(message.target, *message.link_address, true);
  } else {
    host_->neighbours.confirm(message.target);
  }
  return std::nullopt;
}

std::optional<DropReason> LocalHost::take_igmp(const IpPacket& packet, uint64_t now) {
  bool is_query = false;
  GroupQuery query;
  if (const auto bad = parse_igmp(packet, is_query, query)) return bad;
  if (is_query) host_->groups_v4.query(query, now, random());
  return std::nullopt;
}

void LocalHost::announce() {
  for (const IpPrefix& own : host_->addresses.own()) announce(own.address);
}

/// RFC 5227 section 2.3 (a request for the address by itself), RFC 4861 section 7.2.6.
void LocalHost::announce(const IpAddress& own) {
  if (own.is_v4()) {
    uint8_t* out = buffer(kArpFrameBytes);
    if (out == nullptr) return;
    ArpPacket arp;
    arp.sender_mac = mac_;
    arp.sender = arp.target = own;
    send(build_arp(out, kBroadcastMac, arp));
  } else if (uint8_t* out = buffer(kNeighbourFrameBytes)) {
    const IpAddress all = all_nodes_group();
    send(build_neighbour_advertisement(out, mac_, own, all, multicast_mac(all)));
  }
}

void LocalHost::ask(const IpAddress& target, const MacAddress* known) {
  const IpAddress* source = host_->addresses.source_for(target);
  if (source == nullptr) return;
  if (!target.is_v4()) {
    if (uint8_t* out = buffer(kNeighbourFrameBytes))
      send(build_neighbour_solicitation(out, mac_, *source, target, known));
  } else if (uint8_t* out = buffer(kArpFrameBytes)) {
    ArpPacket arp;
    arp.sender_mac = mac_;
    arp.sender = *source;
    arp.target = target;
    // RFC 1122 section 2.3.2.1 (2): a station that is known is asked itself.
    send(build_arp(out, known != nullptr ? *known : kBroadcastMac, arp));
  }
}

void LocalHost::report_igmp(std::span<const IpAddress> groups, Membership membership, uint64_t now) {
  const IpAddress* own = host_->addresses.source_for(groups[0]);
  const IpAddress source = own != nullptr ? *own : IpAddress::v4(0);  // RFC 3376 section 4.2.13
  const uint8_t version = host_->groups_v4.version(now);
  if (version < 3) {
    for (const IpAddress& group : groups) {
      uint8_t* out = buffer(kLeastFrameBytes);
      if (out == nullptr) return;
      // A buffer that is not committed is given again.
      if (const size_t bytes = build_old_igmp_message(out, mac_, source, group, membership, version))
        send(bytes);
    }
    return;
  }
  while (!groups.empty()) {
    const auto some = groups.first(std::min(groups.size(), igmp_groups_per_report(kControlFrameBytes)));
    uint8_t* out = buffer(kControlFrameBytes);
    if (out == nullptr) return;
    send(build_igmp_report(out, mac_, source, some, membership));
    groups = groups.subspan(some.size());
  }
}

void LocalHost::report_mld(std::span<const IpAddress> groups, Membership membership, uint64_t now) {
  const IpAddress* source = host_->addresses.link_local();
  if (source == nullptr) return;
  const bool old = host_->groups_v6.version(now) < 2;
  while (!groups.empty()) {
    const auto some =
        groups.first(old ? 1 : std::min(groups.size(), mld_groups_per_report(kControlFrameBytes)));
    uint8_t* out = buffer(kControlFrameBytes);
    if (out == nullptr) return;
    send(old ? build_old_mld_message(out, mac_, *source, some[0], membership)
             : build_mld_report(out, mac_, *source, some, membership));
    groups = groups.subspan(some.size());
  }
}

void LocalHost::tick(uint64_t now) {
  if (!drives_ || now < next_tick_ns()) return;
  last_look_ns_ = now;
  if (announcements_left_ > 0 && now >= next_announcement_ns_) {
    announce();
    --announcements_left_;
    next_announcement_ns_ = now + kAnnounceIntervalNs;
  }
  host_->groups_v4.tick(now, [&](auto groups, Membership m) { report_igmp(groups, m, now); });
  host_->groups_v6.tick(now, [&](auto groups, Membership m) { report_mld(groups, m, now); });
  if (host_->neighbours.due(now)) {
    host_->neighbours.tick(now,
                           [&](const IpAddress& target, const MacAddress* known) { ask(target, known); });
  }
  queue_.flush();
}

uint64_t LocalHost::next_tick_ns() const {
  if (!drives_) return UINT64_MAX;
  uint64_t next = announcements_left_ > 0 ? next_announcement_ns_ : UINT64_MAX;
  next = std::min({next, host_->groups_v4.next_tick_ns(), host_->groups_v6.next_tick_ns(),
                   host_->neighbours.next_tick_ns()});
  return shared_ ? std::min(next, last_look_ns_ + kSharedLookNs) : next;
}

void LocalHost::finish(uint64_t now) {
  if (!drives_) return;
  host_->groups_v4.leave([&](auto groups, Membership m) { report_igmp(groups, m, now); });
  host_->groups_v6.leave([&](auto groups, Membership m) { report_mld(groups, m, now); });
}

}  // namespace onpath
