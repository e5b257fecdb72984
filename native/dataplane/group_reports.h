// When to say which multicast groups are joined, of one IP version on one port: at the start, and in answer
// to queries after a random delay. Any worker takes queries; one of them reports.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "wire/group_message.h"

namespace onpath {

class GroupReports {
 public:
  /// A router's changes of membership may be lost: they are said this often, a second apart (RFC 3376 section
  /// 8.11, RFC 3810 section 9.11; once more than their default, for a link that is just coming up).
  static constexpr uint32_t kChanges = 3;
  static constexpr uint64_t kChangeIntervalNs = 1'000'000'000;
  /// Older Version Querier Present Timeout with the default robustness and intervals (RFC 3376 section 8.12,
  /// RFC 3810 section 9.12).
  static constexpr uint64_t kOldQuerierNs = 260'000'000'000;

  /// `newest`: 3 for IGMP, 2 for MLD.
  GroupReports(std::vector<IpAddress> groups, uint8_t newest)
      : groups_(std::move(groups)), due_(groups_.size()), newest_(newest) {
    for (auto& due : due_) due.store(UINT64_MAX, std::memory_order_relaxed);
    if (groups_.empty()) changes_left_ = 0;
  }

  /// Any worker. `random` decides the delay.
  void query(const GroupQuery& query, uint64_t now, uint64_t random);

  /// The version that routers understand now.
  uint8_t version(uint64_t now) const {
    for (uint8_t old = 1; old < newest_; ++old) {
      if (now < old_until_[old].load(std::memory_order_relaxed)) return old;
    }
    return newest_;
  }

  /// One worker from here on. Calls report(groups, membership) for what is due.
  template <class Report>
  void tick(uint64_t now, const Report& report) {
    if (changes_left_ > 0 && now >= next_change_ns_) {
      report(std::span<const IpAddress>(groups_), Membership::joins);
      --changes_left_;
      next_change_ns_ = now + kChangeIntervalNs;
    }
    if (take(all_due_, now)) report(std::span<const IpAddress>(groups_), Membership::member);
    for (size_t i = 0; i < groups_.size(); ++i) {
      if (take(due_[i], now)) report(std::span<const IpAddress>(&groups_[i], 1), Membership::member);
    }
  }
  template <class Report>
  void leave(const Report& report) {
    if (!groups_.empty()) report(std::span<const IpAddress>(groups_), Membership::leaves);
  }
  uint64_t next_tick_ns() const;

 private:
  static bool take(std::atomic<uint64_t>& due, uint64_t now) {
    if (now < due.load(std::memory_order_relaxed)) return false;
    due.store(UINT64_MAX, std::memory_order_relaxed);
    return true;
  }

  const std::vector<IpAddress> groups_;
  std::vector<std::atomic<uint64_t>> due_;  // by group; UINT64_MAX: nothing to answer
  std::atomic<uint64_t> all_due_{UINT64_MAX};
  std::atomic<uint64_t> old_until_[3]{};  // by version
  const uint8_t newest_;
  uint32_t changes_left_ = kChanges;
  uint64_t next_change_ns_ = 0;
};

}  // namespace onpath
