// What is measured with DPDK's own functions and none of ours, beside the data path. bare.cc alone includes
// rte_*.h; the driver has started DPDK by then.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace onpath::bench {

/// Receives bursts of up to `burst` packets of queue 0 of a device and frees them, `bursts` times. Returns
/// how many packets there were; 0 if there is no such device.
uint64_t receive_and_free(const std::string& device, uint32_t burst, uint32_t bursts);

/// DPDK's ones' complement sum.
uint16_t sum(const uint8_t* bytes, size_t count);

}  // namespace onpath::bench
