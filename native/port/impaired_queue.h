// One receive queue behind a bad network: the packets it holds and the memory of their copies. Hot path: no
// lock, no allocation.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "dataplane/counters.h"
#include "dataplane/port_abi.h"
#include "dataplane/region.h"
#include "port/impairer.h"

namespace onpath {

class ImpairedQueue {
 public:
  ImpairedQueue(const onpath_port& port, uint32_t queue, const Impairments& impairments);
  /// Errors: OUT_OF_MEMORY.
  Result<void> take_memory();

  // The receiver's thread.
  uint32_t receive(onpath_packet* packets, uint32_t count);
  void release(const onpath_packet* packets, uint32_t count);
  /// Gives what is held back to the port. Once nobody receives any more.
  void let_go();

  void add_counters(onpath_port_counters& to) const;

 private:
  static constexpr uint32_t kBurst = 32;
  static constexpr uint32_t kOut = 512;            // copies that may be received and not released yet
  static constexpr uint64_t kQuietNs = 1'000'000;  // then the window of reordering is emptied
  static constexpr uint64_t kLongerBytes = 64;     // VLAN tags and the like, beyond what the port sends

  struct Held {
    onpath_packet packet;
    uint64_t number;  // in order of arrival
  };

  /// How many packets of the port fit, whatever happens to them.
  uint32_t room() const;
  void take_in(const onpath_packet& packet);
  void hold(const onpath_packet& packet);
  uint32_t give(onpath_packet* packets, uint32_t count, bool drain);
  Held next();
  /// False: the packet cannot be damaged and come all the same.
  bool damage(onpath_packet& packet, uint64_t bit) const;
  onpath_packet copy_of(const onpath_packet& packet);
  bool is_copy(const onpath_packet& packet) const;
  void give_back(const onpath_packet& packet) { port_.release(port_.self, queue_, &packet, 1); }
  uint64_t copies() const;

  const onpath_port& port_;
  const uint32_t queue_;
  const Impairments what_;
  const uint64_t stride_;
  Impairer impairer_;
  Region memory_;
  std::vector<uint8_t*> spare_;
  std::vector<Held> held_;
  size_t first_ = 0;  // in order: those before it have left
  std::vector<onpath_packet> arrivals_;
  uint64_t arrived_ = 0;     // packets of the port so far
  uint64_t last_given_ = 0;  // the latest number that has left
  uint64_t last_arrival_ns_ = 0;
  Counter rx_packets_, rx_bytes_, lost_, duplicated_, corrupted_, reordered_, waiting_;
};

}  // namespace onpath
