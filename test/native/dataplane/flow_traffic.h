// Traffic for comparing two ways of taking packets: a few streams that take turns, most of them good, with
// everything now and then that Ethernet, IP, UDP, RTP and the payload formats allow or forbid.
#pragma once

#include <algorithm>
#include <array>
#include <deque>

#include "dataplane/plane_testing.h"
#include "wire/rfc4175.h"

namespace onpath::testing {

class Traffic {
 public:
  /// Payload types of the routes; kWithMarker reads as RTCP when the marker is set.
  static constexpr uint8_t kToHost = 96, kForwarded = 97, kWithMarker = 70, kVideo = 98;
  static constexpr uint32_t kWidth = 16, kHeight = 8;  // of all samples, rgb

  explicit Traffic(Random& random) : random_(random) {}

  Bytes next() {
    if (!sent_.empty() && random_.one_in(10)) {  // again, as it was or damaged
      Bytes again = sent_[random_.below(static_cast<uint32_t>(sent_.size()))];
      if (random_.one_in(2)) damage(again);
      return again;
    }
    Bytes frame = fresh();
    sent_.push_back(frame);
    if (sent_.size() > 40) sent_.pop_front();
    if (random_.one_in(12)) damage(frame);
    return frame;
  }

 private:
  struct Sender {
    uint32_t timestamp = 1;
    uint64_t offset = 0;
  };

  Bytes fresh() {
    const uint32_t which = random_.below(6);
    Sender& sender = senders_[which];
    ChunkPacket packet;
    packet.ssrc = which / 2;  // two senders share it
    static constexpr uint8_t kTypes[] = {kToHost, kForwarded, kToHost, kWithMarker, kVideo, kForwarded};
    packet.payload_type = kTypes[random_.one_in(30) ? random_.below(6) : which];
    packet.marker = random_.one_in(packet.payload_type == kWithMarker ? 20 : 2);
    packet.timestamp = sender.timestamp - (random_.one_in(20) ? 1 : 0);
    packet.request_id = random_.one_in(40) ? 1 : packet.timestamp * 2;
    packet.length = random_.one_in(12) ? 0 : kSampleBytes;
    packet.digest = digest_;
    packet.offset = random_.one_in(20) ? random_.below(kSampleBytes + 20) : sender.offset;
    const uint32_t most =
        static_cast<uint32_t>(kSampleBytes - std::min<uint64_t>(packet.offset, kSampleBytes));
    const uint64_t bytes =
        random_.one_in(20) ? random_.below(200) : std::min(48 * (1 + random_.below(4)), most);
    packet.bytes = random_.noise(bytes);
    sender.offset = packet.offset + bytes;
    if (sender.offset >= kSampleBytes) ++sender.timestamp, sender.offset = 0;
    switch (random_.below(4)) {
      case 0:
        packet.dims = {kHeight, kWidth};
        break;
      case 1:
        packet.dims = {kHeight, kWidth, 3};
        break;
      case 2:
        packet.dims = {kHeight, kWidth, 3 + random_.below(2)};
        break;
      default:
        break;
    }
    return frame_around(packet.payload_type == kVideo ? video(packet) : rtp_of(packet), which);
  }

  Bytes video(const ChunkPacket& like) {
    RtpPacket rtp;
    rtp.payload_type = kVideo;
    rtp.timestamp = like.timestamp;
    rtp.ssrc = like.ssrc;
    const Bytes frame = random_.noise(kSampleBytes);
    Bytes out(kRtpHeaderBytes + 200);
    build_rtp(out.data(), rtp);
    uint64_t offset = like.offset % kSampleBytes / 3 * 3;
    out.resize(kRtpHeaderBytes +
               build_rfc4175(frame, {kWidth, kHeight, 3, 1}, 0, offset, out.data() + kRtpHeaderBytes, 200));
    return out;
  }

  Bytes frame_around(Bytes rtp, uint32_t which) {
    if (random_.one_in(20)) {  // RTP padding
      rtp[0] |= 0x20;
      rtp.insert(rtp.end(), {0, 0, 3});
    }
    if (random_.one_in(20)) {  // a CSRC
      ++rtp[0];
      rtp.insert(rtp.begin() + 12, {1, 2, 3, 4});
    }
    const bool v4 = !random_.one_in(12);
    const Endpoint from = endpoint(!v4                  ? "2001:db8::2"
                                   : random_.one_in(20) ? "10.0.0.9"
                                                        : "10.0.0.2",
                                   static_cast<uint16_t>(40000 + which % 2));
    const Endpoint to = endpoint(v4 ? "10.0.0.1" : "2001:db8::1", kUdpPort);
    const size_t headers = udp_headers_bytes(v4);
    Bytes frame(headers + rtp.size());
    std::copy(rtp.begin(), rtp.end(), frame.begin() + static_cast<int64_t>(headers));
    FrameOptions options;
    options.hop_limit = random_.byte();
    build_frame(frame.data(), {2}, {2, 0, 0, 0, 0, 1}, from, to, rtp.size(),
                static_cast<uint16_t>(random_.next()), options);
    if (v4 && random_.one_in(2)) frame[40] = frame[41] = 0;
    if (v4 && random_.one_in(20)) frame[15] = random_.byte(), mend(frame);  // DSCP and ECN
    if (v4 && random_.one_in(20)) frame[20 + random_.below(2)] ^= random_.byte(), mend(frame);  // fragments
    if (v4 && random_.one_in(20)) add_options(frame);
    for (uint32_t tags = random_.one_in(12) ? 1 + random_.below(3) : 0; tags > 0; --tags)
      frame.insert(frame.begin() + 12, {0x81, 0, 0, 7});
    if (random_.one_in(8)) frame.insert(frame.end(), random_.below(30), 0xee);
    return frame;
  }

  static void mend(Bytes& frame) {
    const size_t bytes = size_t{frame[14] & 0x0fu} * 4;
    frame[24] = frame[25] = 0;
    const uint16_t sum = checksum_fold(checksum_add({frame.data() + 14, bytes}));
    frame[24] = static_cast<uint8_t>(sum >> 8);
    frame[25] = static_cast<uint8_t>(sum);
  }
  static void add_options(Bytes& frame) {
    frame.insert(frame.begin() + 34, {1, 1, 1, 0});
    ++frame[14];
    frame[17] = static_cast<uint8_t>(frame[17] + 4);
    mend(frame);
  }

  void damage(Bytes& frame) {
    if (random_.one_in(4)) frame.resize(random_.below(static_cast<uint32_t>(frame.size()) + 1));
    for (uint32_t i = random_.below(3); i > 0 && !frame.empty(); --i) {
      const auto headers = static_cast<uint32_t>(std::min<size_t>(frame.size(), 112));
      frame[random_.below(headers)] ^=
          random_.one_in(2) ? random_.byte() : static_cast<uint8_t>(1u << random_.below(8));
    }
    if (frame.size() > 60 && frame[14] == 0x45 && random_.one_in(2)) {
      mend(frame);
      if (random_.one_in(2)) frame[40] = frame[41] = 0;
    }
  }

  static constexpr uint64_t kSampleBytes = uint64_t{kWidth} * kHeight * 3;
  Random& random_;
  const uint32_t digest_ = copy_program(kWidth, kHeight)->plan().input().digest;
  std::array<Sender, 6> senders_;
  std::deque<Bytes> sent_;
};

}  // namespace onpath::testing
