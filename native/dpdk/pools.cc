#include "dpdk/pools.h"

#include <rte_errno.h>
#include <rte_mbuf.h>

#include <algorithm>
#include <string>
#include <vector>

#include "dpdk/environment.h"
#include "dpdk/log_ring.h"
#include "dpdk/preflight.h"

namespace onpath::dpdk {
namespace {

struct Retired {
  rte_mempool* pool;
  bool was_full;  // at the last look; the thread that returned the last buffer may have been in the pool then
};

/// Control thread only.
std::vector<Retired>& retired() {
  static auto* list = new std::vector<Retired>;
  return *list;
}

Failure no_memory(const char* purpose, const PoolSize& size, uint64_t mark) {
  const uint64_t bytes = uint64_t{size.buffers} * (sizeof(rte_mbuf) + RTE_PKTMBUF_HEADROOM + size.data_bytes);
  const std::string what = std::to_string(bytes >> 20) + " MB for " + std::to_string(size.buffers) + " " +
                           purpose + " buffers could not be had";
  if (!running_options().hugepages) {
    return {"OUT_OF_MEMORY", what +
                                 ": DPDK's memory is used up. Start with a greater eal.memoryMb, or lower "
                                 "descriptors, queues or buffers." +
                                 log_since(mark)};
  }
  const std::string free = count_hugepages().text;
  return {"NO_HUGEPAGES", what + ": " + free +
                              ". Reserve more (as root: dpdk-hugepages.py --setup 1G, or echo 1024 > "
                              "/proc/sys/vm/nr_hugepages), or lower descriptors, queues or buffers." +
                              log_since(mark)};
}

}  // namespace

Expected<rte_mempool*> make_pool(const char* purpose, const PoolSize& size) {
  static uint32_t made = 0;
  if (size.data_bytes > UINT16_MAX - RTE_PKTMBUF_HEADROOM) {
    return invalid("A " + std::string(purpose) + " buffer of " + std::to_string(size.data_bytes) +
                   " bytes is asked for, expected at most " +
                   std::to_string(UINT16_MAX - RTE_PKTMBUF_HEADROOM) + ".");
  }
  const std::string name = "onpath_" + std::to_string(made++);
  const auto room = static_cast<uint16_t>(size.data_bytes + RTE_PKTMBUF_HEADROOM);
  const uint64_t mark = log_mark();
  const uint32_t cache = std::min<uint32_t>(kCache, size.buffers * 2 / 3);
  rte_mempool* pool = nullptr;
  // A node may have no memory of its own.
  for (const int node : {size.numa_node, static_cast<int>(SOCKET_ID_ANY)}) {
    pool = rte_pktmbuf_pool_create(name.c_str(), size.buffers, cache, 0, room, node);
    if (pool != nullptr || node == SOCKET_ID_ANY) break;
  }
  if (pool != nullptr) return pool;
  if (rte_errno == EINVAL || rte_errno == ENOENT) {
    return Failure{"PORT_FAILED", "A pool of " + std::to_string(size.buffers) + " " + purpose +
                                      " buffers could not be made (" + std::string(rte_strerror(rte_errno)) +
                                      "). If DPDK's mempool library is missing: apt-get install "
                                      "librte-meta-mempool." +
                                      log_since(mark)};
  }
  return no_memory(purpose, size, mark);
}

void retire(rte_mempool* pool) {
  if (pool != nullptr) retired().push_back({pool, false});
}

void free_retired(bool no_ports) {
  auto& list = retired();
  std::erase_if(list, [&](Retired& one) {
    const bool full = rte_mempool_full(one.pool) == 1;
    if (!no_ports && !(full && one.was_full)) {
      one.was_full = full;
      return false;
    }
    rte_mempool_free(one.pool);
    return true;
  });
}

}  // namespace onpath::dpdk
