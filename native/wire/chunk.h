// The onpath chunk payload (docs/wire-format.md): 32 bytes, then 4 per dimension, big-endian.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

#include "base/big_endian.h"
#include "base/drop_reason.h"

namespace onpath {

inline constexpr uint8_t kChunkVersion = 1;
inline constexpr size_t kChunkHeaderBytes = 32;
inline constexpr size_t kMaxRank = 15;

struct ChunkHeader {
  uint8_t rank = 0;  // dimensions that follow; 0: the route's fixed shape
  uint8_t output = 0;
  uint16_t sequence_high = 0;
  uint32_t digest = 0;
  uint64_t request_id = 0;
  uint64_t offset = 0;  // of this chunk in the serialized sample, bytes
  uint64_t length = 0;  // of the serialized sample, bytes; 0: not known yet
  uint32_t dims[kMaxRank] = {};

  size_t bytes() const { return kChunkHeaderBytes + size_t{4} * rank; }
};

/// The most bytes of whole elements that a packet has room for behind its headers.
inline uint64_t element_room(uint64_t packet_bytes, uint64_t header_bytes, uint64_t element_bytes) {
  if (packet_bytes < header_bytes || element_bytes == 0) return 0;
  return (packet_bytes - header_bytes) / element_bytes * element_bytes;
}

/// Version other than 1 or truncated: bad_payload_header. No bytes, or none after the header: empty. offset +
/// bytes past a known length, or overflowing: out_of_range. Digest, shape and output are judged by the route.
std::optional<DropReason> parse_chunk(std::span<const uint8_t> payload, ChunkHeader& header,
                                      std::span<const uint8_t>& bytes);

/// Writes header.bytes() bytes.
void build_chunk(uint8_t* out, const ChunkHeader& header);

/// Writes the fields that differ between chunks of one sample format over a header that was built.
inline void rewrite_chunk(uint8_t* header, uint16_t sequence_high, uint64_t request_id, uint64_t offset) {
  store_be16(header + 2, sequence_high);
  store_be64(header + 8, request_id);
  store_be64(header + 16, offset);
}

/// The two fields that a receiver reads of a chunk that is just as expected; see ExpectedChunk.
struct ChunkPlace {
  uint64_t request_id = 0;
  uint64_t offset = 0;
};

/// What chunks of one sample format look like, so that a header is compared rather than taken apart.
class ExpectedChunk {
 public:
  ExpectedChunk() = default;
  /// `dims`: height, width, channels.
  ExpectedChunk(uint32_t digest, uint64_t sample_bytes, const uint32_t (&dims)[3]);

  /// True if the payload is a chunk of output 0 with this digest and length, with this shape or none, that
  /// lies inside the sample and carries bytes. False says nothing: parse_chunk() does.
  bool matches(std::span<const uint8_t> payload, ChunkPlace& place, std::span<const uint8_t>& bytes) const {
    if (payload.size() < kChunkHeaderBytes) return false;
    const uint8_t* header = payload.data();
    const size_t rank = header[0] & 0x0f;
    if (header[0] >> 4 != kChunkVersion || header[1] != 0 || (rank != 0 && rank != 2 && rank != 3))
      return false;
    const size_t header_bytes = kChunkHeaderBytes + 4 * rank;
    if (payload.size() <= header_bytes || std::memcmp(header + 4, &digest_, 4) != 0 ||
        std::memcmp(header + 24, &length_, 8) != 0)
      return false;
    if (rank >= 2 && std::memcmp(header + kChunkHeaderBytes, dims_, 8) != 0) return false;
    if (rank == 3 && std::memcmp(header + kChunkHeaderBytes + 8, dims_ + 8, 4) != 0) return false;
    place.request_id = load_be64(header + 8);
    place.offset = load_be64(header + 16);
    bytes = payload.subspan(header_bytes);
    return place.offset <= sample_bytes_ && bytes.size() <= sample_bytes_ - place.offset;
  }

 private:
  uint64_t sample_bytes_ = 0;
  uint64_t length_ = 0;  // these in network order
  uint32_t digest_ = 0;
  uint8_t dims_[12] = {};
};

}  // namespace onpath
