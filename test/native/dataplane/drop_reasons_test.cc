// Every drop reason that a packet can bring about, reached, and the next good sample unharmed.
#include <gtest/gtest.h>

#include <set>

#include "base/big_endian.h"
#include "dataplane/stepped_plane.h"
#include "wire/rfc4175.h"

namespace onpath::testing {
namespace {

using Step = std::function<void(SteppedPlane&)>;

struct Case {
  const char* name;
  DropReason reason;
  bool of_port;  // counted before a route was known
  Step step;
};

ProgramPtr program() {
  static const ProgramPtr made = small_program();
  return made;
}

const Bytes& any_sample() {
  static const Bytes made = sample_of(*program(), 99);
  return made;
}

/// A good first packet of sample 99: half of it.
ChunkPacket good() { return cut(*program(), any_sample(), 192, 77, 99)[0]; }
ChunkPacket good_second() { return cut(*program(), any_sample(), 192, 77, 99)[1]; }

Bytes frame_of(SteppedPlane& plane, const Bytes& rtp) {
  Bytes frame(42 + rtp.size());
  std::copy(rtp.begin(), rtp.end(), frame.begin() + 42);
  build_frame(frame.data(), {2, 0, 0, 0, 0, 2}, {2, 0, 0, 0, 0, 1}, plane.source, plane.destination,
              rtp.size(), 0);
  return frame;
}

/// The frame of a good packet with one change.
Step frame_with(std::function<void(Bytes&)> change) {
  return [change](SteppedPlane& plane) {
    Bytes frame = frame_of(plane, rtp_of(good()));
    change(frame);
    plane.in.arrive(frame);
    plane.poll();
  };
}
Step rtp_with(std::function<void(Bytes&)> change) {
  return [change](SteppedPlane& plane) {
    Bytes rtp = rtp_of(good());
    change(rtp);
    plane.send(rtp);
  };
}
Step chunk_with(std::function<void(ChunkPacket&)> change) {
  return [change](SteppedPlane& plane) {
    ChunkPacket packet = good();
    change(packet);
    plane.send(packet);
  };
}

void fix_ip_checksum(Bytes& frame) {
  frame[24] = frame[25] = 0;
  const uint16_t sum = checksum_fold(checksum_add({&frame[14], 20}));
  store_be16(&frame[24], sum);
}

std::vector<Case> cases() {
  return {
      {"truncated", DropReason::truncated, true,
       [](SteppedPlane& plane) {
         plane.in.arrive(frame_of(plane, rtp_of(good())), ONPATH_PACKET_TRUNCATED);
         plane.poll();
       }},
      {"bad_ethernet", DropReason::bad_ethernet, true, frame_with([](Bytes& frame) { frame.resize(13); })},
      {"not_ip", DropReason::not_ip, true,
       frame_with([](Bytes& frame) { frame[12] = 0x08, frame[13] = 0x06; })},
      {"bad_ip_header", DropReason::bad_ip_header, true, frame_with([](Bytes& frame) { frame[14] = 0x55; })},
      {"bad_ip_checksum", DropReason::bad_ip_checksum, true,
       frame_with([](Bytes& frame) { frame[24] ^= 1; })},
      {"ip_fragment", DropReason::ip_fragment, true, frame_with([](Bytes& frame) {
         frame[20] = 0x20;
         fix_ip_checksum(frame);
       })},
      {"not_udp", DropReason::not_udp, true, frame_with([](Bytes& frame) {
         frame[23] = 6;
         fix_ip_checksum(frame);
       })},
      {"bad_udp_length", DropReason::bad_udp_length, true,
       frame_with([](Bytes& frame) { store_be16(&frame[38], 7); })},
      {"bad_udp_checksum", DropReason::bad_udp_checksum, true,
       frame_with([](Bytes& frame) { frame.back() ^= 1; })},
      {"bad_rtp_header", DropReason::bad_rtp_header, true, rtp_with([](Bytes& rtp) { rtp[0] = 0x40; })},
      {"bad_rtp_header, empty datagram", DropReason::bad_rtp_header, true,
       rtp_with([](Bytes& rtp) { rtp.clear(); })},
      {"bad_rtp_padding", DropReason::bad_rtp_padding, true, rtp_with([](Bytes& rtp) {
         rtp[0] |= 0x20;
         rtp.back() = 0;
       })},
      {"rtcp", DropReason::rtcp, true, rtp_with([](Bytes& rtp) { rtp[1] = 200; })},
      {"no_route, payload type", DropReason::no_route, true,
       chunk_with([](ChunkPacket& p) { p.payload_type = 100; })},
      {"no_route, UDP port", DropReason::no_route, true,
       [](SteppedPlane& plane) {
         plane.destination.port = 1;
         plane.send(good());
         plane.destination.port = kUdpPort;
       }},
      {"source_not_allowed", DropReason::source_not_allowed, false,
       [](SteppedPlane& plane) {
         const Endpoint before = plane.source;
         plane.source = endpoint("11.0.0.1", 40000);
         plane.send(good());
         plane.source = before;
       }},
      {"bad_payload_header, version", DropReason::bad_payload_header, false,
       rtp_with([](Bytes& rtp) { rtp[12] = 0x20; })},
      {"bad_payload_header, short", DropReason::bad_payload_header, false,
       rtp_with([](Bytes& rtp) { rtp.resize(43); })},
      {"wrong_format, digest", DropReason::wrong_format, false,
       chunk_with([](ChunkPacket& p) { p.digest ^= 1; })},
      {"wrong_format, output", DropReason::wrong_format, false,
       chunk_with([](ChunkPacket& p) { p.output = 1; })},
      {"wrong_shape, length", DropReason::wrong_shape, false,
       chunk_with([](ChunkPacket& p) { p.length = 387; })},
      {"wrong_shape, width", DropReason::wrong_shape, false, chunk_with([](ChunkPacket& p) {
         p.dims = {8, 17};
       })},
      {"wrong_shape, channels", DropReason::wrong_shape, false, chunk_with([](ChunkPacket& p) {
         p.dims = {8, 16, 4};
       })},
      {"wrong_shape, rank", DropReason::wrong_shape, false, chunk_with([](ChunkPacket& p) { p.dims = {8}; })},
      {"conflict", DropReason::conflict, false,
       [](SteppedPlane& plane) {
         plane.send(good());
         ChunkPacket other = good_second();
         other.request_id = 98;
         plane.send(other);
         plane.send(good_second());
       }},
      {"misaligned, opening", DropReason::misaligned, false,
       chunk_with([](ChunkPacket& p) { p.offset = 1; })},
      {"misaligned, later", DropReason::misaligned, false,
       [](SteppedPlane& plane) {
         plane.send(good());
         ChunkPacket other = good_second();
         other.bytes.pop_back();
         plane.send(other);
         plane.send(good_second());
       }},
      {"out_of_range, opening", DropReason::out_of_range, false,
       chunk_with([](ChunkPacket& p) { p.length = 0, p.offset = 384; })},
      {"out_of_range, far", DropReason::out_of_range, false,
       chunk_with([](ChunkPacket& p) { p.length = 0, p.offset = UINT64_MAX - 2; })},
      {"out_of_range, later", DropReason::out_of_range, false,
       [](SteppedPlane& plane) {
         plane.send(good());
         ChunkPacket other = good_second();
         other.length = 0;
         other.offset += 3;
         plane.send(other);
         plane.send(good_second());
       }},
      {"empty", DropReason::empty, false, chunk_with([](ChunkPacket& p) { p.bytes.clear(); })},
      {"duplicate", DropReason::duplicate, false,
       [](SteppedPlane& plane) {
         plane.send(good());
         plane.send(good());
         plane.send(good_second());
       }},
      {"late, delivered", DropReason::late, false,
       [](SteppedPlane& plane) {
         plane.send(good());
         plane.send(good_second());
         plane.send(good());
       }},
      {"late, incomplete", DropReason::late, false,
       [](SteppedPlane& plane) {
         plane.send(good());
         plane.pass(2'000'000'000);
         plane.send(good_second());
       }},
      {"incomplete", DropReason::incomplete, false,
       [](SteppedPlane& plane) {
         plane.send(good());
         plane.pass(999'000'000);
         EXPECT_EQ(plane.dropped(DropReason::incomplete), 0u);
         plane.pass(2'000'000);
       }},
      {"evicted", DropReason::evicted, false,
       [](SteppedPlane& plane) {
         for (uint32_t t = 0; t < 5; ++t) {
           ChunkPacket packet = good();
           packet.timestamp = 1000 + t;
           plane.send(packet);
         }
         EXPECT_EQ(plane.dropped(DropReason::no_slot), 0u);
       }},
      {"stream_limit", DropReason::stream_limit, false,
       [](SteppedPlane& plane) {
         for (uint32_t ssrc = 2; ssrc < 6; ++ssrc) {
           ChunkPacket packet = good();
           packet.ssrc = ssrc;
           plane.send(packet);
         }
         // One falls idle and gives way.
         plane.pass(2'000'000'000);
       }},
      {"slow_consumer", DropReason::slow_consumer, false,
       [](SteppedPlane& plane) {
         for (uint32_t t = 0; t < 9; ++t) plane.send(cut(*program(), any_sample(), 384, 500 + t, 99));
       }},
  };
}

RouteConfig tight_route() {
  RouteConfig route = route_to_host(program());
  route.udp_port = kUdpPort;
  route.sources = {must(parse_prefix("10.0.0.0/8"))};
  route.open_samples = 4;
  route.max_streams = 3;
  route.slots = 8;
  return route;
}

/// A whole sample in three packets arrives, and exact.
void expect_next_sample_works(SteppedPlane& plane) {
  plane.take();
  const Bytes sample = sample_of(*program(), 5);
  plane.send(cut(*program(), sample, 144, 0x70000000, 5));
  const auto taken = plane.take();
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0].info.request_id, 5u);
  EXPECT_EQ(taken[0].output, expected_of(*program(), sample));
  EXPECT_EQ(plane.unaccounted(), 0);
}

TEST(DropReasons, EachIsCountedOnceUnderItsNameAndTheNextSampleWorks) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    SteppedPlane plane({tight_route()});
    c.step(plane);
    EXPECT_EQ(c.of_port ? plane.port_dropped(c.reason) : plane.dropped(c.reason), 1u);
    uint64_t others = 0;
    for (size_t i = 0; i < kDropReasonCount; ++i) {
      others += plane.dropped(static_cast<DropReason>(i)) + plane.port_dropped(static_cast<DropReason>(i));
    }
    // The stream_limit case lets its samples run out.
    const uint64_t expected_others = c.reason == DropReason::stream_limit        ? 1 + 3
                                     : c.name == std::string("late, incomplete") ? 2
                                                                                 : 1;
    EXPECT_EQ(others, expected_others);
    expect_next_sample_works(plane);
    plane.finish();
    EXPECT_EQ(plane.in.outstanding, 0u);
  }
}

TEST(DropReasons, NoSlotWhenNothingMayBeEvicted) {
  RouteConfig route = tight_route();
  route.evict_oldest = false;
  SteppedPlane plane({route});
  for (uint32_t t = 0; t < 6; ++t) {
    ChunkPacket packet = good();
    packet.timestamp = t;
    plane.send(packet);
  }
  EXPECT_EQ(plane.dropped(DropReason::no_slot), 2u);
  EXPECT_EQ(plane.dropped(DropReason::evicted), 0u);
  plane.pass(2'000'000'000);
  expect_next_sample_works(plane);
}

TEST(DropReasons, OfRfc4175AreReachedToo) {
  RouteConfig route = tight_route();
  route.payload = PayloadFormat::rfc4175;
  SteppedPlane plane({route});
  const auto video = [](uint16_t bytes, uint16_t line, uint16_t pixel, size_t present) {
    Bytes rtp(12 + 8 + present);
    RtpPacket header;
    header.payload_type = kPayloadType;
    header.timestamp = 9;
    build_rtp(rtp.data(), header);
    store_be16(&rtp[14], bytes);
    store_be16(&rtp[16], line);
    store_be16(&rtp[18], pixel);
    return rtp;
  };
  plane.send(video(48, 0x8000, 0, 48));
  EXPECT_EQ(plane.dropped(DropReason::interlaced), 1u);
  plane.send(video(47, 0, 0, 47));
  EXPECT_EQ(plane.dropped(DropReason::misaligned), 1u);
  plane.send(video(48, 8, 0, 48));
  EXPECT_EQ(plane.dropped(DropReason::out_of_range), 1u);
  plane.send(video(48, 0, 0, 47));
  EXPECT_EQ(plane.dropped(DropReason::bad_payload_header), 1u);
  plane.send(video(0, 0, 0, 0));
  EXPECT_EQ(plane.dropped(DropReason::empty), 1u);
  EXPECT_EQ(plane.route().samples_opened.get(), 0u);
  for (uint16_t line = 0; line < 8; ++line) plane.send(video(48, line, 0, 48));
  EXPECT_EQ(plane.route().samples_complete.get(), 1u);
  EXPECT_EQ(plane.unaccounted(), 0);
}

TEST(DropReasons, EveryReasonOfTheListHasACaseHereOrWhereItBelongs) {
  std::set<DropReason> reached = {
      DropReason::no_slot,          // above
      DropReason::interlaced,       // above
      DropReason::transmit_failed,  // forward_test.cc
      DropReason::closed,           // lifecycle_test.cc
      DropReason::undelivered,      // lifecycle_test.cc
      DropReason::not_for_us,       // local_host_test.cc
      DropReason::bad_control,      // local_host_test.cc
      DropReason::control_limit,    // local_host_test.cc
      DropReason::no_neighbour,     // neighbours_test.cc
      DropReason::shape_pending,    // shapes_test.cc
      DropReason::shape_refused,    // shapes_test.cc
      DropReason::waiting_full,     // text_route_test.cc
      DropReason::text_over_cap,    // text_route_test.cc
      DropReason::special_refused,  // text_route_test.cc
      DropReason::no_segment,       // text_route_test.cc
      DropReason::bad_rtcp,         // resend_test.cc
      DropReason::rtcp_limit,       // resend_test.cc
      DropReason::source_rate,      // source_limits_test.cc
      DropReason::source_share,     // source_limits_test.cc
      DropReason::fanout_full,      // fanout_test.cc
      DropReason::fenced,           // watchdog_test.cc
  };
  for (const Case& c : cases()) reached.insert(c.reason);
  EXPECT_EQ(reached.size(), kDropReasonCount);
}

TEST(DropReasons, AMillionStreamsLeaveMemoryBoundedAndTheHonestOneUnharmed) {
  RouteConfig route = route_to_host(program());
  route.max_streams = 64;
  route.open_samples = 16;
  SteppedPlane plane({route});
  const uint64_t attackers = 1'000'000 / kSlowdown;
  uint64_t honest = 0, exact = 0;
  for (uint32_t i = 0; i < attackers; ++i) {
    ChunkPacket packet = good();
    packet.ssrc = 1000 + i;
    Bytes rtp = rtp_of(packet);
    Bytes frame = frame_of(plane, rtp);
    plane.in.arrive(std::move(frame));
    if (i % 1000 != 0) continue;
    plane.poll();
    // Its packets come with fewer strangers between them than there are slots.
    const Bytes sample = sample_of(*program(), honest);
    for (const ChunkPacket& part : cut(*program(), sample, 96, static_cast<uint32_t>(honest), honest)) {
      plane.send(part);
      ChunkPacket stranger = good();
      stranger.ssrc = 0x80000000u + i * 4 + static_cast<uint32_t>(part.offset / 96);
      plane.send(stranger);
    }
    ++honest;
    for (const auto& taken : plane.take()) exact += taken.output == expected_of(*program(), sample);
  }
  plane.poll();
  EXPECT_EQ(exact, honest);
  EXPECT_EQ(plane.route().samples_complete.get(), honest);
  EXPECT_EQ(plane.unaccounted(), 0);
}

}  // namespace
}  // namespace onpath::testing
