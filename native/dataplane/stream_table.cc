#include "dataplane/stream_table.h"

#include <algorithm>
#include <bit>

namespace onpath {
StreamTable::StreamTable(uint32_t max_streams, uint64_t seed, const SourceLimits& limits, uint64_t restart_ns)
    : max_streams_(max_streams),
      mask_(bucket_count(max_streams) - 1),
      seed_{derive_seed(seed, 1), derive_seed(seed, 2), derive_seed(seed, 3), derive_seed(seed, 4)},
      tracks_(limits.any()),
      most_of_source_(limits.streams),
      restart_ns_(restart_ns),
      sources_(max_streams, limits, derive_seed(seed, 5)),
      idle_(max_streams, SourceTable::capacity(max_streams, limits)),
      streams_(std::make_unique<Stream[]>(max_streams)),
      buckets_(std::make_unique<uint32_t[]>(mask_ + 1)) {
  std::fill_n(buckets_.get(), mask_ + 1, kNone);
}

uint64_t StreamTable::bytes_for(uint32_t max_streams, const SourceLimits& limits) {
  return uint64_t{max_streams} * sizeof(Stream) + bucket_count(max_streams) * sizeof(uint32_t) +
         SourceTable::bytes_for(max_streams, limits) +
         FairShare::bytes_for(max_streams, SourceTable::capacity(max_streams, limits));
}

/// The idle stream that gives way to a new one; kNone: none does.
uint32_t StreamTable::victim(uint32_t source, uint64_t now) const {
  if (at_limit(source)) return idle_.oldest_of(source);
  if (used_ < max_streams_) return kNone;
  const uint32_t index = idle_.victim(source, class_of(source), false);
  if (index != kNone || idle_oldest_ == kNone) return index;
  if (class_of(source) > 0 || of_new_sources_ * uint64_t{2} < max_streams_)
    return idle_.victim(source, FairShare::kClasses - 1, false);
  // Its timestamps count no more: whoever comes may have its place.
  const uint64_t last_used_ns = streams_[idle_oldest_].last_used_ns;
  return now > last_used_ns && now - last_used_ns > restart_ns_ ? idle_oldest_ : kNone;
}

Stream& StreamTable::add(uint64_t hash, const StreamKey& key, uint64_t now) {
  const uint32_t known = sources_.find(key.address_high, key.address_low);
  uint32_t index = victim(known, now);
  if (index == kNone) {
    index = used_++;
  } else {
    became_active(streams_[index]);  // off the idle list
    erase(streams_[index]);
    const uint32_t left = streams_[index].source;
    sources_.stream_left(left);
    of_new_sources_ -= sources_.class_of(left) == 0 ? 1 : 0;
  }
  const uint32_t source = known != kNone ? known : sources_.find_or_add(key.address_high, key.address_low);
  sources_.stream_added(source);
  of_new_sources_ += sources_.class_of(source) == 0 ? 1 : 0;
  idle_.set_class(source, sources_.class_of(source));
  Stream& stream = streams_[index];
  stream.source = source;
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
  insert_into_buckets(buckets_.get(), mask_, streams_[index].hash, index, kNone);
}

void StreamTable::erase(const Stream& stream) {
  erase_from_buckets(buckets_.get(), mask_, index_of(stream), kNone,
                     [this](uint32_t entry) { return streams_[entry].hash; });
}

void StreamTable::became_active(Stream& stream) {
  (stream.idle_older == kNone ? idle_oldest_ : streams_[stream.idle_older].idle_newer) = stream.idle_newer;
  (stream.idle_newer == kNone ? idle_newest_ : streams_[stream.idle_newer].idle_older) = stream.idle_older;
  stream.idle_older = stream.idle_newer = kNone;
  idle_.give_back(index_of(stream));
}

void StreamTable::became_idle(Stream& stream) {
  const uint32_t index = index_of(stream);
  stream.idle_older = idle_newest_;
  stream.idle_newer = kNone;
  (idle_newest_ == kNone ? idle_oldest_ : streams_[idle_newest_].idle_newer) = index;
  idle_newest_ = index;
  idle_.take(index, stream.source);
}

}  // namespace onpath
