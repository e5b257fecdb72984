#include "dataplane/neighbours.h"

#include <cstring>
#include <string>

#include "base/big_endian.h"

namespace onpath {
namespace {

IpAddress address_of(const std::array<std::atomic<uint64_t>, 2>& halves) {
  IpAddress address;
  for (size_t i = 0; i < 2; ++i) {
    const uint64_t half = halves[i].load(std::memory_order_relaxed);
    std::memcpy(address.bytes.data() + 8 * i, &half, 8);
  }
  return address;
}

}  // namespace

NeighbourWord NeighbourWord::make(const MacAddress& mac, uint64_t generation, State state) {
  uint8_t bytes[8] = {};
  std::copy(mac.begin(), mac.end(), bytes);
  return NeighbourWord(load_be64(bytes) | (generation & 0x1fff) << 3 | state);
}

MacAddress NeighbourWord::mac() const {
  uint8_t bytes[8];
  store_be64(bytes, bits_);
  return mac_at(bytes);
}

bool Neighbour::change(NeighbourWord from, const MacAddress& mac, NeighbourWord::State state) {
  uint64_t expected = from.bits();
  return word_.compare_exchange_strong(expected, NeighbourWord::make(mac, from.generation(), state).bits(),
                                       std::memory_order_acq_rel);
}

bool Neighbour::is_for(const IpAddress& address) const {
  return load(std::memory_order_acquire).state() != NeighbourWord::vacant && address_of(address_) == address;
}

Neighbours::Neighbours(const std::vector<LocalHostConfig::StaticNeighbour>& fixed, uint32_t capacity)
    : entries_(fixed.size() + capacity) {
  for (size_t i = 0; i < fixed.size(); ++i) {
    Neighbour& entry = entries_[i];
    for (size_t half = 0; half < 2; ++half) {
      uint64_t bits;
      std::memcpy(&bits, fixed[i].address.bytes.data() + 8 * half, 8);
      entry.address_[half].store(bits, std::memory_order_relaxed);
    }
    entry.users_ = 1;  // the configuration's
    entry.word_.store(NeighbourWord::make(fixed[i].mac, 0, NeighbourWord::fixed).bits());
  }
}

Result<Neighbour*> Neighbours::want(const IpAddress& address) {
  const std::lock_guard lock(mutex_);
  Neighbour* free = nullptr;
  for (Neighbour& entry : entries_) {
    if (entry.users_ == 0) {
      if (free == nullptr) free = &entry;
    } else if (entry.is_for(address)) {
      ++entry.users_;
      return &entry;
    }
  }
  if (free == nullptr) {
    return Error{ErrorCode::LIMIT_EXCEEDED, "The port follows as many neighbours as it was started for (" +
                                                std::to_string(entries_.size()) + "). Close a sender first."};
  }
  for (size_t half = 0; half < 2; ++half) {
    uint64_t bits;
    std::memcpy(&bits, address.bytes.data() + 8 * half, 8);
    free->address_[half].store(bits, std::memory_order_relaxed);
  }
  free->users_ = 1;
  const uint64_t generation = free->load().generation() + 1;
  free->word_.store(NeighbourWord::make({}, generation, NeighbourWord::unresolved).bits(),
                    std::memory_order_release);
  changes_.fetch_add(1, std::memory_order_release);
  return free;
}

void Neighbours::unwant(Neighbour& neighbour) {
  const std::lock_guard lock(mutex_);
  if (--neighbour.users_ > 0) return;
  const uint64_t generation = neighbour.load().generation();
  neighbour.word_.store(NeighbourWord::make({}, generation, NeighbourWord::vacant).bits(),
                        std::memory_order_release);
}

void Neighbours::learn(const IpAddress& address, const MacAddress& mac, bool answer) {
  if (!is_station(mac)) return;
  for (Neighbour& entry : entries_) {
    // The word before the address: a change in between makes the exchange fail.
    const NeighbourWord word = entry.load(std::memory_order_acquire);
    if (word.state() == NeighbourWord::vacant || address_of(entry.address_) != address) continue;
    const bool asked = word.state() == NeighbourWord::unresolved || word.state() == NeighbourWord::probing;
    // Nobody moves a neighbour that is where we know it to be, and only an answer moves one that we ask.
    const bool moves = word.resolved() && word.mac() != mac;
    if (asked && (answer || !moves)) entry.change(word, mac, NeighbourWord::reachable);
    return;
  }
}

void Neighbours::confirm(const IpAddress& address) {
  for (Neighbour& entry : entries_) {
    const NeighbourWord word = entry.load(std::memory_order_acquire);
    if (word.state() == NeighbourWord::vacant || address_of(entry.address_) != address) continue;
    if (word.state() == NeighbourWord::probing) entry.change(word, word.mac(), NeighbourWord::reachable);
    return;
  }
}

Neighbours::Question Neighbours::advance(Neighbour& entry, uint64_t now, IpAddress& address,
                                         MacAddress& mac) {
  const NeighbourWord word = entry.load(std::memory_order_acquire);
  const NeighbourWord::State state = word.state();
  if (state == NeighbourWord::vacant || state == NeighbourWord::fixed) {
    entry.next_ns_ = UINT64_MAX;
    return Question::none;
  }
  if (word.generation() != entry.seen_generation_) {
    entry.seen_generation_ = word.generation();
    entry.seen_state_ = NeighbourWord::vacant;
  }
  if (state != entry.seen_state_) {
    entry.seen_state_ = state;
    entry.next_ns_ = state == NeighbourWord::reachable ? now + kConfirmNs : now;
  }
  if (now < entry.next_ns_) return Question::none;

  address = address_of(entry.address_);
  mac = word.mac();
  entry.next_ns_ = now + kRetryNs;
  if (state == NeighbourWord::reachable) {
    entry.probes_ = 0;
    if (!entry.change(word, mac, NeighbourWord::probing)) return Question::none;
    entry.seen_state_ = NeighbourWord::probing;
  }
  if (state == NeighbourWord::unresolved) return Question::everybody;
  if (entry.probes_++ < kProbes) return Question::station;
  // It answers no more: what is sent there is lost, and says so.
  if (!entry.change(word, {}, NeighbourWord::unresolved)) return Question::none;
  entry.seen_state_ = NeighbourWord::unresolved;
  return Question::everybody;
}

}  // namespace onpath
