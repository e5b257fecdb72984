// Ethernet frame <-> UDP datagram. Edges out of parse_frame: a good datagram, or bad_ethernet, not_ip,
// bad_ip_header, bad_ip_checksum, ip_fragment, not_udp, bad_udp_length, bad_udp_checksum. No allocation, no
// state between frames.
#include "wire/frame.h"

#include <algorithm>
#include <cstring>

#include "base/big_endian.h"
#include "wire/ip_header.h"

namespace onpath {
namespace {

using Bytes = std::span<const uint8_t>;

constexpr size_t kVlanTagBytes = 4;
constexpr size_t kUdpBytes = 8;
constexpr int kMaxVlanTags = 2;

constexpr uint8_t kProtocolUdp = 17;

/// IEEE 802.1Q C-tag and S-tag, and the number double tagging used before it was standardized.
bool is_vlan(uint16_t ether_type) {
  return ether_type == 0x8100 || ether_type == 0x88a8 || ether_type == 0x9100;
}

/// What the IP header hands to UDP.
struct IpPayload {
  Bytes bytes;               // cut to the length the IP header states
  uint64_t address_sum = 0;  // checksum part of the pseudo-header
  bool v4 = false;
};

std::optional<DropReason> parse_ipv4(Bytes packet, bool verify_checksum, IpPayload& payload, Datagram& out) {
  Ipv4Lengths lengths;
  if (const auto reason = check_ipv4_header(packet, verify_checksum, lengths)) return reason;

  // RFC 791 section 3.1, Protocol.
  if (packet[9] != kProtocolUdp) return DropReason::not_udp;

  out.source.address = IpAddress::v4(load_be32(&packet[12]));
  out.destination.address = IpAddress::v4(load_be32(&packet[16]));
  payload.bytes = packet.subspan(lengths.header_bytes, lengths.total_bytes - lengths.header_bytes);
  payload.address_sum = checksum_add(packet.subspan(12, 8));
  payload.v4 = true;
  return std::nullopt;
}

/// Moves `rest` past the extension headers to the UDP header.
std::optional<DropReason> skip_extension_headers(uint8_t next_header, Bytes& rest) {
  for (int count = 0; next_header != kProtocolUdp; ++count) {
    const uint8_t type = next_header;
    if (type != kHeaderHopByHop && type != kHeaderRouting && type != kHeaderFragment &&
        type != kHeaderDestinationOptions) {
      return DropReason::not_udp;
    }
    // RFC 8200 section 4.1: hop-by-hop options stand directly behind the IPv6 header. The number of headers
    // is bounded here so that a packet cannot buy work.
    if (count == kMaxExtensionHeaders || (type == kHeaderHopByHop && count > 0))
      return DropReason::bad_ip_header;
    if (rest.size() < 8) return DropReason::bad_ip_header;
    next_header = rest[0];

    // RFC 8200 section 4.5: a fragment has an offset or More Fragments. RFC 6946: one with neither (an atomic
    // fragment) is a whole packet.
    if (type == kHeaderFragment) {
      if ((load_be16(&rest[2]) & 0xfff9) != 0) return DropReason::ip_fragment;
      rest = rest.subspan(8);
      continue;
    }

    // RFC 8200 sections 4.3, 4.4, 4.6: Hdr Ext Len counts 8-octet units after the first 8.
    const size_t header_bytes = 8 + size_t{rest[1]} * 8;
    if (header_bytes > rest.size()) return DropReason::bad_ip_header;

    // RFC 8200 section 4.4: with segments left the packet has not reached its destination, and we route
    // nothing on.
    if (type == kHeaderRouting && rest[3] != 0) return DropReason::bad_ip_header;
    rest = rest.subspan(header_bytes);
  }
  return std::nullopt;
}

std::optional<DropReason> parse_ipv6(Bytes packet, IpPayload& payload, Datagram& out) {
  if (const auto reason =
          check_ipv6_header(packet, out.source.address, out.destination.address, payload.bytes))
    return reason;
  // RFC 4942 section 2.2: an IPv4-mapped address is no address of a wire. Here it would pass for an IPv4
  // sender.
  if (out.source.address.is_v4() || out.destination.address.is_v4()) return DropReason::bad_ip_header;
  payload.address_sum = checksum_add(packet.subspan(8, 32));
  payload.v4 = false;
  return skip_extension_headers(packet[6], payload.bytes);
}

std::optional<DropReason> parse_udp(const IpPayload& ip, bool verify_checksum, Datagram& out) {
  // RFC 768, Length: header and data, so at least 8. RFC 2675 section 4 (length 0 in a jumbogram) does not
  // apply here.
  if (ip.bytes.size() < kUdpBytes) return DropReason::bad_udp_length;
  const uint8_t* header = ip.bytes.data();
  const size_t length = load_be16(header + 4);
  if (length < kUdpBytes || length > ip.bytes.size()) return DropReason::bad_udp_length;

  // RFC 768, Checksum: zero means that the sender computed none. RFC 8200 section 8.1: over IPv6 that is an
  // error.
  const bool has_checksum = load_be16(header + 6) != 0;
  if (!has_checksum && !ip.v4) return DropReason::bad_udp_checksum;

  // RFC 768 and RFC 8200 section 8.1: pseudo-header (addresses, protocol, length), then header and data.
  if (has_checksum && verify_checksum) {
    const uint64_t pseudo_header = ip.address_sum + kProtocolUdp + length;
    if (checksum_fold(checksum_add(ip.bytes.first(length), pseudo_header)) != 0)
      return DropReason::bad_udp_checksum;
  }

  out.source.port = load_be16(header);
  out.destination.port = load_be16(header + 2);
  out.payload = ip.bytes.subspan(kUdpBytes, length - kUdpBytes);
  return std::nullopt;
}

/// Writes the IPv4 header; returns the checksum part of the pseudo-header's addresses.
uint64_t build_ipv4(uint8_t* ip, const Endpoint& source, const Endpoint& destination, size_t udp_bytes,
                    uint16_t ip_identification, const FrameOptions& options) {
  ip[0] = 0x45;
  ip[1] = 0;
  store_be16(ip + 2, static_cast<uint16_t>(kIpv4Bytes + udp_bytes));
  store_be16(ip + 4, ip_identification);
  store_be16(ip + 6, 0x4000);  // Don't Fragment: no receiver of ours reassembles
  ip[8] = options.hop_limit;
  ip[9] = kProtocolUdp;
  store_be16(ip + 10, 0);
  std::memcpy(ip + 12, source.address.bytes.data() + 12, 4);
  std::memcpy(ip + 16, destination.address.bytes.data() + 12, 4);
  const uint32_t from = load_be32(ip + 12), to = load_be32(ip + 16);
  const uint64_t address_sum = uint64_t{from >> 16} + (from & 0xffff) + (to >> 16) + (to & 0xffff);
  if (!options.checksums_by_nic) {
    // The words above, in their order.
    const uint64_t sum = 0x4500 + kIpv4Bytes + udp_bytes + ip_identification + 0x4000 +
                         (uint64_t{options.hop_limit} << 8) + kProtocolUdp + address_sum;
    store_be16(ip + 10, checksum_fold(sum));
  }
  return address_sum;
}

uint64_t build_ipv6(uint8_t* ip, const Endpoint& source, const Endpoint& destination, size_t udp_bytes,
                    const FrameOptions& options) {
  store_be32(ip, 0x60000000);
  store_be16(ip + 4, static_cast<uint16_t>(udp_bytes));
  ip[6] = kProtocolUdp;
  ip[7] = options.hop_limit;
  std::memcpy(ip + 8, source.address.bytes.data(), 16);
  std::memcpy(ip + 24, destination.address.bytes.data(), 16);
  return checksum_add({ip + 8, 32});
}

/// Ones' complement addition: a carry out of the top comes back in at the bottom.
uint64_t add_with_carry(uint64_t a, uint64_t b) {
  const uint64_t sum = a + b;
  return sum + (sum < a ? 1 : 0);
}

template <class Word>
uint64_t load_native(const uint8_t* p) {
  Word v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

/// IpAddress::is_v4(), in line.
bool is_mapped(const IpAddress& address) {
  constexpr uint8_t kPrefix[4] = {0, 0, 0xff, 0xff};
  const uint8_t* bytes = address.bytes.data();
  return load_native<uint64_t>(bytes) == 0 &&
         load_native<uint32_t>(bytes + 8) == load_native<uint32_t>(kPrefix);
}

uint16_t fold_to_16(uint64_t sum) { return static_cast<uint16_t>(~checksum_fold(sum)); }

}  // namespace

std::optional<DropReason> parse_frame(Bytes frame, FrameChecks checks, Datagram& out) {
  // IEEE 802.3 clause 3.2: two addresses, then length or type; the frame check sequence is not part of
  // `frame`.
  if (frame.size() < kEthernetBytes) return DropReason::bad_ethernet;
  uint16_t ether_type = load_be16(&frame[12]);
  Bytes rest = frame.subspan(kEthernetBytes);

  // IEEE 802.1Q clause 9: tag control information, then the type that the tag displaced.
  for (int tags = 0; is_vlan(ether_type); ++tags) {
    if (tags == kMaxVlanTags || rest.size() < kVlanTagBytes) return DropReason::bad_ethernet;
    ether_type = load_be16(&rest[2]);
    rest = rest.subspan(kVlanTagBytes);
  }

  IpPayload ip;
  std::optional<DropReason> reason;
  if (ether_type == kEtherTypeIpv4) {
    reason = parse_ipv4(rest, checks.ip_checksum, ip, out);
  } else if (ether_type == kEtherTypeIpv6) {
    reason = parse_ipv6(rest, ip, out);
  } else {
    return DropReason::not_ip;
  }
  if (reason) return reason;
  return parse_udp(ip, checks.udp_checksum, out);
}

size_t build_frame(uint8_t* frame, const MacAddress& source_mac, const MacAddress& destination_mac,
                   const Endpoint& source, const Endpoint& destination, size_t payload_bytes,
                   uint16_t ip_identification, const FrameOptions& options) {
  const bool v4 = is_mapped(source.address);
  if (v4 != is_mapped(destination.address)) return 0;
  // The 16-bit length fields: IPv4 counts its own header, IPv6 does not.
  if (payload_bytes > 0xffff - kUdpBytes - (v4 ? kIpv4Bytes : 0)) return 0;
  const size_t udp_bytes = kUdpBytes + payload_bytes;

  std::copy(destination_mac.begin(), destination_mac.end(), frame);
  std::copy(source_mac.begin(), source_mac.end(), frame + 6);
  store_be16(frame + 12, v4 ? kEtherTypeIpv4 : kEtherTypeIpv6);
  uint8_t* ip = frame + kEthernetBytes;
  const uint64_t address_sum = v4 ? build_ipv4(ip, source, destination, udp_bytes, ip_identification, options)
                                  : build_ipv6(ip, source, destination, udp_bytes, options);

  uint8_t* udp = frame + udp_headers_bytes(v4) - kUdpBytes;
  store_be16(udp, source.port);
  store_be16(udp + 2, destination.port);
  store_be16(udp + 4, static_cast<uint16_t>(udp_bytes));
  store_be16(udp + 6, 0);
  const uint64_t pseudo_header = address_sum + kProtocolUdp + udp_bytes;
  if (options.checksums_by_nic) {
    store_be16(udp + 6, fold_to_16(pseudo_header));
    return udp_headers_bytes(v4) + payload_bytes;
  }
  const uint16_t checksum =
      checksum_fold(checksum_add({udp + kUdpBytes, payload_bytes - options.summed_bytes},
                                 pseudo_header + options.sum + source.port + destination.port + udp_bytes));
  // RFC 768: a computed zero is sent as all ones, for zero means none.
  store_be16(udp + 6, checksum == 0 ? uint16_t{0xffff} : checksum);
  return udp_headers_bytes(v4) + payload_bytes;
}

// RFC 1071 section 2: the sum does not depend on byte order (B) nor on the word size it is gathered in (C).
// So it runs over native 64-bit words in four independent carry chains, and only the folded result is put
// into network order.
uint64_t checksum_add(Bytes bytes, uint64_t sum) {
  const uint8_t* p = bytes.data();
  size_t left = bytes.size();
  uint64_t chain[4] = {0, 0, 0, 0};
  for (; left >= 32; p += 32, left -= 32) {
    for (size_t i = 0; i < 4; ++i) chain[i] = add_with_carry(chain[i], load_native<uint64_t>(p + 8 * i));
  }
  for (; left >= 8; p += 8, left -= 8) chain[0] = add_with_carry(chain[0], load_native<uint64_t>(p));
  uint64_t tail = 0;
  if (left & 4) tail += load_native<uint32_t>(p), p += 4;
  if (left & 2) tail += load_native<uint16_t>(p), p += 2;
  if (left & 1) {
    const uint8_t last[2] = {*p, 0};  // a zero octet on the right, as section 1 pads an odd length
    tail += load_native<uint16_t>(last);
  }
  chain[1] = add_with_carry(chain[1], tail);
  uint64_t total = add_with_carry(add_with_carry(chain[0], chain[1]), add_with_carry(chain[2], chain[3]));
  uint16_t folded = fold_to_16(total);
  if constexpr (std::endian::native == std::endian::little) folded = __builtin_bswap16(folded);
  return sum + folded;
}

}  // namespace onpath
