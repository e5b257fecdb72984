// The onpath chunk payload. Edges out of parse_chunk: a good chunk, or bad_payload_header, empty,
// out_of_range.
#include "wire/chunk.h"

#include <cstring>

#include "base/big_endian.h"

namespace onpath {

// Clauses: docs/wire-format.md, "onpath chunk".
std::optional<DropReason> parse_chunk(std::span<const uint8_t> payload, ChunkHeader& header,
                                      std::span<const uint8_t>& bytes) {
  if (payload.empty()) return DropReason::empty;

  // Byte 0, version: a header of another version may have any other layout, so nothing else of it is read.
  if (payload[0] >> 4 != kChunkVersion) return DropReason::bad_payload_header;

  // Byte 0, rank: the header is 32 bytes and 4 per dimension.
  header.rank = payload[0] & 0x0f;
  if (payload.size() < header.bytes()) return DropReason::bad_payload_header;
  header.output = payload[1];
  header.sequence_high = load_be16(&payload[2]);
  header.digest = load_be32(&payload[4]);
  header.request_id = load_be64(&payload[8]);
  header.offset = load_be64(&payload[16]);
  header.length = load_be64(&payload[24]);
  std::memset(header.dims, 0, sizeof header.dims);
  for (size_t i = 0; i < header.rank; ++i) header.dims[i] = load_be32(&payload[kChunkHeaderBytes + 4 * i]);

  // What follows the header are sample bytes; a chunk carries at least one.
  bytes = payload.subspan(header.bytes());
  if (bytes.empty()) return DropReason::empty;

  // Bytes 16-31, offset and length: the chunk ends at or before a known end, and before 2^64 in any case.
  if (header.offset > UINT64_MAX - bytes.size()) return DropReason::out_of_range;
  if (header.length != 0 && header.offset + bytes.size() > header.length) return DropReason::out_of_range;
  return std::nullopt;
}

ExpectedChunk::ExpectedChunk(uint32_t digest, uint64_t sample_bytes, const uint32_t (&dims)[3])
    : sample_bytes_(sample_bytes) {
  store_be64(reinterpret_cast<uint8_t*>(&length_), sample_bytes);
  store_be32(reinterpret_cast<uint8_t*>(&digest_), digest);
  for (size_t i = 0; i < 3; ++i) store_be32(dims_ + 4 * i, dims[i]);
}

void build_chunk(uint8_t* out, const ChunkHeader& header) {
  out[0] = static_cast<uint8_t>(kChunkVersion << 4 | (header.rank & 0x0f));
  out[1] = header.output;
  store_be16(out + 2, header.sequence_high);
  store_be32(out + 4, header.digest);
  store_be64(out + 8, header.request_id);
  store_be64(out + 16, header.offset);
  store_be64(out + 24, header.length);
  for (size_t i = 0; i < header.rank; ++i) store_be32(out + kChunkHeaderBytes + 4 * i, header.dims[i]);
}

}  // namespace onpath
