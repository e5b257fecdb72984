// RTP packets. Edges out of parse_rtp: a good packet, or bad_rtp_header, bad_rtp_padding, rtcp.
#include "wire/rtp.h"

#include "base/big_endian.h"

namespace onpath {

std::optional<DropReason> parse_rtp(std::span<const uint8_t> datagram, RtpPacket& out) {
  // RFC 3550 section 5.1, version: the value 2, the same two bits in RTP and RTCP.
  if (datagram.size() < 2 || datagram[0] >> 6 != 2) return DropReason::bad_rtp_header;

  // RFC 5761 section 4: RTCP packet types 192 to 223 stand where RTP has the marker and payload types 64
  // to 95. Judged before the RTP length, for the shortest RTCP packets have 4 and 8 bytes.
  if (datagram[1] >= 192 && datagram[1] <= 223) return DropReason::rtcp;

  // RFC 3550 section 5.1: the first twelve octets are present in every RTP packet.
  if (datagram.size() < kRtpHeaderBytes) return DropReason::bad_rtp_header;
  out.marker = (datagram[1] & 0x80) != 0;
  out.payload_type = datagram[1] & 0x7f;
  out.sequence = load_be16(&datagram[2]);
  out.timestamp = load_be32(&datagram[4]);
  out.ssrc = load_be32(&datagram[8]);

  // RFC 3550 section 5.1, CSRC count: that many 32-bit identifiers follow.
  size_t header_bytes = kRtpHeaderBytes + size_t{datagram[0] & 0x0fu} * 4;

  // RFC 3550 section 5.3.1: the extension's length counts 32-bit words and leaves out its own four octets.
  const bool has_extension = (datagram[0] & 0x10) != 0;
  if (has_extension) {
    if (header_bytes + 4 > datagram.size()) return DropReason::bad_rtp_header;
    header_bytes += 4 + size_t{load_be16(&datagram[header_bytes + 2])} * 4;
  }
  if (header_bytes > datagram.size()) return DropReason::bad_rtp_header;
  out.payload = datagram.subspan(header_bytes);

  // RFC 3550 section 5.1, padding: the last octet counts the padding, itself included.
  const bool has_padding = (datagram[0] & 0x20) != 0;
  if (has_padding) {
    if (out.payload.empty()) return DropReason::bad_rtp_padding;
    const size_t padding_bytes = out.payload.back();
    if (padding_bytes == 0 || padding_bytes > out.payload.size()) return DropReason::bad_rtp_padding;
    out.payload = out.payload.first(out.payload.size() - padding_bytes);
  }
  return std::nullopt;
}

void build_rtp(uint8_t* out, const RtpPacket& packet) {
  out[0] = 2 << 6;
  out[1] = static_cast<uint8_t>((packet.marker ? 0x80 : 0) | (packet.payload_type & 0x7f));
  store_be16(out + 2, packet.sequence);
  store_be32(out + 4, packet.timestamp);
  store_be32(out + 8, packet.ssrc);
}

}  // namespace onpath
