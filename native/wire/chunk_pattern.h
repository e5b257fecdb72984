// The headers that all packets of one sample have in common, compared as words under a mask instead of being
// read field by field. For the packet that nearly every packet is: Ethernet without tags, IPv4 without
// options, UDP, plain RTP, an onpath chunk. What is not exactly like the packet that was learnt is left to
// parse_frame(), parse_rtp() and parse_chunk().
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/big_endian.h"
#include "wire/chunk.h"
#include "wire/frame.h"
#include "wire/plain_datagram.h"

namespace onpath {

class ChunkPattern {
 public:
  /// Shorter frames are neither learnt nor told: all words are compared, whatever the header's length.
  static constexpr size_t kLeastBytes = 108;

  /// Learns the headers of a frame of at least kLeastBytes that parse_frame(), parse_rtp() and parse_chunk()
  /// took. False, and nothing changes: they are not the plain ones.
  bool learn(const uint8_t* frame);

  /// Of a frame that tells() told: its extended sequence number, timestamp and marker.
  static uint32_t extended_sequence(const uint8_t* frame) {
    return uint32_t{load_be16(frame + kChunk + 2)} << 16 | load_be16(frame + kRtp + 2);
  }
  static uint32_t timestamp(const uint8_t* frame) { return load_be32(frame + kRtp + 4); }
  static bool marker(const uint8_t* frame) { return (frame[kRtp + 1] & 0x80) != 0; }

  /// True if those three would take this frame of at least kLeastBytes too, and find the endpoints, payload
  /// type, SSRC, timestamp, request id and all of the chunk's header but its offset as they were learnt;
  /// then the chunk is `bytes` at `offset`. False says nothing.
  bool tells(std::span<const uint8_t> frame, FrameChecks checks, uint64_t& offset,
             std::span<const uint8_t>& bytes) const {
    if (!has_learnt_headers(frame.data())) return false;
    const uint8_t* ip = frame.data() + kIp;
    const size_t total = load_be16(ip + 2);
    const size_t udp_bytes = load_be16(frame.data() + kUdp + 4);
    if (total != udp_bytes + (kUdp - kIp) || total > frame.size() - kIp || udp_bytes <= udp_headers_bytes_)
      return false;
    if (checks.ip_checksum && !is_ipv4_checksum_right(ip, address_sum_)) return false;
    // RFC 768: zero means that the sender computed none.
    const bool has_checksum = load_be16(frame.data() + kUdp + 6) != 0;
    if (checks.udp_checksum && has_checksum && !is_udp_checksum_right(frame.data(), udp_bytes)) return false;
    offset = load_be64(frame.data() + kChunk + 16);
    bytes = {frame.data() + kUdp + udp_headers_bytes_, udp_bytes - udp_headers_bytes_};
    return true;
  }

 private:
  static constexpr size_t kIp = 14, kUdp = 34, kRtp = 42, kChunk = 54;
  static constexpr size_t kFirst = 12;  // Ethernet's type; who the frame was sent to is not looked at
  /// A vector register of every 64-bit machine.
  using Word = uint64_t __attribute__((vector_size(16)));
  using Words = std::array<Word, (kLeastBytes - kFirst) / sizeof(Word)>;
  using Mask = std::array<uint8_t, sizeof(Words)>;

  static constexpr Mask mask_of(size_t rank);
  static constexpr Word kOnes = {UINT64_MAX, UINT64_MAX};
  static constexpr Words kAllBits = {kOnes, kOnes, kOnes, kOnes, kOnes, kOnes};

  bool has_learnt_headers(const uint8_t* frame) const {
    Word differ{};
    for (size_t i = 0; i < words_.size(); ++i) {
      Word word;
      std::memcpy(&word, frame + kFirst + i * sizeof word, sizeof word);
      differ |= (word ^ words_[i]) & mask_[i];
    }
    return (differ[0] | differ[1]) == 0;
  }
  static bool is_udp_checksum_right(const uint8_t* frame, size_t udp_bytes);

  alignas(64) Words words_{};
  Words mask_ = kAllBits;  // with words of zeros: tells nothing, for the type of Ethernet is not zero
  uint64_t address_sum_ = 0;
  size_t udp_headers_bytes_ = 0;  // from the UDP header on
};

}  // namespace onpath
