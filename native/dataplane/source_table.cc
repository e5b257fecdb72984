#include "dataplane/source_table.h"

#include <algorithm>
#include <cstring>

#include "dataplane/secret_hash.h"

namespace onpath {
namespace {

constexpr uint64_t kGreatestPacket = 65536;
constexpr unsigned kAddressBits = 128;

/// The second word of ::ffff:0:0 under a mask that leaves out the IPv4 address.
bool is_v4(uint64_t high, uint64_t low) {
  uint8_t bytes[8];
  std::memcpy(bytes, &low, sizeof bytes);
  return high == 0 && bytes[0] == 0 && bytes[1] == 0 && bytes[2] == 0xff && bytes[3] == 0xff;
}

}  // namespace

SourceTable::SourceTable(uint32_t max_streams, const SourceLimits& limits, uint64_t seed)
    : packets_{limits.packets_per_second, 1},
      bytes_{limits.bytes_per_second, kGreatestPacket},
      capacity_(capacity(max_streams, limits)),
      mask_(bucket_count(capacity_) - 1),
      seed_{derive_seed(seed, 1), derive_seed(seed, 2)},
      sources_(std::make_unique<Source[]>(capacity_)),
      buckets_(std::make_unique<uint32_t[]>(mask_ + 1)) {
  uint8_t mask[kAddressBits / 8] = {};
  for (unsigned bit = 0; bit < limits.prefix_bits && bit < kAddressBits; ++bit)
    mask[bit / 8] = static_cast<uint8_t>(mask[bit / 8] | 0x80u >> bit % 8);
  std::memcpy(network_, mask, sizeof network_);
  std::fill_n(buckets_.get(), mask_ + 1, kNone);
}

uint64_t SourceTable::bytes_for(uint32_t max_streams, const SourceLimits& limits) {
  const uint32_t count = capacity(max_streams, limits);
  return uint64_t{count} * sizeof(Source) + bucket_count(count) * sizeof(uint32_t);
}

SourceKey SourceTable::key_of(uint64_t address_high, uint64_t address_low) const {
  if (is_v4(address_high, address_low)) return {address_high, address_low};
  return {address_high & network_[0], address_low & network_[1]};
}

uint64_t SourceTable::hash_of(const SourceKey& key) const {
  return fold_multiply(fold_multiply(key.high ^ seed_[0], key.low ^ seed_[1]), seed_[0]);
}

uint32_t SourceTable::find(uint64_t address_high, uint64_t address_low) const {
  const SourceKey key = key_of(address_high, address_low);
  for (uint64_t at = hash_of(key) & mask_;; at = (at + 1) & mask_) {
    const uint32_t index = buckets_[at];
    if (index == kNone || sources_[index].key == key) return index;
  }
}

uint32_t SourceTable::find_or_add(uint64_t address_high, uint64_t address_low) {
  uint32_t index = find(address_high, address_low);
  if (index != kNone) {
    if (sources_[index].streams == 0) {  // heard of now
      leave_idle(index);
      enter_idle(index);
    }
    return index;
  }
  const bool fresh = used_ < capacity_;
  index = fresh ? used_++ : idle_oldest_;
  Source& source = sources_[index];
  if (fresh) {
    source.packets.fill(packets_);
    source.bytes.fill(bytes_);
  } else {
    leave_idle(index);
    erase(source);
  }
  source.key = key_of(address_high, address_low);
  source.hash = hash_of(source.key);
  source.credit = 0;
  insert(index);
  enter_idle(index);
  return index;
}

void SourceTable::stream_added(uint32_t index) {
  if (sources_[index].streams++ == 0) leave_idle(index);
}

void SourceTable::stream_left(uint32_t index) {
  if (--sources_[index].streams == 0) enter_idle(index);
}

void SourceTable::insert(uint32_t index) {
  insert_into_buckets(buckets_.get(), mask_, sources_[index].hash, index, kNone);
}

void SourceTable::erase(const Source& source) {
  erase_from_buckets(buckets_.get(), mask_, static_cast<uint32_t>(&source - sources_.get()), kNone,
                     [this](uint32_t entry) { return sources_[entry].hash; });
}

void SourceTable::enter_idle(uint32_t index) {
  Source& source = sources_[index];
  source.older = idle_newest_;
  source.newer = kNone;
  (idle_newest_ == kNone ? idle_oldest_ : sources_[idle_newest_].newer) = index;
  idle_newest_ = index;
}

void SourceTable::leave_idle(uint32_t index) {
  const Source& source = sources_[index];
  (source.older == kNone ? idle_oldest_ : sources_[source.older].newer) = source.newer;
  (source.newer == kNone ? idle_newest_ : sources_[source.newer].older) = source.older;
}

}  // namespace onpath
