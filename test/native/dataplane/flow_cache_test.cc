// With the flow cache and without it, a plane does the same: two planes get the same packets, good, damaged,
// repeated and out of order, and every counter, every sample and every packet that leaves is compared.
#include "dataplane/flow_cache.h"

#include <gtest/gtest.h>

#include "dataplane/flow_traffic.h"
#include "dataplane/stepped_plane.h"

namespace onpath::testing {
namespace {

RouteConfig route_of(uint8_t payload_type, ProgramPtr program, const std::string& name) {
  RouteConfig route = route_to_host(std::move(program), name);
  route.payload_type = payload_type;
  route.slots = 3;
  route.open_samples = 3;
  route.max_streams = 4;
  route.deadline_ns = 20'000'000;
  return route;
}

std::vector<RouteConfig> routes() {
  LookupSpec lookup;
  lookup.data = Random(1).noise(256);
  const ProgramPtr mapped =
      must_bind(must_compile(pipeline(Traffic::kWidth, Traffic::kHeight, PixelFormat::rgb, {lookup})));
  RouteConfig host = route_of(Traffic::kToHost, copy_program(Traffic::kWidth, Traffic::kHeight), "host");
  host.sources = {{must(parse_address("10.0.0.0")), 128 - 3}};
  RouteConfig forward = route_of(Traffic::kForwarded, mapped, "forward");
  ForwardSinkConfig sink;
  sink.port = "q";
  sink.source = endpoint("10.0.1.1", 6000);
  sink.destination = endpoint("10.0.1.2", 6001);
  sink.destination_mac = {2, 0, 0, 0, 0, 9};
  sink.ssrc = 500;
  forward.sink = sink;
  RouteConfig patient = route_of(0, copy_program(Traffic::kWidth, Traffic::kHeight), "patient");
  patient.payload_type
      .reset();  // any that no other route names: Traffic::kWithMarker, which reads as RTCP with it
  std::get<HostSinkConfig>(patient.sink).backpressure = true;
  patient.evict_oldest = false;
  RouteConfig video = route_of(Traffic::kVideo, copy_program(Traffic::kWidth, Traffic::kHeight), "video");
  video.payload = PayloadFormat::rfc4175;
  return {host, forward, patient, video};
}

/// Two planes that differ in the cache alone.
class Twins {
 public:
  Twins() : with_({}, routes(), true), without_({}, routes(), false) {}

  void arrive(const Bytes& frame, uint32_t flags, uint32_t mark, uint64_t time_ns) {
    with_.plane.in.arrive(frame, flags, mark, time_ns);
    without_.plane.in.arrive(frame, flags, mark, time_ns);
  }
  /// One round of the worker each: with backpressure, not everything is taken.
  void poll(uint64_t pass_ns) {
    with_.plane.pass(pass_ns);
    without_.plane.pass(pass_ns);
  }
  void set_transmit_limit(uint32_t packets) {
    with_.plane.out.accepts = without_.plane.out.accepts = packets;
  }
  /// Takes what is ready; keeps the buffers, or gives all back.
  void consume(bool keep) {
    for (const size_t route : {0, 2, 3}) {
      const auto a = with_.consume(route), b = without_.consume(route);
      ASSERT_EQ(a, b);
    }
    if (keep) return;
    with_.give_back();
    without_.give_back();
  }
  void expect_equal() {
    for (size_t route = 0; route < 4; ++route) {
      const RouteCounters &a = with_.plane.route(route), &b = without_.plane.route(route);
      for (const auto counter :
           {&RouteCounters::packets_used, &RouteCounters::bytes_used, &RouteCounters::overlap_bytes,
            &RouteCounters::samples_opened, &RouteCounters::samples_complete, &RouteCounters::samples_sent,
            &RouteCounters::packets_forwarded})
        ASSERT_EQ((a.*counter).get(), (b.*counter).get()) << "route " << route;
      expect_equal(a.drops, b.drops);
    }
    for (size_t port = 0; port < 2; ++port) {
      const PortCounters &a = with_.plane.worker().port_counters(port),
                         &b = without_.plane.worker().port_counters(port);
      expect_equal(a.drops, b.drops);
      ASSERT_EQ(a.control_packets.get(), b.control_packets.get());
    }
    ASSERT_EQ(with_.plane.out.sent, without_.plane.out.sent);
    ASSERT_EQ(with_.plane.out.taken_over, without_.plane.out.taken_over);
    ASSERT_EQ(with_.plane.in.outstanding, without_.plane.in.outstanding);
    with_.plane.out.sent.clear();
    without_.plane.out.sent.clear();
  }
  void finish() {
    with_.plane.finish();
    without_.plane.finish();
  }
  SteppedPlane& plane() { return with_.plane; }

 private:
  struct Side {
    int domain;
    SteppedPlane plane;
    std::vector<std::pair<size_t, uint32_t>> held;

    Side(int, std::vector<RouteConfig> configs, bool flow_cache)
        : domain(0),
          plane(
              std::move(configs), ONPATH_FRAMING_ETHERNET, {}, {},
              [this](FakePort& in, FakePort& out) {
                in.share_buffers(&domain, 128);
                out.share_buffers(&domain, 0);
              },
              flow_cache) {}

    /// Everything that a consumer sees, as bytes.
    std::vector<Bytes> consume(size_t route) {
      std::vector<Bytes> seen;
      const uint64_t bytes = plane.sink(route).plan()->outputs()[0].bytes;
      for (Delivery delivery; plane.sink(route).next(delivery);) {
        for (uint32_t i = 0; i < delivery.count; ++i) {
          const SampleInfo& info = delivery.samples[i];
          const uint64_t numbers[] = {info.request_id,      info.ssrc,           info.timestamp,
                                      info.first_packet_ns, info.last_packet_ns, info.source.port};
          Bytes& one = seen.emplace_back(info.source.address.bytes.begin(), info.source.address.bytes.end());
          const auto* raw = reinterpret_cast<const uint8_t*>(numbers);
          one.insert(one.end(), raw, raw + sizeof numbers);
          one.insert(one.end(), delivery.outputs[0] + bytes * i, delivery.outputs[0] + bytes * (i + 1));
        }
        held.emplace_back(route, delivery.buffer);
      }
      return seen;
    }
    void give_back() {
      for (const auto& [route, buffer] : held) plane.sink(route).release(buffer);
      held.clear();
    }
  };

  static void expect_equal(const DropCounters& a, const DropCounters& b) {
    for (size_t i = 0; i < kDropReasonCount; ++i)
      ASSERT_EQ(a[i].get(), b[i].get()) << drop_reason_name(static_cast<DropReason>(i));
  }

  Side with_, without_;
};

TEST(FlowCache, ChangesNothingThatCanBeSeen) {
  Random random(test_seed());
  uint64_t used = 0, complete = 0;
  for (uint64_t round = 0; round < 60 / std::min<uint64_t>(kSlowdown, 3); ++round) {
    SCOPED_TRACE(round);
    Twins twins;
    Traffic traffic(random);
    for (int i = 0; i < 2500; ++i) {
      uint32_t flags = 0;
      if (random.one_in(4)) flags |= ONPATH_PACKET_IP_CHECKSUM_OK;
      if (random.one_in(4)) flags |= ONPATH_PACKET_UDP_CHECKSUM_OK;
      if (random.one_in(60)) flags |= ONPATH_PACKET_TRUNCATED;
      const uint32_t mark = random.one_in(30) ? random.below(7) : 0;
      twins.arrive(traffic.next(), flags, mark, random.one_in(4) ? 500'000'000 + random.below(1000) : 0);
      if (random.one_in(3)) twins.poll(random.one_in(10) ? random.below(4'000'000) : 1000);
      if (random.one_in(300)) twins.poll(4'000'000'000);  // longer than a sender's restart
      if (random.one_in(20)) twins.consume(random.one_in(3));
      if (random.one_in(100)) twins.set_transmit_limit(random.one_in(2) ? random.below(40) : UINT32_MAX);
      if (random.one_in(50)) twins.expect_equal();
      if (HasFatalFailure()) return;
    }
    twins.consume(false);
    twins.finish();
    twins.consume(false);
    twins.expect_equal();
    EXPECT_EQ(twins.plane().unaccounted(), 0);
    EXPECT_EQ(twins.plane().in.outstanding, 0u);
    EXPECT_EQ(twins.plane().out.outstanding, 0u);
    if (HasFailure()) return;
    for (size_t route = 0; route < 4; ++route) {
      used += twins.plane().route(route).packets_used.get();
      complete += twins.plane().route(route).samples_complete.get();
    }
  }
  EXPECT_GT(used, 5000u);
  EXPECT_GT(complete, 200u);
}

onpath_packet packet_of(Bytes& frame, uint32_t flags = 0, uint32_t mark = 0) {
  onpath_packet packet{};
  packet.data = frame.data();
  packet.length = static_cast<uint32_t>(frame.size());
  packet.flags = flags;
  packet.mark = mark;
  return packet;
}

class Known : public ::testing::Test {
 protected:
  Known() {
    packet.length = 1000;
    packet.bytes.resize(60);
    cache.enable();
  }
  Bytes frame() {
    const Bytes rtp = rtp_of(packet);
    Bytes bytes(42 + rtp.size());
    std::copy(rtp.begin(), rtp.end(), bytes.begin() + 42);
    build_frame(bytes.data(), {}, {}, endpoint("10.0.0.2", 1), endpoint("10.0.0.1", 2), rtp.size(), 0);
    return bytes;
  }
  void remember(uint32_t flags = 0, uint32_t mark = 0) {
    Bytes bytes = frame();
    FlowCache::Beginning beginning;
    cache.note(packet_of(bytes, flags, mark), beginning);
    std::fill(bytes.begin(), bytes.end(), 0);  // as if it had left
    cache.remember(beginning, *reinterpret_cast<Lane*>(&lane), stream, sample);
  }
  bool finds(uint32_t flags = 0, uint32_t mark = 0) {
    Bytes bytes = frame();
    VideoSegment chunk;
    const FlowCache::Flow* flow = cache.find(packet_of(bytes, flags, mark), chunk);
    if (flow == nullptr) return false;
    EXPECT_EQ(flow->sample, &sample);
    EXPECT_EQ(chunk.offset, packet.offset);
    EXPECT_EQ(chunk.bytes.data(), bytes.data() + bytes.size() - packet.bytes.size());
    EXPECT_EQ(chunk.bytes.size(), packet.bytes.size());
    return true;
  }

  FlowCache cache;
  ChunkPacket packet;
  OpenSample sample;
  Stream stream;
  uint64_t lane = 0;  // never looked at
};

TEST_F(Known, TheNextPacketOfASampleIsFoundUntilTheSampleEnds) {
  EXPECT_FALSE(finds());
  remember();
  for (packet.offset = 0; packet.offset < 900; packet.offset += 60, ++packet.sequence) EXPECT_TRUE(finds());
  ++sample.ended;
  EXPECT_FALSE(finds());
  remember();
  EXPECT_TRUE(finds());
}

TEST_F(Known, WhatTheNicSaysMustBeTheSame) {
  remember(ONPATH_PACKET_IP_CHECKSUM_OK, 3);
  EXPECT_TRUE(finds(ONPATH_PACKET_IP_CHECKSUM_OK, 3));
  EXPECT_FALSE(finds(ONPATH_PACKET_IP_CHECKSUM_OK, 0));
  EXPECT_FALSE(finds(0, 3));
  EXPECT_FALSE(finds(ONPATH_PACKET_IP_CHECKSUM_OK | ONPATH_PACKET_TRUNCATED, 3));
}

TEST_F(Known, StreamsAndSamplesThatTakeTurnsKeepTheirPlaces) {
  uint32_t found = 0, asked = 0;
  for (uint32_t ssrc = 0; ssrc < 2; ++ssrc) {
    for (uint32_t timestamp = 1; timestamp <= 2; ++timestamp) {
      packet.ssrc = ssrc, packet.timestamp = timestamp * 3000;
      remember();
    }
  }
  for (uint32_t ssrc = 0; ssrc < 2; ++ssrc) {
    for (uint32_t timestamp = 1; timestamp <= 2; ++timestamp, ++asked) {
      packet.ssrc = ssrc, packet.timestamp = timestamp * 3000;
      found += finds();
    }
  }
  EXPECT_GE(found, asked - 1) << "two may share a place";
}

TEST_F(Known, AShortPacketIsNeitherRememberedNorFound) {
  packet.bytes.resize(1);
  remember();
  EXPECT_FALSE(finds());
}

}  // namespace
}  // namespace onpath::testing
