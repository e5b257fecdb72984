// The onpath chunk payload (docs/wire-format.md): 32 bytes, then 4 per dimension, big-endian.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

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

/// Version other than 1 or truncated: bad_payload_header. No bytes, or none after the header: empty. offset +
/// bytes past a known length, or overflowing: out_of_range. Digest, shape and output are judged by the route.
std::optional<DropReason> parse_chunk(std::span<const uint8_t> payload, ChunkHeader& header,
                                      std::span<const uint8_t>& bytes);

/// Writes header.bytes() bytes.
void build_chunk(uint8_t* out, const ChunkHeader& header);

}  // namespace onpath
