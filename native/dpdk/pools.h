// Packet buffers. A pool outlives its port for as long as another port may still hold one of its buffers.
#pragma once

#include <rte_mempool.h>

#include <cstdint>

#include "dpdk/failure.h"

namespace onpath::dpdk {

constexpr uint32_t kCache = 256;  // buffers a thread keeps to itself, per pool

struct PoolSize {
  uint32_t buffers = 0;
  uint32_t data_bytes = 0;  // for a packet, behind the headroom
  int numa_node = -1;
};

/// On the node if it has memory, else wherever there is some. Errors: NO_HUGEPAGES, OUT_OF_MEMORY.
Expected<rte_mempool*> make_pool(const char* purpose, const PoolSize& size);

/// Frees the pool as soon as all of its buffers are back: other ports may have some to send.
void retire(rte_mempool* pool);

/// Frees what can be freed. `no_ports`: nothing holds buffers any more, whatever the count says.
void free_retired(bool no_ports);

}  // namespace onpath::dpdk
