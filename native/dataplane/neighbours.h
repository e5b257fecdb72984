// The next hops that are wanted on one port, and where each is: a fixed table that the control path adds to
// while workers read. Each neighbour is one atomic word, which the data path loads. Nobody on the wire can
// make an entry: what is not wanted is not learned.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

#include "base/result.h"
#include "dataplane/config.h"
#include "wire/mac.h"

namespace onpath {

/// The MAC address, a generation (which use of the entry this is) and the state, in 48, 13 and 3 bits.
class NeighbourWord {
 public:
  enum State : uint64_t { vacant, unresolved, reachable, probing, fixed };

  constexpr explicit NeighbourWord(uint64_t bits = 0) : bits_(bits) {}
  static NeighbourWord make(const MacAddress& mac, uint64_t generation, State state);

  State state() const { return static_cast<State>(bits_ & 7); }
  uint64_t generation() const { return bits_ >> 3 & 0x1fff; }
  /// A MAC address of zero is none.
  bool resolved() const { return bits_ >> 16 != 0; }
  MacAddress mac() const;
  uint64_t bits() const { return bits_; }

 private:
  uint64_t bits_;
};

class Neighbour {
 public:
  NeighbourWord load(std::memory_order order = std::memory_order_relaxed) const {
    return NeighbourWord(word_.load(order));
  }

 private:
  friend class Neighbours;

  /// Fails if the word has changed since: another worker learned, or the entry is another's now.
  bool change(NeighbourWord from, const MacAddress& mac, NeighbourWord::State state);
  bool is_for(const IpAddress& address) const;

  std::atomic<uint64_t> word_{0};
  std::array<std::atomic<uint64_t>, 2> address_{};  // valid while the word is not vacant
  uint32_t users_ = 0;                              // under the table's lock

  // The worker's that ticks.
  uint64_t seen_generation_ = UINT64_MAX;
  NeighbourWord::State seen_state_ = NeighbourWord::vacant;
  uint64_t next_ns_ = 0;
  uint32_t probes_ = 0;
};

class Neighbours {
 public:
  static constexpr uint64_t kRetryNs =
      1'000'000'000;  // RFC 1122 section 2.3.2.1: no oftener; RFC 4861: RetransTimer
  static constexpr uint64_t kConfirmNs = 30'000'000'000;  // RFC 4861 section 10: REACHABLE_TIME
  static constexpr uint32_t kProbes = 3;                  // RFC 4861 section 10: MAX_UNICAST_SOLICIT

  /// Room for `capacity` next hops besides the static ones.
  Neighbours(const std::vector<LocalHostConfig::StaticNeighbour>& fixed, uint32_t capacity);

  /// Control path, any thread. The entry stays until it is given back. Errors: LIMIT_EXCEEDED.
  Result<Neighbour*> want(const IpAddress& address);
  void unwant(Neighbour& neighbour);

  /// Any worker. A neighbour says where it is; an `answer` to a question of ours may say that it has moved.
  void learn(const IpAddress& address, const MacAddress& mac, bool answer);
  /// It answered without its MAC address, which it need not repeat to one who asks that very station.
  void confirm(const IpAddress& address);

  /// Whether tick() has something to do. One worker only, as tick().
  bool due(uint64_t now) const { return now >= next_tick_ns(); }
  uint64_t next_tick_ns() const {
    return changes_.load(std::memory_order_acquire) != seen_changes_ ? 0 : next_ns_;
  }
  /// Calls ask(address, mac) for each question that is due; mac is null to ask everybody.
  template <class Ask>
  void tick(uint64_t now, const Ask& ask) {
    seen_changes_ = changes_.load(std::memory_order_acquire);
    next_ns_ = UINT64_MAX;
    for (Neighbour& entry : entries_) {
      IpAddress address;
      MacAddress mac{};
      const Question question = advance(entry, now, address, mac);
      if (question != Question::none) ask(address, question == Question::station ? &mac : nullptr);
      next_ns_ = std::min(next_ns_, entry.next_ns_);
    }
  }

  uint64_t bytes() const { return entries_.size() * sizeof(Neighbour); }

 private:
  enum class Question : uint8_t { none, everybody, station };
  Question advance(Neighbour& entry, uint64_t now, IpAddress& address, MacAddress& mac);

  std::vector<Neighbour> entries_;
  std::mutex mutex_;  // of the control path
  std::atomic<uint64_t> changes_{1};
  uint64_t seen_changes_ = 0;
  uint64_t next_ns_ = 0;
};

}  // namespace onpath
