// RTP (RFC 3550).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/big_endian.h"
#include "base/drop_reason.h"

namespace onpath {

inline constexpr size_t kRtpHeaderBytes = 12;

struct RtpPacket {
  uint8_t payload_type = 0;
  bool marker = false;
  uint16_t sequence = 0;
  uint32_t timestamp = 0;
  uint32_t ssrc = 0;
  std::span<const uint8_t> payload;  // without CSRCs, extension and padding
};

/// `rtcp`, bad_rtp_header, bad_rtp_padding, or a good packet; after a drop `out` is unspecified. Payload
/// types 64 to 95 with the marker position of RTCP (RFC 5761 section 4) give `rtcp`.
std::optional<DropReason> parse_rtp(std::span<const uint8_t> datagram, RtpPacket& out);

/// The header that nearly every packet has: no padding, extension or CSRCs. True, with `out` as parse_rtp()
/// fills it, if the packet has one and is good. False says nothing.
inline bool parse_plain_rtp(std::span<const uint8_t> datagram, RtpPacket& out) {
  if (datagram.size() < kRtpHeaderBytes || datagram[0] != 2 << 6) return false;
  if (datagram[1] >= 192 && datagram[1] <= 223) return false;  // RTCP
  out.marker = (datagram[1] & 0x80) != 0;
  out.payload_type = datagram[1] & 0x7f;
  out.sequence = load_be16(&datagram[2]);
  out.timestamp = load_be32(&datagram[4]);
  out.ssrc = load_be32(&datagram[8]);
  out.payload = datagram.subspan(kRtpHeaderBytes);
  return true;
}

/// Writes the fields that differ between packets of one stream over a header that was built without marker.
inline void rewrite_rtp(uint8_t* header, bool marker, uint16_t sequence, uint32_t timestamp, uint32_t ssrc) {
  header[1] = static_cast<uint8_t>(header[1] | (marker ? 0x80 : 0));
  store_be16(header + 2, sequence);
  store_be32(header + 4, timestamp);
  store_be32(header + 8, ssrc);
}

/// Writes the 12-byte header without CSRCs, extension or padding.
void build_rtp(uint8_t* out, const RtpPacket& packet);

}  // namespace onpath
