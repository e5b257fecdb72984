// libFuzzer target: arbitrary bytes through frame, RTP and both payload parsers, and from fuzzed fields
// through the builders and back. Byte 0 of the input chooses where parsing begins, byte 1 the video geometry;
// the rest is the packet.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <span>
#include <vector>

#include "base/big_endian.h"
#include "wire/chunk.h"
#include "wire/frame.h"
#include "wire/rfc4175.h"
#include "wire/rtp.h"

namespace onpath {
namespace {

using Bytes = std::span<const uint8_t>;

constexpr VideoGeometry kGeometries[] = {{36, 9, 3, 1},
                                         {36, 9, 4, 1},
                                         {36, 9, 4, 2},
                                         {5, 3, 4, 2},
                                         {1, 1, 3, 1},
                                         {32768, 32768, 4, 1},
                                         {0xffffffff, 0xffffffff, 5, 2}};

void require(bool holds) {
  if (!holds) std::abort();
}

void require_inside(Bytes part, Bytes whole) {
  require(part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void check_chunk(Bytes payload) {
  ChunkHeader header;
  Bytes bytes;
  if (parse_chunk(payload, header, bytes)) return;
  require(!bytes.empty());
  require_inside(bytes, payload);
  require(header.offset + bytes.size() > header.offset);
  require(header.length == 0 || header.offset + bytes.size() <= header.length);

  // A header has one form: what was parsed is built again from its fields.
  std::vector<uint8_t> built(header.bytes());
  build_chunk(built.data(), header);
  require(std::memcmp(built.data(), payload.data(), built.size()) == 0);
}

void check_video(Bytes payload, const VideoGeometry& geometry) {
  VideoPayload video;
  if (parse_rfc4175(payload, geometry, video)) return;
  require(video.count >= 1 && video.count <= kMaxVideoSegments);
  const uint8_t* previous_end = payload.data();
  for (uint32_t i = 0; i < video.count; ++i) {
    const VideoSegment& segment = video.segments[i];
    require_inside(segment.bytes, payload);
    require(segment.bytes.data() >= previous_end);
    previous_end = segment.bytes.data() + segment.bytes.size();
    require(segment.offset % geometry.group_bytes == 0 && segment.bytes.size() % geometry.group_bytes == 0);
    require(!segment.bytes.empty() && segment.offset + segment.bytes.size() <= geometry.frame_bytes());
  }
  require(previous_end == payload.data() + payload.size());
}

void check_datagram(Bytes datagram, const VideoGeometry& geometry) {
  RtpPacket packet;
  if (parse_rtp(datagram, packet)) return;
  require_inside(packet.payload, datagram);
  check_chunk(packet.payload);
  check_video(packet.payload, geometry);
}

void check_frame(Bytes frame, FrameChecks checks, const VideoGeometry& geometry) {
  Datagram datagram;
  if (parse_frame(frame, checks, datagram)) return;
  require_inside(datagram.payload, frame);
  check_datagram(datagram.payload, geometry);
}

/// Builds a frame around `payload`, addressed by its first bytes, and expects every field back.
void check_frame_round_trip(Bytes payload, bool v4) {
  uint8_t fields[36] = {};
  std::memcpy(fields, payload.data(), std::min(payload.size(), sizeof fields));
  Endpoint source, destination;
  if (v4) {
    source.address = IpAddress::v4(load_be32(fields));
    destination.address = IpAddress::v4(load_be32(fields + 16));
  } else {
    std::memcpy(source.address.bytes.data(), fields, 16);
    std::memcpy(destination.address.bytes.data(), fields + 16, 16);
    source.address.bytes[0] |= 0x20;
    destination.address.bytes[0] |= 0x20;
  }
  source.port = load_be16(fields + 32);
  destination.port = load_be16(fields + 34);

  std::vector<uint8_t> frame(udp_headers_bytes(v4) + payload.size());
  if (!payload.empty()) std::memcpy(frame.data() + udp_headers_bytes(v4), payload.data(), payload.size());
  require(build_frame(frame.data(), {}, {}, source, destination, payload.size(), source.port) ==
          frame.size());
  Datagram datagram;
  require(!parse_frame(frame, {}, datagram));
  require(datagram.source == source && datagram.destination == destination);
  require(datagram.payload.size() == payload.size() &&
          datagram.payload.data() + payload.size() == frame.data() + frame.size());
}

/// Cuts a frame whose bytes are the input, repeated, into payloads of fuzzed sizes, and expects the frame
/// back.
void check_video_round_trip(Bytes seed, VideoGeometry geometry) {
  if (seed.empty()) return;
  geometry.width = geometry.width % 40 + 1;
  geometry.height = geometry.height % 20 + 1;
  std::vector<uint8_t> frame(geometry.frame_bytes()), received(frame.size());
  for (size_t i = 0; i < frame.size(); ++i) frame[i] = static_cast<uint8_t>(seed[i % seed.size()] + i);
  uint64_t offset = 0;
  for (size_t step = 0; offset < frame.size(); ++step) {
    const size_t capacity = 8 + geometry.group_bytes + seed[step % seed.size()] * 4u;
    std::vector<uint8_t> payload(capacity);
    const size_t size = build_rfc4175(frame, geometry, 1, offset, payload.data(), capacity);
    require(size > 0 && size <= capacity);
    VideoPayload video;
    require(!parse_rfc4175(Bytes(payload).first(size), geometry, video));
    for (uint32_t i = 0; i < video.count; ++i) {
      std::memcpy(received.data() + video.segments[i].offset, video.segments[i].bytes.data(),
                  video.segments[i].bytes.size());
    }
  }
  require(received == frame);
}

}  // namespace
}  // namespace onpath

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace onpath;
  if (size < 2 || size > 60000) return 0;
  const VideoGeometry& geometry = kGeometries[data[1] % std::size(kGeometries)];
  const std::span<const uint8_t> packet(data + 2, size - 2);
  switch (data[0] % 7) {
    case 0:
      check_frame(packet, {true, true}, geometry);
      break;
    case 1:
      check_frame(packet, {false, false}, geometry);
      break;
    case 2:
      check_datagram(packet, geometry);
      break;
    case 3:
      check_chunk(packet);
      break;
    case 4:
      check_video(packet, geometry);
      break;
    case 5:
      check_frame_round_trip(packet, data[1] % 2 == 0);
      break;
    case 6:
      check_video_round_trip(packet, geometry);
      break;
  }
  return 0;
}
