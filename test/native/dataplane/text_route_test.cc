// Routes for texts: tokens of complete texts are exact whatever happens to packets; everything else is
// counted.
#include <gtest/gtest.h>

#include "dataplane/text_testing.h"

namespace onpath::testing {
namespace {

SharedTextSink& sink_of(SteppedPlane& plane, size_t route = 0) { return *plane.parts->text_sinks[route]; }

std::vector<uint32_t> ids_of(SteppedPlane& plane) {
  const auto parts = take_parts(sink_of(plane));
  EXPECT_EQ(parts.size(), 1u);
  return parts.size() == 1 ? parts[0].ids : std::vector<uint32_t>{};
}

TEST(TextRoute, a_text_in_packets_becomes_its_tokens) {
  SteppedPlane plane({text_route(pair_plan())});
  plane.send(cut_text(bytes_of("This is an example of an input prompt"), 12, 7, 42));
  const auto parts = take_parts(sink_of(plane));
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_EQ(parts[0].ids, pairs_of("This is an example of an input prompt"));
  EXPECT_EQ(parts[0].part.info.request_id, 42u);
  EXPECT_EQ(parts[0].part.info.timestamp, 7u);
  EXPECT_TRUE(parts[0].part.last);
  EXPECT_EQ(plane.route().samples_complete.get(), 1u);
  EXPECT_EQ(plane.unaccounted(), 0);
}

TEST(TextRoute, every_cut_and_order_gives_the_same_tokens) {
  Random random(5);
  SteppedPlane plane({text_route(pair_plan())});
  for (uint32_t t = 0; t < 300; ++t) {
    const Bytes text = text_of(t, 1 + random.below(2000));
    auto packets = cut_text(text, 1 + random.below(300), t, t, random.one_in(2));
    if (random.one_in(2)) random.shuffle(packets);
    plane.send(packets);
    ASSERT_EQ(ids_of(plane), pairs_of(text)) << t;
  }
  EXPECT_EQ(plane.unaccounted(), 0);
}

TEST(TextRoute, an_empty_text_and_an_end_without_bytes_are_complete_texts) {
  TokenizeSpec tokenize;
  tokenize.prefix = {kBegin};
  tokenize.suffix = {kEnd};
  SteppedPlane plane({text_route(pair_plan(tokenize))});
  plane.send(cut_text({}, 10, 1));
  EXPECT_EQ(ids_of(plane), pairs_of("", true));
  auto packets = cut_text(bytes_of("abcdefgh"), 4, 2);
  packets.back().marker = false;
  ChunkPacket end = packets.back();
  end.marker = true;
  end.offset = end.length = 8;
  end.bytes.clear();
  packets.push_back(end);
  for (int order = 0; order < 3; ++order) {
    for (ChunkPacket& packet : packets) packet.timestamp = 10u + static_cast<uint32_t>(order);
    plane.send(packets);
    EXPECT_EQ(ids_of(plane), pairs_of("abcdefgh", true)) << order;
    std::rotate(packets.begin(), packets.begin() + 1, packets.end());
  }
}

TEST(TextRoute, first_bytes_win_where_packets_overlap) {
  SteppedPlane plane({text_route(pair_plan())});
  auto packets = cut_text(bytes_of("abcdefghij"), 5, 1, 0, true);
  ChunkPacket other = packets[0];
  other.offset = 3;
  other.bytes = bytes_of("XYZW");
  plane.send(other);
  plane.send(packets);
  EXPECT_EQ(ids_of(plane), pairs_of("abcXYZWhij"));
  EXPECT_EQ(plane.route().overlap_bytes.get(), 4u);
  plane.send(packets[0]);
  EXPECT_EQ(plane.dropped(DropReason::late), 1u);
}

TEST(TextRoute, parts_of_so_many_tokens_leave_before_the_text_has_ended) {
  SteppedPlane plane({text_route(pair_plan(), 4)});
  const auto packets = cut_text(bytes_of("bcdefghijklmnopq"), 8, 3, 9);
  plane.send(packets[0]);
  auto parts = take_parts(sink_of(plane));  // 8 bytes, of which 3 are held back: 5 tokens
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_EQ(parts[0].ids.size(), 4u);
  EXPECT_FALSE(parts[0].part.last);
  std::map<uint64_t, Whole> wholes;
  gather(parts, wholes);
  plane.send(packets[1]);
  gather(take_parts(sink_of(plane)), wholes);
  EXPECT_EQ(wholes[9].ids, pairs_of("bcdefghijklmnopq"));
  EXPECT_TRUE(wholes[9].ended);
  EXPECT_EQ(wholes[9].broken, "");
}

TEST(TextRoute, offsets_count_in_the_whole_text) {
  TokenizeSpec tokenize;
  tokenize.offsets = true;
  SteppedPlane plane({text_route(pair_plan(tokenize))});
  const Bytes text = text_of(1, 1000);
  plane.send(cut_text(text, 77, 1));
  const auto parts = take_parts(sink_of(plane));
  ASSERT_EQ(parts.size(), 1u);
  ASSERT_EQ(parts[0].spans.size(), text.size());
  for (uint32_t i = 0; i < text.size(); ++i) ASSERT_EQ(parts[0].spans[i].begin, i);
}

TEST(TextRoute, words_are_replaced_before_tokens_are_made) {
  SteppedPlane plane({text_route(pair_plan({}, {{"secret", "[...]"}, {"sec", "s"}}))});
  plane.send(cut_text(bytes_of("a secret, a second, secre"), 3, 1));
  EXPECT_EQ(ids_of(plane), pairs_of("a [...], a sond, sre"));
}

TEST(TextRoute, what_lies_too_far_ahead_is_dropped_and_a_lost_packet_makes_the_text_incomplete) {
  RouteConfig route = text_route(pair_plan(), 4);
  route.slots = 4096;
  SteppedPlane plane({route});
  const Bytes text = text_of(1, 10'000);
  auto packets = cut_text(text, 500, 1, 5);
  const ChunkPacket lost = packets[2];
  packets.erase(packets.begin() + 2);
  plane.send(packets);
  // 4096 bytes from the gap at 1000 on: packets up to 5000 wait, those behind are refused.
  EXPECT_EQ(plane.dropped(DropReason::waiting_full), 10u);
  plane.send(lost);
  plane.pass(2'000'000'000);
  EXPECT_EQ(plane.dropped(DropReason::incomplete), 1u);
  std::map<uint64_t, Whole> wholes;
  gather(take_parts(sink_of(plane)), wholes);
  ASSERT_TRUE(wholes[5].ended);
  EXPECT_EQ(wholes[5].failed, DropReason::incomplete);
  const auto all = pairs_of(text);
  ASSERT_LE(wholes[5].ids.size(), all.size());
  EXPECT_TRUE(std::equal(wholes[5].ids.begin(), wholes[5].ids.end(), all.begin()));
  EXPECT_EQ(plane.unaccounted(), 0);
}

TEST(TextRoute, a_text_of_which_nothing_was_delivered_ends_without_a_part) {
  SteppedPlane plane({text_route(pair_plan(), 1000)});
  plane.send(cut_text(text_of(1, 600), 500, 1)[0]);
  plane.pass(2'000'000'000);
  EXPECT_EQ(plane.dropped(DropReason::incomplete), 1u);
  EXPECT_TRUE(take_parts(sink_of(plane)).empty());
}

TEST(TextRoute, a_text_that_cannot_be_decided_within_the_cap_or_holds_a_special_token_is_refused) {
  TokenizeSpec tokenize;
  tokenize.cap_bytes = 1000;
  tokenize.special = text::SpecialPolicy::refuse;
  SteppedPlane plane({text_route(pair_plan(tokenize))});
  plane.send(cut_text(Bytes(5000, 'a'), 500, 1));
  EXPECT_EQ(plane.dropped(DropReason::text_over_cap), 1u);
  plane.send(cut_text(bytes_of("ab\1c"), 500, 2));
  EXPECT_EQ(plane.dropped(DropReason::special_refused), 1u);
  plane.send(cut_text(bytes_of("fine"), 500, 3));
  EXPECT_EQ(ids_of(plane), pairs_of("fine"));
  EXPECT_EQ(plane.unaccounted(), 0);
}

TEST(TextRoute, a_text_that_finds_no_segment_is_given_up_and_its_segments_serve_others) {
  RouteConfig route = text_route(pair_plan());
  route.slots = 4;  // 64 tokens
  SteppedPlane plane({route});
  plane.send(cut_text(text_of(1, 200), 50, 1));
  EXPECT_EQ(plane.dropped(DropReason::no_segment), 1u);
  plane.send(cut_text(text_of(2, 64), 50, 2));
  EXPECT_EQ(plane.route().samples_complete.get(), 1u);
  // The consumer holds all of them now.
  plane.send(cut_text(bytes_of("x"), 50, 3));
  EXPECT_EQ(plane.dropped(DropReason::slow_consumer), 1u);
  EXPECT_EQ(ids_of(plane), pairs_of(text_of(2, 64)));
  plane.send(cut_text(bytes_of("x"), 50, 4));
  EXPECT_EQ(ids_of(plane), pairs_of("x"));
  EXPECT_EQ(plane.unaccounted(), 0);
}

TEST(TextRoute, packets_that_contradict_the_text_or_the_route_are_dropped_by_name) {
  SteppedPlane plane({text_route(pair_plan())});
  const auto packets = cut_text(bytes_of("abcdefghij"), 5, 1, 3, true);
  const auto sent = [&](DropReason reason, auto change) {
    ChunkPacket packet = packets[1];
    packet.marker = false;
    change(packet);
    const uint64_t before = plane.dropped(reason);
    plane.send(packet);
    return plane.dropped(reason) - before;
  };
  EXPECT_EQ(sent(DropReason::wrong_format, [](auto& p) { p.digest ^= 1; }), 1u);
  EXPECT_EQ(sent(DropReason::wrong_format, [](auto& p) { p.output = 1; }), 1u);
  EXPECT_EQ(sent(DropReason::wrong_shape, [](auto& p) { p.dims = {10}; }), 1u);
  EXPECT_EQ(sent(DropReason::out_of_range, [](auto& p) { p.offset = uint64_t{1} << 32, p.length = 0; }), 1u);
  EXPECT_EQ(sent(DropReason::out_of_range, [](auto& p) { p.length = 7; }), 1u);
  EXPECT_EQ(sent(DropReason::empty, [](auto& p) { p.bytes.clear(); }), 1u);
  EXPECT_EQ(sent(DropReason::bad_payload_header, [](auto& p) { p.bytes.clear(), p.marker = true; }), 1u);
  EXPECT_EQ(sent(DropReason::waiting_full, [](auto& p) { p.offset = 5000, p.length = 0; }), 1u);
  EXPECT_EQ(plane.route().samples_opened.get(), 0u);
  plane.send(packets[0]);
  EXPECT_EQ(sent(DropReason::conflict, [](auto& p) { p.request_id = 4; }), 1u);
  EXPECT_EQ(sent(DropReason::conflict, [](auto& p) { p.length = 11; }), 1u);
  EXPECT_EQ(sent(DropReason::out_of_range, [](auto& p) { p.offset = 6, p.length = 0; }), 1u);
  EXPECT_EQ(sent(DropReason::duplicate, [](auto& p) { p.offset = 0; }), 1u);
  plane.send(packets[1]);
  EXPECT_EQ(ids_of(plane), pairs_of("abcdefghij"));
  EXPECT_EQ(plane.unaccounted(), 0);
}

TEST(TextRoute, an_end_before_bytes_that_have_come_is_a_conflict) {
  SteppedPlane plane({text_route(pair_plan())});
  auto packets = cut_text(bytes_of("abcdefghij"), 5, 1);
  packets[1].marker = false;
  plane.send(packets[1]);
  packets[0].marker = true;
  plane.send(packets[0]);
  EXPECT_EQ(plane.dropped(DropReason::conflict), 1u);
}

TEST(TextRoute, the_oldest_text_gives_its_slot_to_a_new_one_or_keeps_it) {
  for (const bool evict : {true, false}) {
    RouteConfig route = text_route(pair_plan());
    route.evict_oldest = evict;
    SteppedPlane plane({route});
    for (uint32_t t = 1; t <= 5; ++t) plane.send(cut_text(bytes_of("abcdefghij"), 5, t)[0]);
    EXPECT_EQ(plane.dropped(DropReason::evicted), evict ? 1u : 0u);
    EXPECT_EQ(plane.dropped(DropReason::no_slot), evict ? 0u : 1u);
    EXPECT_EQ(plane.unaccounted(), 0);
    plane.finish();
    EXPECT_EQ(plane.dropped(DropReason::closed), 4u);
  }
}

TEST(TextRoute, texts_and_images_share_a_plane) {
  RouteConfig text = text_route(pair_plan(), 0, "texts");
  text.payload_type = 100;
  RouteConfig image = route_to_host(small_program(), "images");
  image.payload_type = kPayloadType;
  SteppedPlane plane({image, text});
  const Bytes sample = sample_of(*image.program, 1);
  plane.send(cut(*image.program, sample, 96, 1));
  auto packets = cut_text(bytes_of("hello"), 2, 1);
  for (ChunkPacket& packet : packets) packet.payload_type = 100;
  plane.send(packets);
  EXPECT_EQ(plane.take().at(0).output, expected_of(*image.program, sample));
  EXPECT_EQ(take_parts(sink_of(plane, 1)).at(0).ids, pairs_of("hello"));
  EXPECT_EQ(plane.unaccounted(), 0);
}

TEST(TextRoute, a_route_is_refused_by_what_does_not_fit_texts) {
  const auto refused = [](auto change) {
    RouteConfig route = text_route(pair_plan());
    change(route);
    FakePort in;
    PlaneConfig config;
    config.ports = {{"p", in.port()}};
    config.routes = {route};
    return error_text(build_plane(std::move(config)));
  };
  EXPECT_EQ(refused([](auto&) {}), "ok");
  EXPECT_NE(refused([](auto& r) { r.payload = PayloadFormat::rfc4175; }).find("RFC 4175"), std::string::npos);
  EXPECT_NE(refused([](auto& r) { r.text->waiting_bytes = 0; }).find("waitingBytes"), std::string::npos);
  EXPECT_NE(refused([](auto& r) { r.text->segment_elements = 0; }).find("segment"), std::string::npos);
  EXPECT_NE(refused([](auto& r) { r.sink = HostSinkConfig{.batch = 2}; }).find("batched"), std::string::npos);
  EXPECT_NE(refused([](auto& r) { r.sink = HostSinkConfig{.backpressure = true}; }).find("drop"),
            std::string::npos);
  EXPECT_NE(refused([](auto& r) { r.program = small_program(); }).find("pipeline"), std::string::npos);
}

}  // namespace
}  // namespace onpath::testing
