// What of a packet's headers stays the same within a sample.
#include "wire/chunk_pattern.h"

#include <bit>

#include "wire/ip_header.h"
#include "wire/rtp.h"

namespace onpath {

/// Bits that stay the same, from Ethernet's type on.
constexpr ChunkPattern::Mask ChunkPattern::mask_of(size_t rank) {
  Mask mask{};
  const auto set = [&mask](size_t begin, size_t bytes, uint8_t bits = 0xff) {
    for (size_t i = 0; i < bytes; ++i) mask[begin + i - kFirst] = bits;
  };
  set(12, 2);             // Ethernet: type
  set(kIp, 1);            // IPv4: version, header length
  set(kIp + 6, 1, 0x3f);  // More Fragments and fragment offset, which are zero
  set(kIp + 7, 1);
  set(kIp + 9, 1);         // protocol
  set(kIp + 12, 8);        // addresses
  set(kUdp, 4);            // ports
  set(kRtp, 1);            // version, padding, extension, CSRC count
  set(kRtp + 1, 1, 0x7f);  // payload type
  set(kRtp + 4, 8);        // timestamp, SSRC
  set(kChunk, 2);          // version, rank, output
  set(kChunk + 4, 12);     // digest, request id
  set(kChunk + 24, 8);     // length
  set(kChunk + kChunkHeaderBytes, 4 * rank);
  return mask;
}

bool ChunkPattern::learn(const uint8_t* frame) {
  // RTP payload types 64 to 95 are RTCP with the marker (RFC 5761 section 4): there the marker would matter.
  const bool plain = load_be16(frame + 12) == kEtherTypeIpv4 && frame[kIp] == 0x45 && frame[kIp + 9] == 17 &&
                     (load_be16(frame + kIp + 6) & 0x3fff) == 0 && frame[kRtp] == 2 << 6 &&
                     (frame[kRtp + 1] & 0x60) != 0x40 && frame[kChunk] >> 4 == kChunkVersion;
  const size_t rank = frame[kChunk] & 0x0f;
  if (!plain || (rank != 0 && rank != 2 && rank != 3)) return false;
  std::memcpy(words_.data(), frame + kFirst, sizeof words_);
  static constexpr Mask kMasks[4] = {mask_of(0), {}, mask_of(2), mask_of(3)};
  std::memcpy(mask_.data(), kMasks[rank].data(), sizeof mask_);
  address_sum_ = ipv4_address_sum(frame + kIp);
  udp_headers_bytes_ = kChunk - kUdp + kChunkHeaderBytes + 4 * rank;
  return true;
}

// RFC 768: pseudo-header (addresses, protocol, length), then header and data. The addresses lie in front of
// the UDP header.
bool ChunkPattern::is_udp_checksum_right(const uint8_t* frame, size_t udp_bytes) {
  return checksum_fold(checksum_add({frame + kUdp - 8, udp_bytes + 8}, 17 + udp_bytes)) == 0;
}

}  // namespace onpath
