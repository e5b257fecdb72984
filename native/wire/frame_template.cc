#include "wire/frame_template.h"

namespace onpath {

FrameTemplate::FrameTemplate(const MacAddress& source_mac, const MacAddress& destination_mac,
                             const Endpoint& source, const Endpoint& destination, uint8_t hop_limit,
                             bool checksums_by_nic)
    : checksums_by_nic_(checksums_by_nic) {
  FrameOptions options;
  options.hop_limit = hop_limit;
  options.checksums_by_nic = true;
  headers_bytes_ =
      build_frame(headers_.data(), source_mac, destination_mac, source, destination, 0, 0, options);
  if (headers_bytes_ == 0) return;
  const bool v4 = headers_bytes_ == kV4;
  uint8_t* ip = headers_.data() + kEthernet;
  uint8_t* udp = headers_.data() + headers_bytes_ - kUdp;
  constexpr uint64_t kProtocolUdp = 17;
  pseudo_sum_ = checksum_add(v4 ? std::span<const uint8_t>(ip + 12, 8) : std::span<const uint8_t>(ip + 8, 32),
                             kProtocolUdp);
  port_sum_ = uint64_t{source.port} + destination.port;
  store_be16(udp + 4, 0);
  store_be16(udp + 6, 0);
  if (!v4) return;
  store_be16(ip + 2, 0);
  ip_sum_ = checksum_add({ip, kIpv4}, kIpv4);
}

}  // namespace onpath
