#include "dataplane/stream_table.h"

#include <algorithm>
#include <bit>

namespace onpath {
namespace {

uint64_t bucket_count(uint32_t max_streams) { return std::bit_ceil(uint64_t{max_streams} * 2 + 2); }

}  // namespace

/// Grows one seed into several; odd, so that no word multiplies everything by zero.
uint64_t StreamTable::derive(uint64_t seed, uint64_t n) {
  return fold_multiply(seed + n * 0xd1b54a32d192ed03u, 0xaef17502108ef2d9u ^ n) | 1;
}

StreamTable::StreamTable(uint32_t max_streams, uint64_t seed)
    : max_streams_(max_streams),
      mask_(bucket_count(max_streams) - 1),
      seed_{derive(seed, 1), derive(seed, 2), derive(seed, 3), derive(seed, 4)},
      streams_(std::make_unique<Stream[]>(max_streams)),
      buckets_(std::make_unique<uint32_t[]>(mask_ + 1)) {
  std::fill_n(buckets_.get(), mask_ + 1, kNone);
}

uint64_t StreamTable::bytes_for(uint32_t max_streams) {
  return uint64_t{max_streams} * sizeof(Stream) + bucket_count(max_streams) * sizeof(uint32_t);
}

Stream& StreamTable::add(uint64_t hash, const StreamKey& key) {
  uint32_t index = used_;
  if (used_ < max_streams_) {
    ++used_;
  } else {
    index = idle_oldest_;
    became_active(streams_[index]);  // off the idle list
    erase(streams_[index]);
  }
  Stream& stream = streams_[index];
  stream.key = key;
  stream.hash = hash;
  stream.open_samples = 0;
  stream.open_head = kNone;
  stream.last_used_ns = 0;
  stream.forward_ssrc = 0;
  stream.forward_sequence = 0;
  stream.closed.clear();
  stream.refused = false;
  insert(index);
  became_idle(stream);
  return stream;
}

void StreamTable::insert(uint32_t index) {
  uint64_t at = streams_[index].hash & mask_;
  while (buckets_[at] != kNone) at = (at + 1) & mask_;
  buckets_[at] = index;
}

void StreamTable::erase(const Stream& stream) {
  const uint32_t index = index_of(stream);
  uint64_t hole = stream.hash & mask_;
  while (buckets_[hole] != index) hole = (hole + 1) & mask_;
  // Close the gap: an entry moves back unless that would put it in front of its home bucket.
  for (uint64_t at = (hole + 1) & mask_; buckets_[at] != kNone; at = (at + 1) & mask_) {
    const uint64_t home = streams_[buckets_[at]].hash & mask_;
    if (((at - home) & mask_) >= ((at - hole) & mask_)) {
      buckets_[hole] = buckets_[at];
      hole = at;
    }
  }
  buckets_[hole] = kNone;
}

void StreamTable::became_active(Stream& stream) {
  (stream.idle_older == kNone ? idle_oldest_ : streams_[stream.idle_older].idle_newer) = stream.idle_newer;
  (stream.idle_newer == kNone ? idle_newest_ : streams_[stream.idle_newer].idle_older) = stream.idle_older;
  stream.idle_older = stream.idle_newer = kNone;
}

void StreamTable::became_idle(Stream& stream) {
  const uint32_t index = index_of(stream);
  stream.idle_older = idle_newest_;
  stream.idle_newer = kNone;
  (idle_newest_ == kNone ? idle_oldest_ : streams_[idle_newest_].idle_newer) = index;
  idle_newest_ = index;
}

}  // namespace onpath
