// Forward sinks: what leaves are good onpath chunks that add up to the exact output.
#include <gtest/gtest.h>

#include <map>

#include "dataplane/checker.h"
#include "dataplane/forward_lane.h"
#include "dataplane/stepped_plane.h"

namespace onpath::testing {
namespace {

/// One forwarded packet, taken apart.
struct Sent {
  RtpPacket rtp;
  ChunkHeader chunk;
  Bytes bytes;
  Datagram datagram;
};

Sent parse_sent(const Bytes& frame) {
  Sent sent;
  EXPECT_FALSE(parse_frame(frame, {}, sent.datagram));
  EXPECT_FALSE(parse_rtp(sent.datagram.payload, sent.rtp));
  std::span<const uint8_t> bytes;
  EXPECT_FALSE(parse_chunk(sent.rtp.payload, sent.chunk, bytes));
  sent.bytes.assign(bytes.begin(), bytes.end());
  return sent;
}

ForwardSinkConfig to_q() {
  ForwardSinkConfig sink;
  sink.port = "q";
  sink.source = endpoint("10.0.1.1", 6000);
  sink.destination = endpoint("10.0.1.2", 6001);
  sink.destination_mac = {2, 0, 0, 0, 0, 9};
  return sink;
}

RouteConfig forwarding(ProgramPtr program, ForwardSinkConfig sink = to_q()) {
  RouteConfig route = route_to_host(std::move(program));
  route.sink = std::move(sink);
  return route;
}

/// Puts the packets of one sample together; every byte is to come exactly once.
Bytes assemble(const std::vector<Sent>& packets, uint64_t bytes) {
  Bytes output(bytes);
  std::vector<bool> seen(bytes);
  for (const Sent& packet : packets) {
    for (size_t i = 0; i < packet.bytes.size(); ++i) {
      EXPECT_FALSE(seen[packet.chunk.offset + i]);
      seen[packet.chunk.offset + i] = true;
      output[packet.chunk.offset + i] = packet.bytes[i];
    }
  }
  EXPECT_EQ(std::count(seen.begin(), seen.end(), true), static_cast<int64_t>(bytes));
  return output;
}

std::vector<Sent> parse_all(SteppedPlane& plane) {
  std::vector<Sent> packets;
  for (const Bytes& frame : plane.out.sent) packets.push_back(parse_sent(frame));
  return packets;
}

TEST(Forward, ChunksAddUpToTheExactOutputInWholeElementsWithOneMarker) {
  Random random(test_seed());
  for (int round = 0; round < 200; ++round) {
    PipelineSpec spec = random_pipeline(random, 24);
    auto plan = compile(spec);
    if (!plan.ok() || plan.value()->outputs()[0].bytes == 0) continue;
    const ProgramPtr program = must_bind(plan.value());
    ForwardSinkConfig sink = to_q();
    sink.max_payload_bytes = random.between(100, 1400);
    SteppedPlane plane({forwarding(program, sink)});
    const Bytes sample = sample_of(*program, static_cast<uint64_t>(round));
    const uint32_t element = program->plan().input().element_bytes;
    auto packets = cut(*program, sample, element * random.between(1, 1 + 500 / element), 4711, 42);
    random.shuffle(packets);
    plane.send(packets);

    const OutputFormat& format = program->plan().outputs()[0];
    const std::vector<Sent> sent = parse_all(plane);
    const uint64_t whole = dtype_bytes(format.dtype) * (format.layout == Layout::hwc ? format.shape[2] : 1);
    size_t markers = 0;
    for (size_t i = 0; i < sent.size(); ++i) {
      EXPECT_EQ(sent[i].rtp.timestamp, 4711u);
      EXPECT_EQ(sent[i].rtp.sequence, i);
      EXPECT_EQ(sent[i].rtp.payload_type, 97);
      EXPECT_EQ(sent[i].rtp.ssrc, sent[0].rtp.ssrc);
      EXPECT_EQ(sent[i].chunk.request_id, 42u);
      EXPECT_EQ(sent[i].chunk.length, format.bytes);
      EXPECT_EQ(sent[i].chunk.digest, format_digest(output_format_text(format)));
      EXPECT_EQ(std::vector<uint32_t>(sent[i].chunk.dims, sent[i].chunk.dims + sent[i].chunk.rank),
                format.shape);
      EXPECT_EQ(sent[i].chunk.offset % whole, 0u);
      EXPECT_EQ(sent[i].bytes.size() % whole, 0u);
      EXPECT_LE(sent[i].datagram.payload.size(), sink.max_payload_bytes);
      EXPECT_EQ(endpoint_text(sent[i].datagram.destination), "10.0.1.2:6001");
      markers += sent[i].rtp.marker;
      EXPECT_EQ(sent[i].rtp.marker, i == sent.size() - 1);
    }
    EXPECT_EQ(markers, 1u);
    EXPECT_EQ(assemble(sent, format.bytes), expected_of(*program, sample));
    EXPECT_EQ(plane.route().samples_sent.get(), 1u);
    EXPECT_EQ(plane.route().packets_forwarded.get(), sent.size());
    plane.finish();
    EXPECT_EQ(plane.out.outstanding, 0u);
  }
}

TEST(Forward, ContiguousRunsShareAPacket) {
  const ProgramPtr program = copy_program(16, 8);
  SteppedPlane plane({forwarding(program)});
  plane.send(cut(*program, sample_of(*program, 1), 384, 1));
  EXPECT_EQ(plane.out.sent.size(), 1u);
}

TEST(Forward, TwoSendersThatUseTheSameTimestampLeaveAsTwoStreams) {
  const ProgramPtr program = copy_program(16, 8);
  ForwardSinkConfig sink = to_q();
  sink.ssrc = 500;
  SteppedPlane plane({forwarding(program, sink)});
  plane.send(cut(*program, sample_of(*program, 1), 384, 9, 1, 111));
  plane.send(cut(*program, sample_of(*program, 2), 384, 9, 2, 222));
  plane.send(cut(*program, sample_of(*program, 3), 384, 10, 3, 111));
  const auto sent = parse_all(plane);
  ASSERT_EQ(sent.size(), 3u);
  EXPECT_EQ(sent[0].rtp.ssrc, 500u);
  EXPECT_EQ(sent[1].rtp.ssrc, 501u);
  EXPECT_EQ(sent[2].rtp.ssrc, 500u);
  EXPECT_EQ(sent[2].rtp.sequence, 1u);
}

TEST(Forward, WithoutTransmitBuffersPacketsAreCountedAndTheNextSampleLeaves) {
  const ProgramPtr program = copy_program(16, 8);
  SteppedPlane plane({forwarding(program)});
  plane.out.gives = 0;
  plane.send(cut(*program, sample_of(*program, 1), 192, 1));
  EXPECT_EQ(plane.port_dropped(DropReason::transmit_failed, 1), 2u);
  EXPECT_EQ(plane.route().samples_complete.get(), 1u);
  EXPECT_EQ(plane.route().samples_sent.get(), 0u);
  plane.out.gives = UINT32_MAX;
  const Bytes sample = sample_of(*program, 2);
  plane.send(cut(*program, sample, 192, 2));
  EXPECT_EQ(plane.route().samples_sent.get(), 1u);
  EXPECT_EQ(assemble(parse_all(plane), sample.size()), sample);
  EXPECT_EQ(plane.unaccounted(), 0);
}

TEST(Forward, APortThatTakesNothingForAWhileGetsThePacketsLaterInOrder) {
  const ProgramPtr program = copy_program(16, 8);
  SteppedPlane plane({forwarding(program)});
  plane.out.accepts = 0;
  for (uint32_t t = 0; t < 100; ++t) plane.send(cut(*program, sample_of(*program, t), 192, t));
  EXPECT_EQ(plane.route().samples_sent.get(), 0u);
  plane.out.accepts = 7;
  plane.pass(1000);
  EXPECT_EQ(plane.out.sent.size(), 7u);
  EXPECT_EQ(plane.route().samples_sent.get(), 3u);
  plane.out.accepts = UINT32_MAX;
  plane.pass(1000);
  EXPECT_EQ(plane.route().samples_sent.get(), 100u);
  const auto sent = parse_all(plane);
  ASSERT_EQ(sent.size(), 200u);
  for (size_t i = 0; i < sent.size(); ++i) EXPECT_EQ(sent[i].rtp.sequence, i);
}

TEST(Forward, APortThatTakesAllOfAFullQueueAtOnceLosesNothing) {
  const ProgramPtr program = copy_program(16, 8);
  SteppedPlane plane({forwarding(program)});
  plane.out.accepts = 0;
  constexpr uint32_t kFull = 256;  // samples of two packets: as many packets as can be staged
  for (uint32_t t = 0; t < kFull; ++t) plane.send(cut(*program, sample_of(*program, t), 192, t));
  plane.out.accepts = UINT32_MAX;
  plane.send(cut(*program, sample_of(*program, kFull), 192, kFull));
  plane.pass(1000);
  EXPECT_EQ(plane.port_dropped(DropReason::transmit_failed, 1), 0u);
  EXPECT_EQ(parse_all(plane).size(), 2u * (kFull + 1));
}

TEST(Forward, APortThatNeverTakesAnythingIsGivenUpInTheEnd) {
  const ProgramPtr program = copy_program(16, 8);
  SteppedPlane plane({forwarding(program)});
  plane.out.accepts = 0;
  for (uint32_t t = 0; t < 1000; ++t) plane.send(cut(*program, sample_of(*program, t), 192, t));
  plane.finish();
  EXPECT_EQ(plane.port_dropped(DropReason::transmit_failed, 1), 2000u);
  EXPECT_EQ(plane.route().samples_sent.get(), 0u);
  EXPECT_EQ(plane.route().samples_complete.get(), 1000u);
  EXPECT_EQ(plane.out.outstanding, 0u);
  EXPECT_EQ(plane.unaccounted(), 0);
}

TEST(Forward, OverDatagramPortsNamesTheDestination) {
  const ProgramPtr program = copy_program(16, 8);
  SteppedPlane plane({forwarding(program)}, ONPATH_FRAMING_DATAGRAM);
  const Bytes sample = sample_of(*program, 1);
  for (const ChunkPacket& packet : cut(*program, sample, 384, 1)) {
    Bytes rtp = rtp_of(packet);
    onpath_packet arrival{};
    arrival.data = new uint8_t[rtp.size()];
    std::copy(rtp.begin(), rtp.end(), arrival.data);
    arrival.length = static_cast<uint32_t>(rtp.size());
    arrival.destination.port = kUdpPort;
    plane.in.arrive(arrival);
    plane.poll();
  }
  ASSERT_EQ(plane.out.sent.size(), 1u);
  EXPECT_EQ(plane.out.sent_to[0].port, 6001);
  EXPECT_EQ(plane.out.sent_to[0].address[15], 2);
  RtpPacket rtp;
  EXPECT_FALSE(parse_rtp(plane.out.sent[0], rtp));
}

TEST(Forward, AChainOfTwoPlanesGivesWhatOneProgramOfAllStagesGives) {
  // rgb 64x48 -> resize 32x24 (uint8) over the wire -> normalized float32 chw at the host.
  const ProgramPtr first = must_bind(must_compile(pipeline(64, 48, PixelFormat::rgb, {resize_to(32, 24)})));
  OutputSpec chw;
  chw.layout = Layout::chw;
  const ProgramPtr second = must_bind(must_compile(pipeline(32, 24, PixelFormat::rgb, {imagenet()}, chw)));
  const std::string link_in = fresh_link(), link_between = fresh_link();

  ForwardSinkConfig sink = to_q();
  sink.destination.port = kUdpPort;
  RouteConfig relay = forwarding(first, sink);
  PlaneConfig relay_plane = plane_on(memory_end(link_in, 0), {relay});
  relay_plane.ports.push_back({"q", memory_end(link_between, 1)});
  RouteConfig last = route_to_host(second);
  last.payload_type = 97;
  std::get<HostSinkConfig>(last.sink).backpressure = true;
  auto end = must(start_plane(plane_on(memory_end(link_between, 0), {last})));
  auto middle = must(start_plane(std::move(relay_plane)));
  SenderConfig pace = sender_on(memory_end(link_in, 1), *first);
  pace.bits_per_second = 400e6;
  auto sender = must(open_sender(pace));

  const uint64_t samples = 300;
  const auto sink_of_end = end->host_sink("r");
  uint64_t exact = 0;
  std::vector<Bytes> kept;
  for (uint64_t number = 0; number < samples; ++number) {
    kept.push_back(sample_of(*first, number));
    ASSERT_TRUE(
        wait_until([&] { return sender->send(kept.back(), number, [](const Result<SendReport>&) {}).ok(); }));
    for (Delivery delivery; sink_of_end->next(delivery); sink_of_end->release(delivery.buffer)) {
      const Bytes expected = expected_of(*second, expected_of(*first, kept[delivery.samples[0].request_id]));
      exact += std::memcmp(delivery.outputs[0], expected.data(), expected.size()) == 0;
    }
  }
  EXPECT_TRUE(wait_until([&] {
    for (Delivery delivery; sink_of_end->next(delivery); sink_of_end->release(delivery.buffer)) {
      const Bytes expected = expected_of(*second, expected_of(*first, kept[delivery.samples[0].request_id]));
      exact += std::memcmp(delivery.outputs[0], expected.data(), expected.size()) == 0;
    }
    return exact == samples;
  }));
  sender->close();
  middle->close();
  end->close();
  EXPECT_EQ(imbalance(middle->stats()), "");
  EXPECT_EQ(imbalance(end->stats()), "");
  EXPECT_EQ(middle->stats().routes[0].samples_delivered, samples);
  EXPECT_EQ(middle->stats().routes[0].packets_forwarded, end->stats().ports[0].counters.rx_packets);
}

}  // namespace
}  // namespace onpath::testing
