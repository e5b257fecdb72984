// RFC 4175 payloads. Edges out of parse_rfc4175: at least one segment, or bad_payload_header, interlaced,
// out_of_range, misaligned, empty.
//
// A row-major frame has no gap between its lines, so a line that ends and the next that begins are neighbours
// in the frame as they are in the payload. Such runs are handed on as one segment: a packet of ten lines
// costs what a packet of one costs.
#include "wire/rfc4175.h"

#include <algorithm>
#include <cstring>

#include "base/big_endian.h"

namespace onpath {
namespace {

constexpr size_t kSequenceHighBytes = 2;
constexpr size_t kLineHeaderBytes = 6;
constexpr uint32_t kMaxLineField = 0x7fff;  // line and pixel offset are 15-bit fields

/// Bytes of the extended sequence number and all line headers; 0 if they reach past the payload.
size_t headers_bytes(std::span<const uint8_t> payload) {
  size_t end = kSequenceHighBytes;
  bool continues = true;
  while (continues) {
    if (payload.size() - end < kLineHeaderBytes) return 0;
    continues = (payload[end + 4] & 0x80) != 0;
    end += kLineHeaderBytes;
  }
  return end;
}

/// One line header, checked against the geometry. Sets where its bytes belong in the frame, and how many they
/// are.
std::optional<DropReason> parse_line_header(const uint8_t* header, const VideoGeometry& geometry,
                                            uint64_t& offset, size_t& length) {
  length = load_be16(header);
  const uint32_t line = load_be16(header + 2) & kMaxLineField;
  const uint32_t pixel = load_be16(header + 4) & kMaxLineField;

  // RFC 4175 section 4.3, F: the field of an interlaced frame; 0 for progressive scan.
  if ((header[2] & 0x80) != 0) return DropReason::interlaced;

  // RFC 4175 section 4.3, Line No: lines of the frame, counted from 0.
  if (line >= geometry.height) return DropReason::out_of_range;

  // RFC 4175 section 4.3, Length and Offset: whole pixel groups, beginning at a pixel group.
  if (pixel % geometry.group_pixels != 0 || length % geometry.group_bytes != 0) return DropReason::misaligned;

  // RFC 4175 section 4.3, Offset: pixels into the line. The run ends within the same line.
  const uint64_t group = pixel / geometry.group_pixels;
  const uint64_t groups_per_line = geometry.groups_per_line();
  if (group + length / geometry.group_bytes > groups_per_line) return DropReason::out_of_range;

  offset = (line * groups_per_line + group) * geometry.group_bytes;
  return std::nullopt;
}

/// The run of the row-major frame that begins at byte `offset`, may stand under one line header, and fits
/// `capacity` bytes of data.
size_t run_bytes(const VideoGeometry& geometry, uint64_t offset, size_t capacity) {
  const uint64_t line_rest = geometry.line_bytes() - offset % geometry.line_bytes();
  const uint64_t most = std::min<uint64_t>({line_rest, capacity, 0xffff});
  return static_cast<size_t>(most - most % geometry.group_bytes);
}

}  // namespace

std::optional<DropReason> parse_rfc4175(std::span<const uint8_t> payload, const VideoGeometry& geometry,
                                        VideoPayload& out) {
  out.count = 0;
  if (payload.empty()) return DropReason::empty;

  // RFC 4175 section 4.3: 16 bits of extended sequence number, then line headers up to the first with C
  // clear.
  if (payload.size() < kSequenceHighBytes) return DropReason::bad_payload_header;
  out.sequence_high = load_be16(payload.data());
  const size_t data_begin = headers_bytes(payload);
  if (data_begin == 0) return DropReason::bad_payload_header;

  std::span<const uint8_t> data = payload.subspan(data_begin);
  for (size_t header = kSequenceHighBytes; header < data_begin; header += kLineHeaderBytes) {
    uint64_t offset = 0;
    size_t length = 0;
    if (auto reason = parse_line_header(&payload[header], geometry, offset, length)) return reason;

    // RFC 4175 section 4.1: the pixel data of each header follows, in the order of the headers.
    if (length > data.size()) return DropReason::bad_payload_header;
    const std::span<const uint8_t> bytes = data.first(length);
    data = data.subspan(length);
    if (length == 0) continue;

    if (out.count > 0) {
      VideoSegment& last = out.segments[out.count - 1];
      if (last.offset + last.bytes.size() == offset) {
        last.bytes = {last.bytes.data(), last.bytes.size() + length};
        continue;
      }
    }
    if (out.count == kMaxVideoSegments) return DropReason::bad_payload_header;
    out.segments[out.count++] = {offset, bytes};
  }
  // RFC 4175 section 4.3, Length: the headers account for every octet; what they leave over contradicts them.
  if (!data.empty()) return DropReason::bad_payload_header;
  if (out.count == 0) return DropReason::empty;
  return std::nullopt;
}

size_t build_rfc4175(std::span<const uint8_t> frame, const VideoGeometry& geometry, uint16_t sequence_high,
                     uint64_t& offset, uint8_t* payload, size_t capacity) {
  const uint64_t frame_bytes = geometry.frame_bytes();
  if (frame.size() < frame_bytes || offset >= frame_bytes || offset % geometry.group_bytes != 0) return 0;
  if (geometry.width > kMaxLineField + 1 || geometry.height > kMaxLineField + 1) return 0;

  // The data stands behind all headers, so first see how many headers and bytes there will be.
  size_t headers = kSequenceHighBytes;
  uint64_t end = offset;
  while (end < frame_bytes) {
    const size_t used = headers + kLineHeaderBytes + static_cast<size_t>(end - offset);
    const size_t run = used < capacity ? run_bytes(geometry, end, capacity - used) : 0;
    if (run == 0) break;
    headers += kLineHeaderBytes;
    end += run;
  }
  if (end == offset) return 0;

  store_be16(payload, sequence_high);
  uint64_t at = offset;
  for (uint8_t* header = payload + kSequenceHighBytes; header < payload + headers;
       header += kLineHeaderBytes) {
    const size_t run = run_bytes(geometry, at, static_cast<size_t>(end - at));
    const uint64_t pixel = at % geometry.line_bytes() / geometry.group_bytes * geometry.group_pixels;
    store_be16(header, static_cast<uint16_t>(run));
    store_be16(header + 2, static_cast<uint16_t>(at / geometry.line_bytes()));
    store_be16(header + 4, static_cast<uint16_t>(pixel));
    at += run;
    if (at < end) header[4] |= 0x80;  // C: another line header follows
  }
  const size_t data_bytes = static_cast<size_t>(end - offset);
  std::memcpy(payload + headers, frame.data() + offset, data_bytes);
  offset = end;
  return headers + data_bytes;
}

}  // namespace onpath
