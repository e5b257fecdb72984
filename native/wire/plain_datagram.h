// The frame that nearly every packet is: Ethernet without tags, IPv4 without options, UDP. Read straight
// through, without a call; whatever is not exactly that is left to parse_frame(), which also says what is
// wrong with it.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/big_endian.h"
#include "wire/frame.h"

namespace onpath {

/// An IPv4 address of the wire as ::ffff:a.b.c.d, in two stores.
inline void set_mapped_address(IpAddress& address, const uint8_t* v4) {
  static constexpr uint8_t kPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  uint64_t high, low = 0;
  uint32_t middle, last;
  std::memcpy(&high, kPrefix, 8);
  std::memcpy(&middle, kPrefix + 8, 4);
  std::memcpy(&last, v4, 4);
  low = std::endian::native == std::endian::little ? uint64_t{last} << 32 | middle
                                                   : uint64_t{middle} << 32 | last;
  std::memcpy(address.bytes.data(), &high, 8);
  std::memcpy(address.bytes.data() + 8, &low, 8);
}

/// The part of the addresses in the sum over an IPv4 header, in words of the machine.
inline uint64_t ipv4_address_sum(const uint8_t* header) {
  uint32_t source, destination;
  std::memcpy(&source, header + 12, 4);
  std::memcpy(&destination, header + 16, 4);
  return uint64_t{source} + destination;
}

/// Whether the sum over a 20-byte IPv4 header is right: RFC 1071, in words of the machine (section 2, B).
inline bool is_ipv4_checksum_right(const uint8_t* header, uint64_t address_sum) {
  uint64_t a;
  uint32_t b;
  std::memcpy(&a, header, 8);
  std::memcpy(&b, header + 8, 4);
  const uint64_t sum = (a & 0xffffffff) + (a >> 32) + b + address_sum;
  // Folded it is all ones: the sum, which is not zero, is a multiple of that.
  return sum % 0xffff == 0;
}

/// True, with `out` as parse_frame() fills it, if the frame is plain and good. False says nothing.
inline bool parse_plain_datagram(std::span<const uint8_t> frame, FrameChecks checks, Datagram& out) {
  constexpr size_t kEthernet = 14, kIp = 20, kUdp = 8;
  if (frame.size() < kEthernet + kIp + kUdp) return false;
  const uint8_t* ip = frame.data() + kEthernet;
  const uint8_t* udp = ip + kIp;
  if (load_be16(frame.data() + 12) != 0x0800 || ip[0] != 0x45 || ip[9] != 17) return false;
  if ((load_be16(ip + 6) & 0x3fff) != 0) return false;
  const size_t total = load_be16(ip + 2);
  const size_t length = load_be16(udp + 4);
  if (total > frame.size() - kEthernet || length < kUdp || length + kIp > total) return false;
  if (checks.ip_checksum && !is_ipv4_checksum_right(ip, ipv4_address_sum(ip))) return false;
  if (checks.udp_checksum && load_be16(udp + 6) != 0) return false;
  set_mapped_address(out.source.address, ip + 12);
  set_mapped_address(out.destination.address, ip + 16);
  out.source.port = load_be16(udp);
  out.destination.port = load_be16(udp + 2);
  out.payload = {udp + kUdp, length - kUdp};
  return true;
}

}  // namespace onpath
