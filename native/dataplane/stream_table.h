// The streams that one route follows on one worker: found by SSRC and source endpoint through a hash with a
// secret seed, bounded. When full, an idle one gives way by the rules of fair_share.h: a flood of new SSRCs
// pushes out those of its own source. Where these refuse a source without credit, it still may take the place
// of a stream whose closed timestamps count no more, or of any idle one while sources without credit have
// less than half of the table: new senders must get in, made-up ones must not push out the rest. Hot path: no
// allocation, no lock, no system call.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>

#include "base/drop_reason.h"
#include "dataplane/closed_timestamps.h"
#include "dataplane/fair_share.h"
#include "dataplane/secret_hash.h"
#include "dataplane/source_table.h"
#include "wire/address.h"

namespace onpath {

inline constexpr uint32_t kNone = UINT32_MAX;

/// SSRC, source address and UDP port as three words: compared and hashed without a call.
struct StreamKey {
  uint64_t address_high = 0;
  uint64_t address_low = 0;
  uint64_t rest = 0;

  StreamKey() = default;
  StreamKey(uint32_t ssrc, const Endpoint& source) : rest(uint64_t{ssrc} << 16 | source.port) {
    std::memcpy(&address_high, source.address.bytes.data(), 8);
    std::memcpy(&address_low, source.address.bytes.data() + 8, 8);
  }
  bool operator==(const StreamKey&) const = default;
  uint32_t ssrc() const { return static_cast<uint32_t>(rest >> 16); }
  Endpoint source() const {
    Endpoint endpoint;
    std::memcpy(endpoint.address.bytes.data(), &address_high, 8);
    std::memcpy(endpoint.address.bytes.data() + 8, &address_low, 8);
    endpoint.port = static_cast<uint16_t>(rest);
    return endpoint;
  }
};

/// One sender-side source as this route sees it.
struct Stream {
  StreamKey key;
  uint32_t open_samples = 0;
  uint32_t open_head = kNone;  // into the sample pool: the sample opened last
  uint32_t idle_older = kNone,
           idle_newer = kNone;  // streams without open samples, in the order they fell idle
  uint32_t source = kNone;      // into the table of sources
  uint64_t hash = 0;
  uint64_t last_used_ns = 0;  // last packet that brought new bytes
  uint32_t forward_ssrc = 0;  // of its results, if they are forwarded
  uint32_t forward_sequence = 0;
  ClosedTimestamps closed;
  // The sample that was refused last: packets of it that come when there is room again must not open half of
  // it.
  bool refused = false;
  DropReason refused_reason = DropReason::no_slot;
  uint32_t refused_timestamp = 0;

  /// Why no sample with this timestamp can be opened. A stream that brought nothing new for `restart_ns` may
  /// be a sender that started again: then it is forgotten which samples are over.
  std::optional<DropReason> refusal(uint32_t timestamp, uint64_t now, uint64_t restart_ns) {
    if (open_samples == 0 && now - last_used_ns > restart_ns) {
      closed.clear();
      refused = false;
    }
    if (closed.contains(timestamp)) return DropReason::late;
    if (refused && refused_timestamp == timestamp) return refused_reason;
    return std::nullopt;
  }
  void refuse(uint32_t timestamp, DropReason reason) {
    refused = true;
    refused_reason = reason;
    refused_timestamp = timestamp;
  }
};

class StreamTable {
 public:
  /// A stream that brought nothing new for `restart_ns` may be forgotten. Throws std::bad_alloc.
  StreamTable(uint32_t max_streams, uint64_t seed, const SourceLimits& limits = {},
              uint64_t restart_ns = UINT64_MAX);

  uint64_t hash(const StreamKey& key) const {
    const uint64_t address = fold_multiply(key.address_high ^ seed_[0], key.address_low ^ seed_[1]);
    return fold_multiply(address ^ seed_[2], key.rest ^ seed_[3]);
  }
  Stream* find(uint64_t hash, const StreamKey& key) {
    for (uint64_t at = hash & mask_;; at = (at + 1) & mask_) {
      const uint32_t index = buckets_[at];
      if (index == kNone) return nullptr;
      Stream& stream = streams_[index];
      if (stream.hash == hash && stream.key == key) return &stream;
    }
  }
  /// The source of a stream that is not followed, or kNone if that is not followed either. Where sources have
  /// limits it is followed from now on.
  uint32_t source_of(const StreamKey& key) {
    return tracks_ ? sources_.find_or_add(key.address_high, key.address_low)
                   : sources_.find(key.address_high, key.address_low);
  }
  /// True if there is a free place or an idle stream.
  bool has_room() const { return used_ < max_streams_ || idle_oldest_ != kNone; }
  /// Whether a new stream of this source finds its place. Only if has_room().
  bool may_add(uint32_t source, uint64_t now) const {
    return used_ < max_streams_ ? !at_limit(source) || idle_.oldest_of(source) != kNone
                                : victim(source, now) != kNone;
  }
  /// Only if find() gave null and may_add() said yes. The new stream is idle.
  Stream& add(uint64_t hash, const StreamKey& key, uint64_t now = 0);

  /// The stream's first sample was opened, or its last one was closed.
  void became_active(Stream& stream);
  void became_idle(Stream& stream);

  SourceTable& sources() { return sources_; }
  uint32_t class_of(uint32_t source) const { return source == kNone ? 0 : sources_.class_of(source); }
  /// A sample of the source has ended; its class now.
  uint32_t sample_ended(uint32_t source, bool complete) {
    const bool was_new = sources_.class_of(source) == 0;
    sources_.sample_ended(source, complete);
    const uint32_t its_class = sources_.class_of(source);
    if (was_new && its_class > 0) of_new_sources_ -= sources_.at(source).streams;
    if (!was_new && its_class == 0) of_new_sources_ += sources_.at(source).streams;
    idle_.set_class(source, its_class);
    return its_class;
  }

  uint32_t index_of(const Stream& stream) const { return static_cast<uint32_t>(&stream - streams_.get()); }
  Stream& at(uint32_t index) { return streams_[index]; }
  uint32_t size() const { return used_; }
  static uint64_t bytes_for(uint32_t max_streams, const SourceLimits& limits = {});

 private:
  bool at_limit(uint32_t source) const {
    return most_of_source_ > 0 && source != kNone && sources_.at(source).streams >= most_of_source_;
  }
  uint32_t victim(uint32_t source, uint64_t now) const;
  void insert(uint32_t index);
  void erase(const Stream& stream);

  const uint32_t max_streams_;
  const uint64_t mask_;
  const uint64_t seed_[4];
  const bool tracks_;              // sources without streams, too
  const uint32_t most_of_source_;  // streams; 0: no limit
  const uint64_t restart_ns_;
  SourceTable sources_;
  FairShare idle_;  // streams without open samples
  std::unique_ptr<Stream[]> streams_;
  std::unique_ptr<uint32_t[]> buckets_;  // linear probing; kNone is empty
  uint32_t used_ = 0;
  uint32_t of_new_sources_ = 0;  // streams whose sources have no credit
  uint32_t idle_oldest_ = kNone, idle_newest_ = kNone;
};

}  // namespace onpath
