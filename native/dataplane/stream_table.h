// The streams that one route follows on one worker: found by SSRC and source endpoint through a hash with a
// secret seed, bounded, and when full the stream that has been idle longest gives way. Hot path: no
// allocation, no lock, no system call.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>

#include "base/drop_reason.h"
#include "dataplane/closed_timestamps.h"
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
  /// Throws std::bad_alloc.
  StreamTable(uint32_t max_streams, uint64_t seed);

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
  /// True if add() would find room: a free place or an idle stream that gives way.
  bool has_room() const { return used_ < max_streams_ || idle_oldest_ != kNone; }
  /// Only if has_room() and find() gave null. The new stream is idle.
  Stream& add(uint64_t hash, const StreamKey& key);

  /// The stream's first sample was opened, or its last one was closed.
  void became_active(Stream& stream);
  void became_idle(Stream& stream);

  uint32_t index_of(const Stream& stream) const { return static_cast<uint32_t>(&stream - streams_.get()); }
  Stream& at(uint32_t index) { return streams_[index]; }
  uint32_t size() const { return used_; }
  static uint64_t bytes_for(uint32_t max_streams);

 private:
  /// Both halves of the 128-bit product, folded: one multiplication spreads every input bit.
  static uint64_t fold_multiply(uint64_t a, uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  }
  static uint64_t derive(uint64_t seed, uint64_t n);
  void insert(uint32_t index);
  void erase(const Stream& stream);

  const uint32_t max_streams_;
  const uint64_t mask_;
  const uint64_t seed_[4];
  std::unique_ptr<Stream[]> streams_;
  std::unique_ptr<uint32_t[]> buckets_;  // linear probing; kNone is empty
  uint32_t used_ = 0;
  uint32_t idle_oldest_ = kNone, idle_newest_ = kNone;
};

}  // namespace onpath
