// Samples that are being assembled, in a fixed pool: kept in the order of their opening (and so of
// deadlines), by stream, and by source, so that it can be said who gives way when the pool is full. Hot path:
// no allocation, no lock, no system call.
#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/stream_table.h"

namespace onpath {

/// What the pool keeps of every open sample.
struct OpenEntry {
  uint32_t timestamp = 0;
  uint32_t stream = kNone;  // into the stream table
  uint64_t ended = 0;       // how many samples have ended in this place: another number, another sample
  uint32_t next_of_stream = kNone;
  uint32_t older = kNone, newer = kNone;
};

/// `Sample` is an OpenEntry.
template <class Sample>
class OpenPool {
 public:
  bool full() const { return free_count_ == 0; }
  bool none_open() const { return oldest_ == kNone; }
  /// The sample that was opened first, or null.
  Sample* oldest() { return oldest_ == kNone ? nullptr : &samples_[oldest_]; }
  /// The open sample of a stream with this timestamp, or null.
  Sample* find(const Stream& stream, uint32_t timestamp) {
    for (uint32_t index = stream.open_head; index != kNone;) {
      Sample& sample = samples_[index];
      if (sample.timestamp == timestamp) return &sample;
      index = sample.next_of_stream;
    }
    return nullptr;
  }

  /// The sample that gives way to a new one of this source; null: none does. See fair_share.h.
  Sample* victim(const StreamTable& streams, uint32_t source, bool only_unfair) {
    return victim(streams, source, only_unfair, [](const Sample&) { return true; });
  }
  /// The same among the samples that `helps(sample)`.
  template <class Helps>
  Sample* victim(const StreamTable& streams, uint32_t source, bool only_unfair, Helps helps) {
    const uint32_t index = shares_.victim(source, streams.class_of(source), only_unfair,
                                          [&](uint32_t at) { return helps(samples_[at]); });
    return index == kNone ? nullptr : &samples_[index];
  }
  uint32_t held_by(uint32_t source) const { return shares_.held_by(source); }

  /// Only if not full. The newest from now on.
  Sample& open(uint32_t timestamp, Stream& stream, StreamTable& streams) {
    const uint32_t index = free_[--free_count_];
    Sample& sample = samples_[index];
    sample.timestamp = timestamp;
    sample.stream = streams.index_of(stream);
    sample.older = newest_;
    sample.newer = kNone;
    (newest_ == kNone ? oldest_ : samples_[newest_].newer) = index;
    newest_ = index;
    if (stream.open_samples++ == 0) streams.became_active(stream);
    sample.next_of_stream = stream.open_head;
    stream.open_head = index;
    shares_.set_class(stream.source, streams.sources().class_of(stream.source));
    shares_.take(index, stream.source);
    return sample;
  }
  /// Its stream remembers that the sample is over, its source how it ended.
  void close(Sample& sample, StreamTable& streams, bool complete) {
    Stream& stream = streams.at(sample.stream);
    const uint32_t index = index_of(sample);
    uint32_t* link = &stream.open_head;
    while (*link != index) link = &samples_[*link].next_of_stream;
    *link = sample.next_of_stream;
    stream.closed.add(sample.timestamp);
    if (--stream.open_samples == 0) streams.became_idle(stream);
    ++sample.ended;
    shares_.give_back(index);
    shares_.set_class(stream.source, streams.sample_ended(stream.source, complete));
    (sample.older == kNone ? oldest_ : samples_[sample.older].newer) = sample.newer;
    (sample.newer == kNone ? newest_ : samples_[sample.newer].older) = sample.older;
    free_[free_count_++] = index;
  }

  uint32_t index_of(const Sample& sample) const { return static_cast<uint32_t>(&sample - samples_.data()); }
  Sample& at(uint32_t index) { return samples_[index]; }
  uint32_t capacity() const { return static_cast<uint32_t>(samples_.size()); }

 protected:
  /// `sources`: places in the table of sources.
  OpenPool(uint32_t count, uint32_t sources) : samples_(count), free_count_(count), shares_(count, sources) {
    for (uint32_t i = 0; i < count; ++i) free_.push_back(count - 1 - i);
  }

 private:
  std::vector<Sample> samples_;
  std::vector<uint32_t> free_;  // a stack: the state used last is the one in the caches
  uint32_t free_count_ = 0;
  uint32_t oldest_ = kNone, newest_ = kNone;
  FairShare shares_;
};

}  // namespace onpath
