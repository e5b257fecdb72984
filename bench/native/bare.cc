#include "bare.h"

#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_mbuf.h>

#include <algorithm>

namespace onpath::bench {

uint64_t receive_and_free(const std::string& device, uint32_t burst, uint32_t bursts) {
  constexpr uint32_t kMost = 64;
  uint16_t port = 0;
  if (rte_eth_dev_get_port_by_name(device.c_str(), &port) != 0) return 0;
  rte_mbuf* packets[kMost];
  uint64_t received = 0;
  for (uint32_t i = 0; i < bursts; ++i) {
    const uint16_t count = rte_eth_rx_burst(port, 0, packets, static_cast<uint16_t>(std::min(burst, kMost)));
    rte_pktmbuf_free_bulk(packets, count);
    received += count;
  }
  return received;
}

uint16_t sum(const uint8_t* bytes, size_t count) { return rte_raw_cksum(bytes, count); }

}  // namespace onpath::bench
