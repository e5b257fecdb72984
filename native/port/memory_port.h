// In-process port: Ethernet frames between the two ends of a named link.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/result.h"
#include "dataplane/port_abi.h"
#include "port/impairments.h"

namespace onpath {

struct MemoryPortConfig {
  std::string link;      // ends with the same link name in one process are joined
  uint32_t side = 0;     // 0 or 1; each side can be open once
  uint32_t queues = 1;   // arriving frames are spread by source address and UDP source port
  uint32_t senders = 0;  // queues that only transmit, besides
  uint32_t depth =
      4096;  // frames a queue can hold, power of two; a sender finds a full ring (transmit accepts fewer)
  uint32_t max_bytes = 2048;  // longest frame, both sides of a link must agree
  Impairments impairments;    // the end is then an impaired port, see impaired_port.h
};

/// Errors: INVALID_ARGUMENT, BUSY (side already open), OUT_OF_MEMORY.
Result<const onpath_port*> open_memory_port(const MemoryPortConfig& config);

}  // namespace onpath
