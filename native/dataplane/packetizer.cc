#include "dataplane/packetizer.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "plan/text_plan.h"
#include "wire/rtp.h"

namespace onpath {
namespace {

constexpr size_t kVideoHeaderBytes =
    2 + 6;  // extended sequence number and one line header (RFC 4175 section 4.1)

}  // namespace

Result<Packetizer> Packetizer::make(const SampleFormat& format, const Options& options) {
  Packetizer made;
  made.options_ = options;
  made.geometry_ = {format.width, format.height, format.element_bytes, pixel_group_pixels(format.format)};
  made.chunk_.digest = format.digest;
  made.chunk_.length = format.bytes;
  if (options.send_dims) {
    made.chunk_.rank = 2;
    made.chunk_.dims[0] = format.height;
    made.chunk_.dims[1] = format.width;
  }
  if (options.payload_type > 127) {
    return Error{ErrorCode::INVALID_ARGUMENT,
                 "payloadType is " + std::to_string(options.payload_type) + ", expected 0 to 127."};
  }
  const bool video = options.payload == PayloadFormat::rfc4175;
  if (video && !format.row_major) {
    return Error{ErrorCode::UNSUPPORTED,
                 "RFC 4175 carries row-major images, not '" + format.text + "'. Send that as onpath chunks."};
  }
  if (video && format.format == PixelFormat::gray) {
    return Error{ErrorCode::UNSUPPORTED,
                 "RFC 4175 has no sampling for gray. Send it as onpath chunks, or as rgb."};
  }
  if (video && (format.width > kMaxVideoSide || format.height > kMaxVideoSide)) {
    return Error{ErrorCode::UNSUPPORTED,
                 "RFC 4175 numbers lines and pixels in 15 bits: " + std::to_string(format.width) + "x" +
                     std::to_string(format.height) + " is beyond " + std::to_string(kMaxVideoSide) +
                     " a side. Send it as onpath chunks."};
  }
  const uint64_t headers = kRtpHeaderBytes + (video ? kVideoHeaderBytes : made.chunk_.bytes());
  made.chunk_bytes_ = element_room(options.max_payload_bytes, headers, format.element_bytes);
  if (made.chunk_bytes_ == 0) {
    return Error{ErrorCode::INVALID_ARGUMENT,
                 "maxPayloadBytes is " + std::to_string(options.max_payload_bytes) + ", expected at least " +
                     std::to_string(headers + format.element_bytes) + " to hold the headers and one " +
                     (pixel_group_pixels(format.format) == 1 ? "pixel." : "group of pixels.")};
  }
  return made;
}

Result<Packetizer> Packetizer::make_for_texts(const Options& options) {
  SampleFormat format;
  format.element_bytes = 1;
  format.text = text_format().text;
  format.digest = text_format().digest;
  if (options.payload != PayloadFormat::chunk) {
    return Error{ErrorCode::UNSUPPORTED, "RFC 4175 carries images, not texts. Send them as onpath chunks."};
  }
  return make(format, options);
}

void Packetizer::begin_part(std::span<const uint8_t> bytes, uint32_t timestamp, uint64_t request_id,
                            uint64_t offset, bool last, uint64_t length) {
  begin(bytes, timestamp, request_id);
  before_ = offset;
  marks_ = last;
  ends_ = last && bytes.empty();
  chunk_.length = length;
}

void Packetizer::begin(std::span<const uint8_t> bytes, uint32_t timestamp, uint64_t request_id) {
  bytes_ = bytes;
  offset_ = 0;
  timestamp_ = timestamp;
  chunk_.request_id = request_id;
}

uint32_t Packetizer::next(uint8_t* out) {
  uint8_t* payload = out + kRtpHeaderBytes;
  size_t length = 0;
  const auto sequence_high = static_cast<uint16_t>(sequence_ >> 16);
  if (options_.payload == PayloadFormat::rfc4175) {
    length = build_rfc4175(bytes_, geometry_, sequence_high, offset_, payload,
                           options_.max_payload_bytes - kRtpHeaderBytes);
    if (length == 0) offset_ = bytes_.size();  // never: make() saw that a pixel fits
  } else {
    const uint64_t bytes = std::min(chunk_bytes_, bytes_.size() - offset_);
    chunk_.sequence_high = sequence_high;
    chunk_.offset = before_ + offset_;
    if (marks_ && offset_ + bytes == bytes_.size() && chunk_.length == 0)
      chunk_.length = before_ + bytes_.size();
    build_chunk(payload, chunk_);
    if (bytes > 0) std::memcpy(payload + chunk_.bytes(), bytes_.data() + offset_, bytes);
    ends_ = false;
    length = chunk_.bytes() + bytes;
    offset_ += bytes;
  }
  RtpPacket rtp;
  rtp.payload_type = options_.payload_type;
  rtp.marker = marks_ && done();
  rtp.sequence = static_cast<uint16_t>(sequence_++);
  rtp.timestamp = timestamp_;
  rtp.ssrc = options_.ssrc;
  build_rtp(out, rtp);
  return static_cast<uint32_t>(kRtpHeaderBytes + length);
}

}  // namespace onpath
