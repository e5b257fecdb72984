// Captures: what is in the file, what is missed, when it ends.
#include "dataplane/capture.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <thread>

#include "dataplane/capture_ring.h"
#include "dataplane/clock.h"
#include "dataplane/plane_captures.h"
#include "dataplane/stepped_plane.h"

namespace onpath::testing {
namespace {

uint32_t le32(const Bytes& bytes, size_t at) {
  uint32_t value;
  std::memcpy(&value, &bytes.at(at), 4);
  return value;
}

struct CapturedFile {
  std::vector<Bytes> packets;
  std::vector<uint32_t> lengths;
  uint32_t link_type = 0;
  bool ended = false;  // by statistics, with nothing behind
};

/// Blocks of a whole file, each of the same length at its beginning and its end.
CapturedFile parse(const Bytes& bytes) {
  CapturedFile file;
  for (size_t at = 0; at < bytes.size();) {
    const uint32_t type = le32(bytes, at), length = le32(bytes, at + 4);
    EXPECT_EQ(length % 4, 0u);
    EXPECT_EQ(le32(bytes, at + length - 4), length);
    EXPECT_FALSE(file.ended);
    EXPECT_EQ(type == 0x0a0d0d0a, at == 0);
    if (type == 1) file.link_type = le32(bytes, at + 8) & 0xffff;
    if (type == 6) {
      const auto begin = bytes.begin() + static_cast<int64_t>(at) + 28;
      file.packets.emplace_back(begin, begin + le32(bytes, at + 20));
      file.lengths.push_back(le32(bytes, at + 24));
    }
    file.ended = type == 5;
    at += length;
  }
  return file;
}

Bytes read_all(Capture& capture) {
  Bytes all;
  for (;;) {
    const Bytes piece = capture.read(4096);
    all.insert(all.end(), piece.begin(), piece.end());
    if (capture.stats().ended) return all;
    if (piece.empty()) capture.stop();
  }
}

Bytes frame_of(const ChunkPacket& packet, const SteppedPlane& plane) {
  const Bytes rtp = rtp_of(packet);
  Bytes frame(42 + rtp.size());
  std::copy(rtp.begin(), rtp.end(), frame.begin() + 42);
  build_frame(frame.data(), {2, 0, 0, 0, 0, 2}, {2, 0, 0, 0, 0, 1}, plane.source, plane.destination,
              rtp.size(), 0);
  return frame;
}

CaptureConfig of_route(const std::string& route) {
  CaptureConfig config;
  config.route = route;
  return config;
}

CaptureConfig of_port(const std::string& port) {
  CaptureConfig config;
  config.port = port;
  return config;
}

TEST(CaptureRing, GivesEveryRecordOnceAndWholeWhileBothThreadsAreAtIt) {
  CaptureRing ring(must(Region::take(4096, "a test's ring")));
  constexpr uint32_t kRecords = 10'000 / kSlowdown;
  std::thread writer([&] {
    Bytes bytes;
    for (uint32_t i = 0; i < kRecords; ++i) {
      CapturedPacket packet;
      packet.captured = i * 37 % 1400;
      packet.length = i;
      bytes.assign(packet.captured, static_cast<uint8_t>(i));
      while (!ring.push(packet, bytes.data())) std::this_thread::yield();
    }
  });
  uint32_t wrong = 0;
  for (uint32_t i = 0; i < kRecords;) {
    CapturedPacket packet;
    const uint8_t* bytes = nullptr;
    if (!ring.front(packet, bytes)) {
      std::this_thread::yield();
      continue;
    }
    wrong += packet.length != i || packet.captured != i * 37 % 1400;
    for (uint32_t b = 0; b < packet.captured; ++b) wrong += bytes[b] != static_cast<uint8_t>(i);
    ring.pop();
    ++i;
  }
  writer.join();
  EXPECT_EQ(wrong, 0u);
}

TEST(CaptureRing, RefusesWhatFindsNoRoomAndTakesItWhenThereIs) {
  CaptureRing ring(must(Region::take(4096, "a test's ring")));
  CapturedPacket packet;
  packet.captured = 1000;
  const Bytes bytes(1000, 7);
  uint32_t pushed = 0;
  while (ring.push(packet, bytes.data())) ++pushed;
  EXPECT_EQ(pushed, 4096 / CaptureRing::record_bytes(1000));
  const uint8_t* at = nullptr;
  CapturedPacket popped;
  ASSERT_TRUE(ring.front(popped, at));
  ring.pop();
  EXPECT_TRUE(ring.push(packet, bytes.data()));
}

TEST(Capture, OfAPortHasEveryPacketAsItCame) {
  const ProgramPtr program = small_program();
  SteppedPlane plane({route_to_host(program)});
  PlaneCaptures captures(*plane.parts);
  const auto capture = must(captures.start(of_port("p")));
  std::vector<Bytes> sent;
  for (const ChunkPacket& packet : cut(*program, sample_of(*program, 1), 96, 1)) {
    sent.push_back(frame_of(packet, plane));
    plane.in.arrive(sent.back());
  }
  sent.push_back({1, 2, 3});  // no frame at all
  plane.in.arrive(sent.back());
  plane.poll();
  const CapturedFile file = parse(read_all(*capture));
  EXPECT_EQ(file.packets, sent);
  EXPECT_EQ(file.link_type, 1u);
  EXPECT_TRUE(file.ended);
  EXPECT_EQ(plane.take().size(), 1u);
  EXPECT_EQ(capture->stats().packets, 5u);
  EXPECT_EQ(capture->stats().missed, 0u);
}

TEST(Capture, OfARouteHasItsPacketsOnlyAndBeforeTheyAreTurnedInPlace) {
  RouteConfig forwarding = route_to_host(copy_program(16, 8));
  ForwardSinkConfig sink;
  sink.port = "q";
  sink.source = endpoint("10.0.1.1", 6000);
  sink.destination = endpoint("10.0.1.2", 6001);
  forwarding.sink = sink;
  RouteConfig other = route_to_host(small_program(), "other");
  forwarding.udp_port = kUdpPort;
  other.udp_port = kUdpPort + 1;
  const int domain = 0;
  SteppedPlane plane({forwarding, other}, ONPATH_FRAMING_ETHERNET, {}, {}, [&](FakePort& in, FakePort& out) {
    in.share_buffers(&domain, 128);
    out.share_buffers(&domain, 0);
  });
  PlaneCaptures captures(*plane.parts);
  const auto capture = must(captures.start(of_route("r")));
  std::vector<Bytes> wanted;
  for (const ChunkPacket& packet : cut(*forwarding.program, sample_of(*forwarding.program, 1), 96, 1)) {
    plane.destination.port = kUdpPort + 1;
    plane.in.arrive(frame_of(packet, plane));
    plane.destination.port = kUdpPort;
    wanted.push_back(frame_of(packet, plane));
    plane.in.arrive(wanted.back());
  }
  plane.poll();
  EXPECT_GT(plane.out.taken_over, 0u);
  EXPECT_EQ(parse(read_all(*capture)).packets, wanted);
}

TEST(Capture, OfDatagramsHasThemBehindHeadersOfTheirAddresses) {
  const ProgramPtr program = small_program();
  SteppedPlane plane({route_to_host(program)}, ONPATH_FRAMING_DATAGRAM);
  PlaneCaptures captures(*plane.parts);
  const auto capture = must(captures.start(of_route("r")));
  for (const bool v4 : {true, false}) {
    onpath_packet packet{};
    const Bytes rtp = rtp_of(cut(*program, sample_of(*program, 1), 96, 1)[v4 ? 0 : 1]);
    packet.data = new uint8_t[rtp.size()];
    std::copy(rtp.begin(), rtp.end(), packet.data);
    packet.length = static_cast<uint32_t>(rtp.size());
    const Endpoint from = endpoint(v4 ? "192.0.2.7" : "2001:db8::7", 7000);
    const Endpoint to = endpoint(v4 ? "192.0.2.8" : "2001:db8::8", kUdpPort);
    std::memcpy(packet.source.address, from.address.bytes.data(), 16);
    std::memcpy(packet.destination.address, to.address.bytes.data(), 16);
    packet.source.port = from.port;
    packet.destination.port = to.port;
    plane.in.arrive(packet);
  }
  plane.poll();
  const CapturedFile file = parse(read_all(*capture));
  EXPECT_EQ(file.link_type, 101u);
  ASSERT_EQ(file.packets.size(), 2u);
  for (const bool v4 : {true, false}) {
    // With an Ethernet header in front, checksums included, it is what the plane takes from the wire.
    const Bytes& ip = file.packets[v4 ? 0 : 1];
    Bytes frame(14 + ip.size());
    frame[12] = v4 ? 0x08 : 0x86;
    frame[13] = v4 ? 0x00 : 0xdd;
    std::copy(ip.begin(), ip.end(), frame.begin() + 14);
    Datagram datagram;
    EXPECT_EQ(parse_frame(frame, {}, datagram), std::nullopt);
    EXPECT_EQ(endpoint_text(datagram.source), v4 ? "192.0.2.7:7000" : "[2001:db8::7]:7000");
    EXPECT_EQ(endpoint_text(datagram.destination), v4 ? "192.0.2.8:5004" : "[2001:db8::8]:5004");
    const Bytes rtp = rtp_of(cut(*program, sample_of(*program, 1), 96, 1)[v4 ? 0 : 1]);
    EXPECT_TRUE(std::equal(rtp.begin(), rtp.end(), datagram.payload.begin(), datagram.payload.end()));
  }
}

TEST(Capture, KeepsToItsBounds) {
  const ProgramPtr program = small_program();
  SteppedPlane plane({route_to_host(program)});
  PlaneCaptures captures(*plane.parts);
  CaptureConfig by_packets = of_port("p"), by_bytes = of_port("p"), by_time = of_port("p"),
                cut_short = of_port("p");
  by_packets.max_packets = 3;
  by_bytes.max_bytes = 1000;
  by_time.max_ns = 0;
  cut_short.snap_length = 60;
  const auto first = must(captures.start(by_packets)), second = must(captures.start(by_bytes));
  const auto third = must(captures.start(by_time)), fourth = must(captures.start(cut_short));
  EXPECT_EQ(error_text(captures.start(of_port("p"))).substr(0, 4), "BUSY");
  for (int i = 0; i < 10; ++i) plane.in.arrive(Bytes(100, static_cast<uint8_t>(i)));
  plane.poll();
  EXPECT_EQ(parse(read_all(*first)).packets.size(), 3u);
  const Bytes bytes = read_all(*second);
  EXPECT_LE(bytes.size(), 1000u);
  EXPECT_GT(bytes.size(), 1000u - 2 * 160);
  EXPECT_EQ(bytes.size(), second->stats().bytes);
  EXPECT_TRUE(parse(bytes).ended);
  EXPECT_EQ(parse(read_all(*third)).packets.size(), 0u);
  const CapturedFile file = parse(read_all(*fourth));
  EXPECT_EQ(file.packets[9], Bytes(60, 9));
  EXPECT_EQ(file.lengths, std::vector<uint32_t>(10, 100));
}

TEST(Capture, CountsWhatFoundItsRingFullAndHoldsNothingUp) {
  const ProgramPtr program = small_program();
  SteppedPlane plane({route_to_host(program)});
  PlaneCaptures captures(*plane.parts);
  CaptureConfig config = of_port("p");
  config.buffer_bytes = 1;
  config.snap_length = 1000;
  const auto capture = must(captures.start(config));
  EXPECT_EQ(captures.memory_bytes(), 4096u);
  for (int i = 0; i < 20; ++i) plane.in.arrive(Bytes(1000, static_cast<uint8_t>(i)));
  plane.poll();
  EXPECT_TRUE(plane.in.drained());
  const size_t kept = parse(read_all(*capture)).packets.size();
  EXPECT_EQ(kept, 4096 / CaptureRing::record_bytes(1000));
  EXPECT_EQ(capture->stats().missed, 20 - kept);
  EXPECT_EQ(captures.memory_bytes(), 0u);
}

TEST(Capture, RefusesWhatIsNotThereOrDoesNotFit) {
  SteppedPlane plane({route_to_host(small_program())});
  PlaneCaptures captures(*plane.parts);
  const auto refused = [&](const CaptureConfig& config) { return error_text(captures.start(config)); };
  EXPECT_EQ(refused(of_port("x")), "NOT_FOUND: No port is called \"x\". There are: p, q.");
  EXPECT_EQ(refused(of_route("x")), "NOT_FOUND: No route is called \"x\". There are: r.");
  EXPECT_EQ(refused({}).substr(0, 16), "INVALID_ARGUMENT");
  CaptureConfig config = of_port("p");
  config.file = "/nowhere/at/all.pcapng";
  EXPECT_EQ(refused(config).substr(0, 9), "NOT_FOUND");
  config.file = "/dev/null";
  EXPECT_EQ(refused(config).substr(0, 16), "INVALID_ARGUMENT");
  plane.parts->max_memory_bytes = plane.parts->memory->total() + 1;
  EXPECT_EQ(refused(of_port("p")).substr(0, 14), "LIMIT_EXCEEDED");
  EXPECT_EQ(captures.memory_bytes(), 0u);
  captures.close();
  EXPECT_EQ(refused(of_port("p")).substr(0, 6), "CLOSED");
}

TEST(Capture, IntoAFileIsCompleteWhenThePlaneIsClosedAndTellsSoOnce) {
  const std::string path = "/tmp/onpath-capture-test-" + std::to_string(getpid()) + ".pcapng";
  const ProgramPtr program = small_program();
  const std::string link = fresh_link();
  auto plane = must(start_plane(plane_on(memory_end(link, 0), {route_to_host(program)})));
  RawEnd far(link);
  CaptureConfig config = of_route("r");
  config.file = path;
  std::atomic<int> told{0};
  config.on_end = [&] { ++told; };
  const uint64_t before = plane->memory_bytes();
  const auto capture = must(plane->start_capture(config));
  EXPECT_GT(plane->memory_bytes(), before);
  std::vector<Bytes> sent;
  for (uint32_t i = 0; i < 50; ++i) {
    for (const ChunkPacket& packet : cut(*program, sample_of(*program, i), 96, i)) {
      sent.push_back(far.frame_of(rtp_of(packet)));
      far.send_frame(sent.back());
    }
  }
  EXPECT_TRUE(wait_until([&] { return packets_received(plane->stats()) == sent.size(); }));
  plane->close();
  EXPECT_EQ(told.load(), 1);
  EXPECT_TRUE(capture->stats().ended);
  EXPECT_FALSE(capture->stats().failure.has_value());
  EXPECT_EQ(plane->memory_bytes(), before);
  std::ifstream stream(path, std::ios::binary);
  const Bytes bytes{std::istreambuf_iterator<char>(stream), {}};
  EXPECT_EQ(bytes.size(), capture->stats().bytes);
  EXPECT_EQ(parse(bytes).packets, sent);
  EXPECT_EQ(error_text(plane->start_capture(config)).substr(0, 6), "CLOSED");
  unlink(path.c_str());
}

TEST(Capture, ComesAndGoesWhileWorkersAreAtIt) {
  const ProgramPtr program = small_program();
  const std::string link = fresh_link();
  auto plane = must(start_plane(plane_on(memory_end(link, 0), {route_to_host(program)})));
  RawEnd far(link);
  std::atomic<bool> stop{false};
  std::thread traffic([&] {
    for (uint32_t i = 0; !stop; ++i) far.send_frame(Bytes(60 + i % 1000, static_cast<uint8_t>(i)));
  });
  uint64_t packets = 0;
  for (uint64_t i = 0; i < 300 / kSlowdown; ++i) {
    const auto capture = must(plane->start_capture(of_port("p")));
    packets += parse(read_all(*capture)).packets.size();
  }
  EXPECT_TRUE(wait_until([&] {
    const auto capture = must(plane->start_capture(of_port("p")));
    packets += parse(read_all(*capture)).packets.size();
    return packets > 0;
  }));
  stop = true;
  traffic.join();
  plane->close();
}

}  // namespace
}  // namespace onpath::testing
