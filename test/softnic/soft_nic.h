// A NIC in software, for tests: the poll-mode driver net_onpath_soft. Queues over memory rings; RSS, flow
// rules, marks, drops, checksums, timestamps and buffer split as a NIC would do them, each of which can be
// refused or broken. What it sends comes back to it, or goes to the other device of the same link.
//
// Arguments of a device, lists joined by "+":
//   link=NAME      joined with the other device of that link; default: with itself
//   refuse=LIST    features that it says it does not have
//   broken=LIST    features that it takes and then does wrong or not at all
//   fail_rule=N    the Nth flow rule is refused, as by a table that is full
//   control=FILE   read ten times a second or so; a change of it is carried out: lines of link=up|down,
//   remove,
//                  reset, broken=LIST. What the device knows of itself is written to FILE.state, as JSON.
// Features: steering mark rss allowList checksums timestamps bufferSplit count.
#pragma once

#include <ethdev_driver.h>
#include <ethdev_vdev.h>
#include <rte_flow_driver.h>
#include <rte_ring.h>
#include <rte_rwlock.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

/// The driver's own half of a flow rule.
struct rte_flow {
  uint32_t priority = 0;
  uint16_t ether_type = 0;  // host order; 0: any
  int protocol = -1;        // of the IP header; -1: any
  uint8_t source[16] = {}, source_mask[16] = {};
  uint16_t udp_port = 0, udp_mask = 0;
  bool drop = false, marks = false, counts = false;
  uint32_t mark = 0;
  std::vector<uint16_t> queues;  // several: by hash
  std::atomic<uint64_t> hits{0};
};

namespace softnic {

enum Feature : uint32_t {
  kSteering = 1,
  kMark = 2,
  kRss = 4,
  kAllowList = 8,
  kChecksums = 16,
  kTimestamps = 32,
  kBufferSplit = 64,
  kCount = 128,
};

constexpr uint16_t kMostQueues = 16;

struct Nic;

struct ReceiveQueue {
  Nic* nic = nullptr;
  rte_ring* ring = nullptr;
  rte_mempool* pool = nullptr;
  uint16_t first_bytes = 0;  // of a packet in a buffer of their own; 0: no split
  uint64_t packets = 0, bytes = 0;
  std::atomic<uint64_t> missed{0}, without_buffer{0};
};

struct TransmitQueue {
  Nic* nic = nullptr;
  uint64_t packets = 0, bytes = 0;
};

struct Nic {
  uint16_t port = 0;
  rte_ether_addr mac{};
  rte_eth_dev* device = nullptr;
  Nic* peer = nullptr;  // itself, or the other end; null: there is none yet
  std::string link;

  uint32_t refused = 0;
  std::atomic<uint32_t> broken{0};
  uint32_t fail_rule = 0;
  std::string control, last_control;

  // Under the lock of the wires.
  std::vector<rte_flow*> rules;  // in the order in which they are tried
  bool isolated = false, started = false, stalled = false, gone = false, up = true;
  uint64_t created = 0, filtered = 0, dropped = 0;
  uint32_t starts = 0, resets = 0;

  int stamp_offset = -1;
  uint64_t stamp_flag = 0;
  std::array<ReceiveQueue, kMostQueues> receive;
  std::array<TransmitQueue, kMostQueues> transmit;

  bool has(uint32_t feature) const { return (refused & feature) == 0; }
  bool does(uint32_t feature) const { return (broken.load(std::memory_order_relaxed) & feature) == 0; }
};

/// Of all devices: read while packets pass, written while anything changes.
extern rte_rwlock_t wires;

inline Nic& nic_of(const rte_eth_dev* device) { return *static_cast<Nic*>(device->data->dev_private); }

// data.cc
uint16_t receive_burst(void* queue, rte_mbuf** mbufs, uint16_t count);
uint16_t transmit_burst(void* queue, rte_mbuf** mbufs, uint16_t count);
uint64_t clock_ticks();

// flow.cc
extern const rte_flow_ops flow_ops;
void forget_rules(Nic& nic);

// control.cc
uint32_t features_of(const std::string& list);
void obey(Nic& nic);

}  // namespace softnic
