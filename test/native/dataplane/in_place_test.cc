// Forwarding in place: the packet that leaves is the buffer that came, and nobody on the wire can tell. Two
// planes get the same packets, one with ports that share buffers, one without.
#include <gtest/gtest.h>

#include <map>

#include "dataplane/stepped_plane.h"
#include "wire/rfc4175.h"

namespace onpath::testing {
namespace {

/// How packets arrive, beside what they carry.
struct Wire {
  bool v4 = true;
  int vlan_tags = 0;
  size_t padding = 0;  // behind the IP packet
};

Bytes frame_of(const Bytes& rtp, const Wire& wire) {
  const Endpoint source = endpoint(wire.v4 ? "10.0.0.2" : "2001:db8::2", 40000);
  const Endpoint destination = endpoint(wire.v4 ? "10.0.0.1" : "2001:db8::1", kUdpPort);
  const size_t headers = udp_headers_bytes(wire.v4);
  Bytes frame(headers + rtp.size());
  std::copy(rtp.begin(), rtp.end(), frame.begin() + static_cast<int64_t>(headers));
  build_frame(frame.data(), {2, 0, 0, 0, 0, 2}, {2, 0, 0, 0, 0, 1}, source, destination, rtp.size(), 0);
  for (int tag = 0; tag < wire.vlan_tags; ++tag)
    frame.insert(frame.begin() + 12, {0x81, 0x00, 0x00, static_cast<uint8_t>(tag + 1)});
  frame.insert(frame.end(), wire.padding, 0xEE);
  return frame;
}

RouteConfig forwarding(ProgramPtr program, bool v4, uint32_t max_payload_bytes = 1400) {
  ForwardSinkConfig sink;
  sink.port = "q";
  sink.source = endpoint(v4 ? "10.0.1.1" : "2001:db8:1::1", 6000);
  sink.destination = endpoint(v4 ? "10.0.1.2" : "2001:db8:1::2", 6001);
  sink.destination_mac = {2, 0, 0, 0, 0, 9};
  sink.ssrc = 500;
  sink.max_payload_bytes = max_payload_bytes;
  RouteConfig route = route_to_host(std::move(program));
  route.sink = sink;
  return route;
}

/// A plane whose ports share buffers, and one whose ports do not.
class Twins {
 public:
  explicit Twins(const RouteConfig& route, uint32_t headroom = 128, bool nic_fills_checksums = false)
      : in_place({route}, ONPATH_FRAMING_ETHERNET, {}, {},
                 [&](FakePort& in, FakePort& out) {
                   in.share_buffers(&domain_, headroom);
                   out.share_buffers(&domain_, 0);
                   if (nic_fills_checksums) out.table().features |= ONPATH_PORT_FILLS_CHECKSUMS;
                 }),
        copying({route}) {}

  void arrive(const Bytes& frame) {
    in_place.in.arrive(frame);
    copying.in.arrive(frame);
  }
  void poll() {
    in_place.poll();
    copying.poll();
  }
  uint32_t taken_over() const { return in_place.out.taken_over; }

  /// Everything seen from outside is the same, and every buffer has gone back.
  void expect_equal() {
    EXPECT_EQ(in_place.out.sent, copying.out.sent);
    for (const auto counter :
         {&RouteCounters::packets_used, &RouteCounters::bytes_used, &RouteCounters::overlap_bytes,
          &RouteCounters::samples_opened, &RouteCounters::samples_complete, &RouteCounters::samples_sent,
          &RouteCounters::packets_forwarded}) {
      EXPECT_EQ((in_place.route().*counter).get(), (copying.route().*counter).get());
    }
    for (size_t i = 0; i < kDropReasonCount; ++i) {
      const auto reason = static_cast<DropReason>(i);
      EXPECT_EQ(in_place.dropped(reason), copying.dropped(reason)) << drop_reason_name(reason);
      EXPECT_EQ(in_place.port_dropped(reason, 1), copying.port_dropped(reason, 1))
          << drop_reason_name(reason);
    }
    EXPECT_EQ(in_place.unaccounted(), 0);
    in_place.finish();
    copying.finish();
    EXPECT_EQ(in_place.in.outstanding, 0u);
    EXPECT_EQ(in_place.out.outstanding, 0u);
    EXPECT_EQ(copying.in.outstanding, 0u);
    EXPECT_EQ(copying.out.outstanding, 0u);
  }

 private:
  int domain_ = 0;

 public:
  SteppedPlane in_place, copying;
};

/// The samples that left, by timestamp; every byte is to come exactly once.
std::map<uint32_t, Bytes> assemble(const std::vector<Bytes>& frames, uint64_t bytes) {
  std::map<uint32_t, Bytes> samples, seen;
  for (const Bytes& frame : frames) {
    Datagram datagram;
    RtpPacket rtp;
    ChunkHeader chunk;
    std::span<const uint8_t> data;
    EXPECT_FALSE(parse_frame(frame, {}, datagram));
    EXPECT_FALSE(parse_rtp(datagram.payload, rtp));
    EXPECT_FALSE(parse_chunk(rtp.payload, chunk, data));
    samples[rtp.timestamp].resize(bytes);
    seen[rtp.timestamp].resize(bytes);
    for (size_t i = 0; i < data.size(); ++i) {
      EXPECT_EQ(seen[rtp.timestamp][chunk.offset + i]++, 0);
      samples[rtp.timestamp][chunk.offset + i] = data[i];
    }
  }
  return samples;
}

/// A program that works in place: tables for all channels or for each, channels changed, both, or neither.
ProgramPtr random_program(Random& random) {
  static constexpr std::pair<PixelFormat, PixelFormat> kFormats[] = {
      {PixelFormat::gray, PixelFormat::gray}, {PixelFormat::rgb, PixelFormat::rgb},
      {PixelFormat::rgb, PixelFormat::bgr},   {PixelFormat::bgr, PixelFormat::rgb},
      {PixelFormat::rgba, PixelFormat::rgba}, {PixelFormat::bgra, PixelFormat::rgba}};
  const auto [from, to] = kFormats[random.below(6)];
  std::vector<StageSpec> stages;
  if (from != to) stages.push_back(ChannelsSpec{to});
  if (!random.one_in(4)) {
    LookupSpec lookup;
    lookup.tables = random.one_in(2) ? 1 : pixel_format_channels(from);
    lookup.dtype = random.one_in(3) ? DType::int8 : DType::uint8;
    lookup.data = random.noise(size_t{lookup.tables} * 256);
    stages.push_back(std::move(lookup));
  }
  return must_bind(must_compile(pipeline(random.between(1, 48), random.between(1, 24), from, stages)));
}

TEST(InPlace, SameBitsOnTheWireForEveryCutOrderRepetitionAndHeaderLength) {
  Random random(test_seed());
  uint32_t taken_over = 0;
  for (uint64_t round = 0; round < 3000 / kSlowdown; ++round) {
    SCOPED_TRACE(round);
    const ProgramPtr program = random_program(random);
    ASSERT_TRUE(program->plan().works_in_place());
    static constexpr uint32_t kHeadrooms[] = {0, 1, 12, 20, 128};
    const Wire wire{!random.one_in(3), static_cast<int>(random.below(3)), random.below(3) * 9};
    const RouteConfig route = forwarding(program, !random.one_in(3), random.between(120, 1400));
    Twins twins(route, kHeadrooms[random.below(5)], random.one_in(2));

    std::vector<ChunkPacket> packets;
    const uint32_t samples = random.between(1, 3);
    const auto dims = program->plan().outputs()[0].shape;  // of the input too: its size and channels are kept
    const uint64_t element = program->plan().input().element_bytes;
    for (uint32_t t = 0; t < samples; ++t) {
      const Bytes sample = sample_of(*program, round * 10 + t);
      for (uint32_t again = 0; again < 1 + random.below(3); ++again) {  // cut again at other places
        for (ChunkPacket packet : cut(*program, sample, element * random.between(1, 400), 100 + t, t)) {
          if (random.one_in(2)) packet.dims = dims;
          packets.push_back(packet);
          if (random.one_in(5)) packets.push_back(packet);
        }
      }
    }
    if (!random.one_in(3)) random.shuffle(packets);
    for (const ChunkPacket& packet : packets) {
      twins.arrive(frame_of(rtp_of(packet), wire));
      if (random.one_in(4)) twins.poll();
    }
    twins.poll();

    const auto out = assemble(twins.in_place.out.sent, program->plan().outputs()[0].bytes);
    for (uint32_t t = 0; t < samples; ++t)
      ASSERT_EQ(out.at(100 + t), expected_of(*program, sample_of(*program, round * 10 + t)));
    twins.expect_equal();
    taken_over += twins.taken_over();
    if (HasFailure()) return;
  }
  EXPECT_GT(taken_over, 5000 / kSlowdown);
}

TEST(InPlace, RawVideoLeavesAsTheBufferThatCameIfItIsOneRun) {
  constexpr uint32_t kWidth = 40, kHeight = 30;
  LookupSpec lookup;
  lookup.data = Random(1).noise(256);
  const ProgramPtr program = must_bind(must_compile(pipeline(kWidth, kHeight, PixelFormat::rgb, {lookup})));
  RouteConfig route = forwarding(program, true);
  route.payload = PayloadFormat::rfc4175;
  Twins twins(route);
  const Bytes sample = sample_of(*program, 1);
  uint32_t packets = 0;
  for (uint64_t offset = 0; offset < sample.size(); ++packets) {
    Bytes rtp(1300);
    RtpPacket header;
    header.payload_type = kPayloadType;
    build_rtp(rtp.data(), header);
    rtp.resize(kRtpHeaderBytes + build_rfc4175(sample, {kWidth, kHeight, 3, 1}, 0, offset,
                                               rtp.data() + kRtpHeaderBytes, rtp.size() - kRtpHeaderBytes));
    twins.arrive(frame_of(rtp, {}));
  }
  // Two lines that do not follow one another: two runs, which leave as two chunks.
  twins.poll();
  EXPECT_EQ(twins.taken_over(), packets);
  EXPECT_EQ(assemble(twins.in_place.out.sent, sample.size())[0], expected_of(*program, sample));

  Bytes rtp(kRtpHeaderBytes + 2 + 2 * 6 + 6, 7);
  RtpPacket header;
  header.payload_type = kPayloadType;
  header.timestamp = 9;
  build_rtp(rtp.data(), header);
  const uint8_t lines[] = {0, 0, 0, 3, 0, 1, 0x80, 0, 0, 3, 0, 5, 0, 0};
  std::copy(std::begin(lines), std::end(lines), rtp.begin() + kRtpHeaderBytes);
  twins.arrive(frame_of(rtp, {}));
  twins.poll();
  EXPECT_EQ(twins.in_place.out.sent.size(), packets + 2);
  EXPECT_EQ(twins.taken_over(), packets);
  twins.expect_equal();
}

TEST(InPlace, WhatCannotLeaveInItsBufferIsCopied) {
  const ProgramPtr program = copy_program(16, 8);
  const auto send = [&](Twins& twins, const std::vector<ChunkPacket>& packets) {
    for (const ChunkPacket& packet : packets) twins.arrive(frame_of(rtp_of(packet), {}));
    twins.poll();
    twins.expect_equal();
    return twins.taken_over();
  };
  const auto packets = cut(*program, sample_of(*program, 1), 96, 1);
  {
    Twins twins(forwarding(program, true));
    EXPECT_EQ(send(twins, packets), packets.size());
  }
  {
    Twins twins(forwarding(program, true));
    twins.in_place.in.read_only = true;
    EXPECT_EQ(send(twins, packets), 0u) << "read only";
  }
  {
    Twins twins(forwarding(program, true), 11);  // what leaves says its three dimensions
    EXPECT_EQ(send(twins, packets), 0u) << "12 bytes of headroom are needed";
  }
  {
    Twins twins(forwarding(program, true), 12);
    EXPECT_EQ(send(twins, packets), packets.size());
  }
  {
    Twins twins(forwarding(program, false), 31);
    EXPECT_EQ(send(twins, packets), 0u) << "IPv6 takes 20 more";
  }
  {
    Twins twins(forwarding(program, true, kRtpHeaderBytes + kChunkHeaderBytes + 12 + 95));
    EXPECT_EQ(send(twins, packets), 0u) << "over maxPayloadBytes";
  }
  {
    Twins twins(forwarding(program, true));
    EXPECT_EQ(send(twins, {packets[0], packets[0], packets[1]}), 2u) << "a duplicate is dropped";
  }
  {
    ChunkPacket partly = packets[0];
    partly.offset = 48;
    Twins twins(forwarding(program, true));
    EXPECT_EQ(send(twins, {packets[0], partly, packets[2]}), 2u) << "half of it had come before";
  }
}

TEST(InPlace, OnlyPlansThatKeepPlaceAndLengthDoIt) {
  OutputSpec chw;
  chw.layout = Layout::chw;
  const auto in_place = [](const PipelineSpec& spec) { return must_compile(spec)->works_in_place(); };
  LookupSpec wide;
  wide.dtype = DType::float16;
  wide.data.resize(512);
  EXPECT_TRUE(in_place(pipeline(8, 8, PixelFormat::gray, {}, chw)));
  EXPECT_TRUE(in_place(pipeline(8, 8, PixelFormat::rgb, {ChannelsSpec{PixelFormat::bgr}})));
  EXPECT_FALSE(in_place(pipeline(8, 8, PixelFormat::rgb, {}, chw)));
  EXPECT_FALSE(in_place(pipeline(8, 8, PixelFormat::rgba, {ChannelsSpec{PixelFormat::rgb}})));
  EXPECT_FALSE(in_place(pipeline(8, 8, PixelFormat::gray, {ChannelsSpec{PixelFormat::rgb}})));
  EXPECT_FALSE(in_place(pipeline(8, 8, PixelFormat::rgb, {wide})));
  EXPECT_FALSE(in_place(pipeline(8, 8, PixelFormat::rgb, {CropSpec{0, 0, 4, 8}})));
  EXPECT_FALSE(in_place(pipeline(8, 8, PixelFormat::rgb, {resize_to(4, 4)})));
}

TEST(InPlace, AFullTransmitQueueLosesPacketsAndNoBuffers) {
  const ProgramPtr program = copy_program(16, 8);
  Twins twins(forwarding(program, true));
  twins.in_place.out.accepts = twins.copying.out.accepts = 0;
  for (uint32_t t = 0; t < 600; ++t) {
    for (const ChunkPacket& packet : cut(*program, sample_of(*program, t), 192, t))
      twins.arrive(frame_of(rtp_of(packet), {}));
    twins.poll();
  }
  EXPECT_EQ(twins.in_place.port_dropped(DropReason::transmit_failed, 1), 1200u - 512u);
  twins.in_place.out.accepts = twins.copying.out.accepts = 100;
  twins.in_place.pass(1000);
  twins.copying.pass(1000);
  EXPECT_EQ(twins.taken_over(), 100u);
  twins.expect_equal();  // what was never taken is released at the end
}

TEST(InPlace, PortsThatDoNotShareBuffersCopy) {
  const ProgramPtr program = copy_program(16, 8);
  int one = 0, other = 0;
  SteppedPlane plane({forwarding(program, true)}, ONPATH_FRAMING_ETHERNET, {}, {},
                     [&](FakePort& in, FakePort& out) {
                       in.share_buffers(&one, 128);
                       out.share_buffers(&other, 128);
                     });
  for (const ChunkPacket& packet : cut(*program, sample_of(*program, 1), 96, 1))
    plane.in.arrive(frame_of(rtp_of(packet), {}));
  plane.poll();
  EXPECT_EQ(plane.out.sent.size(), 4u);
  EXPECT_EQ(plane.out.taken_over, 0u);
}

}  // namespace
}  // namespace onpath::testing
