// Whether the NIC does what it took: some packets of each queue are compared with what it said of them. A
// verdict of the NIC is believed only after enough of them were right, and never again after one was wrong.
#pragma once

#include <rte_mbuf.h>

#include <atomic>
#include <cstdint>

#include "dpdk/clock_map.h"
#include "dpdk/offload/rules.h"

namespace onpath::dpdk {

/// Counts of one queue: written by its thread, read by the control thread.
struct alignas(64) Evidence {
  using Count = std::atomic<uint64_t>;
  uint32_t bursts_until_look = 0;  // of the queue's thread alone
  uint32_t packets_looked_at = 0;
  Count marks_right{0}, marks_wrong{0}, marks_missing{0};
  Count checksums_right{0}, checksums_wrong{0}, checksums_silent{0};
  Count times_right{0}, times_wrong{0};
  Count wanted{0};    // datagrams that a rule takes
  Count strays{0};    // what no rule takes
  Count unlisted{0};  // from sources that the NIC was told to drop
  Count split{0}, whole{0};
  Count streams{0};  // a bit for each of 64 classes of sources
};

/// What a port's NIC was asked for, and what of it is believed. The data path reads the masks.
struct Beliefs {
  std::atomic<uint64_t> mark_flag{0};      // of mbufs: 0 while marks are not believed
  std::atomic<uint64_t> checksum_mask{0};  // of mbufs: 0 while verdicts are not believed
  std::atomic<uint64_t> timestamp_flag{0};
  std::atomic<const Wanted*> wanted{nullptr};

  std::atomic<bool> marks{false}, drops_unlisted{false}, isolated{false};  // asked for, and taken by the NIC
  bool checksums = false;                                                  // the same
  uint64_t stamps = 0;                                                     // flag of mbufs with a timestamp
  int stamp_offset = -1;
  uint32_t split_bytes = 0;  // of the first buffer of a packet; 0: whole
  const ClockMap* clock = nullptr;

  static constexpr uint32_t kMarks = 1, kChecksums = 2, kTimestamps = 4;
  std::atomic<uint32_t> condemned{0};  // these were wrong once

  /// From any thread.
  void believe(uint32_t what);
  void condemn(uint32_t what);

 private:
  void set(uint32_t what, bool believed);
};

constexpr uint32_t kProofs = 32;         // right ones before any is believed
constexpr uint32_t kFirstPackets = 512;  // of a queue: all of these are looked at,
constexpr uint32_t kBurstsApart = 128;   // then one burst in so many

/// Looks at packets as they came. Not for every burst: it parses each packet.
void look_at(Beliefs& beliefs, Evidence& evidence, rte_mbuf* const* mbufs, uint32_t count);

}  // namespace onpath::dpdk
