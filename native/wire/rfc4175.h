// RTP payload of raw video (RFC 4175), 8-bit samplings.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/drop_reason.h"

namespace onpath {

/// Frame geometry: a pixel group of `group_bytes` covers `group_pixels` pixels of a line (RGB 3/1, RGBA 4/1,
/// UYVY 4/2, gray is not in the RFC).
struct VideoGeometry {
  uint32_t width = 0;
  uint32_t height = 0;
  uint32_t group_bytes = 3;
  uint32_t group_pixels = 1;

  /// A width that is no multiple of group_pixels ends in a group that is only partly shown.
  uint64_t groups_per_line() const { return (uint64_t{width} + group_pixels - 1) / group_pixels; }
  uint64_t line_bytes() const { return groups_per_line() * group_bytes; }
  uint64_t frame_bytes() const { return line_bytes() * height; }
};

/// A run of whole pixel groups: `offset` counts in the row-major frame. Line headers that follow one another
/// in the frame (the end of a line and the start of the next) make one run, so a run can span many lines.
struct VideoSegment {
  uint64_t offset = 0;
  std::span<const uint8_t> bytes;
};

/// Line numbers and pixel offsets have 15 bits.
inline constexpr uint32_t kMaxVideoSide = 32768;

inline constexpr size_t kMaxVideoSegments = 32;

struct VideoPayload {
  uint16_t sequence_high = 0;
  uint32_t count = 0;
  VideoSegment segments[kMaxVideoSegments];
};

/// Checks every line header before anything is used: field bit (interlaced), line and pixel offset inside the
/// frame (out_of_range), offsets and lengths in whole groups (misaligned), data present and none left over
/// (bad_payload_header), more than kMaxVideoSegments runs (bad_payload_header; the number of line headers is
/// not limited). Zero-length line headers are skipped; a payload with none left, or with no bytes at all, is
/// `empty`. Geometry: all four fields at least 1. After a drop `out` is unspecified.
std::optional<DropReason> parse_rfc4175(std::span<const uint8_t> payload, const VideoGeometry& geometry,
                                        VideoPayload& out);

/// Writes one payload that starts at `offset` of the row-major frame and holds as many whole groups as fit
/// `capacity` bytes, in one or more line headers. `frame` is the whole frame, without padding between lines.
/// Returns payload bytes written; `offset` moves past what was put in. 0 if nothing fits, if `offset` is not
/// at a group of the frame, or if the frame is larger than the 15-bit fields can say (32768x32768).
size_t build_rfc4175(std::span<const uint8_t> frame, const VideoGeometry& geometry, uint16_t sequence_high,
                     uint64_t& offset, uint8_t* payload, size_t capacity);

}  // namespace onpath
