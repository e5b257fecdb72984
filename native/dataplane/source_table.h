// The sources that a route follows on one worker: an address, or for IPv6 a network, with what it holds, what
// it may send a second, and its credit. Found through a hash with a secret seed, bounded. A source with
// streams stays; of the others the one heard of longest ago gives way, and hands what was left of its rate to
// the next: so nobody gets a fresh allowance by changing addresses. Hot path: no allocation, no lock, no
// system call.
#pragma once

#include <bit>
#include <cstdint>
#include <memory>

#include "dataplane/source_limits.h"
#include "dataplane/token_bucket.h"
#include "wire/address.h"

namespace onpath {

/// The part of an address that tells sources apart.
struct SourceKey {
  uint64_t high = 0, low = 0;
  bool operator==(const SourceKey&) const = default;
};

struct Source {
  SourceKey key;
  uint64_t hash = 0;
  uint32_t streams = 0;                             // in the stream table
  uint32_t older = UINT32_MAX, newer = UINT32_MAX;  // of those without streams, as they were heard of
  /// Grows with every sample that was completed, shrinks by an eighth with every one that was not.
  uint32_t credit = 0;
  uint64_t last_ns = 0;  // when the buckets were filled last
  TokenBucket packets, bytes;
};

class SourceTable {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr uint32_t kMostCredit = 255;

  /// Throws std::bad_alloc.
  SourceTable(uint32_t max_streams, const SourceLimits& limits, uint64_t seed);
  static uint32_t capacity(uint32_t max_streams, const SourceLimits& limits) {
    return max_streams + limits.tracked_sources;
  }
  static uint64_t bytes_for(uint32_t max_streams, const SourceLimits& limits);

  /// The source of an address; kNone: it is not followed.
  uint32_t find(uint64_t address_high, uint64_t address_low) const;
  /// The same; it is followed from now on. There is room for as many sources as streams, and in a table with
  /// limits for one more.
  uint32_t find_or_add(uint64_t address_high, uint64_t address_low);

  const Source& at(uint32_t index) const { return sources_[index]; }
  /// A stream of the source was added to the stream table, or left it.
  void stream_added(uint32_t index);
  void stream_left(uint32_t index);

  /// A packet of the source came. False: it is beyond the rate, and takes nothing. Only with limits.
  bool take_packet(uint32_t index, uint64_t bytes, uint64_t now) {
    Source& source = sources_[index];
    if (now > source.last_ns) {
      const uint64_t elapsed = now - source.last_ns;
      if (packets_.per_second > 0) source.packets.pass(packets_, elapsed);
      if (bytes_.per_second > 0) source.bytes.pass(bytes_, elapsed);
      source.last_ns = now;
    }
    const bool packets_pass = packets_.per_second == 0 || source.packets.has(1);
    const bool bytes_pass = bytes_.per_second == 0 || source.bytes.has(bytes);
    if (!packets_pass || !bytes_pass) return false;
    if (packets_.per_second > 0) source.packets.take(1);
    if (bytes_.per_second > 0) source.bytes.take(bytes);
    return true;
  }

  /// The packet is held back, and will be offered again.
  void put_back_packet(uint32_t index, uint64_t bytes) {
    if (packets_.per_second > 0) sources_[index].packets.put_back(1);
    if (bytes_.per_second > 0) sources_[index].bytes.put_back(bytes);
  }

  /// A sample of the source has ended.
  void sample_ended(uint32_t index, bool complete) {
    uint32_t& credit = sources_[index].credit;
    if (complete) {
      credit += credit < kMostCredit ? 1 : 0;
    } else {
      credit -= (credit + 7) / 8;
    }
  }
  /// The credit's order of magnitude: 0 for none, else 2 to 9. What has no credit and yet is worth more than
  /// nothing has a class of its own between.
  uint32_t class_of(uint32_t index) const {
    const auto width = static_cast<uint32_t>(std::bit_width(sources_[index].credit));
    return width == 0 ? 0 : width + 1;
  }

 private:
  SourceKey key_of(uint64_t address_high, uint64_t address_low) const;
  uint64_t hash_of(const SourceKey& key) const;
  void insert(uint32_t index);
  void erase(const Source& source);
  void enter_idle(uint32_t index);
  void leave_idle(uint32_t index);

  const TokenBucket::Rate packets_, bytes_;
  const uint32_t capacity_;
  const uint64_t mask_;
  const uint64_t seed_[2];
  uint64_t network_[2];  // mask of IPv6 addresses, as they lie in memory
  std::unique_ptr<Source[]> sources_;
  std::unique_ptr<uint32_t[]> buckets_;  // linear probing; kNone is empty
  uint32_t used_ = 0;
  uint32_t idle_oldest_ = kNone, idle_newest_ = kNone;
};

}  // namespace onpath
