// Tokens that are forwarded add up to the text's, in order, and so do texts that a sender cuts.
#include <gtest/gtest.h>

#include "dataplane/packetizer.h"
#include "dataplane/text_testing.h"

namespace onpath::testing {
namespace {

RouteConfig forwarding(TextPlanPtr plan, uint32_t piece, uint32_t max_payload_bytes = 200) {
  RouteConfig route = text_route(std::move(plan));
  route.text->segment_elements = piece;
  ForwardSinkConfig sink;
  sink.port = "q";
  sink.source = endpoint("10.0.1.1", 4000);
  sink.destination = endpoint("10.0.1.2", 5004);
  sink.max_payload_bytes = max_payload_bytes;
  route.sink = sink;
  return route;
}

/// What has left for one request, and what is wrong with it.
struct Sent {
  Bytes bytes;
  uint32_t packets = 0;
  bool ended = false;
  std::string broken;
};

void gather_sent(FakePort& out, uint32_t digest, std::map<uint64_t, Sent>& sent) {
  for (const Bytes& frame : out.sent) {
    Datagram datagram;
    RtpPacket rtp;
    ChunkHeader chunk;
    std::span<const uint8_t> bytes;
    ASSERT_FALSE(parse_frame(frame, {}, datagram));
    ASSERT_FALSE(parse_rtp(datagram.payload, rtp));
    const auto reason = parse_chunk(rtp.payload, chunk, bytes);
    Sent& one = sent[chunk.request_id];
    if (reason && !(rtp.marker && reason == DropReason::empty)) one.broken += "not a chunk; ";
    if (chunk.digest != digest || chunk.rank != 0) one.broken += "another format; ";
    if (chunk.offset != one.bytes.size()) one.broken += "out of order; ";
    if (chunk.length != (rtp.marker ? chunk.offset + bytes.size() : 0)) one.broken += "a wrong length; ";
    if (one.ended) one.broken += "a packet behind the end; ";
    one.ended = rtp.marker;
    one.bytes.insert(one.bytes.end(), bytes.begin(), bytes.end());
    ++one.packets;
  }
  out.sent.clear();
}

Bytes ids_as_bytes(const std::vector<uint32_t>& ids) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(ids.data());
  return {bytes, bytes + ids.size() * 4};
}

TEST(TextForward, pieces_of_any_size_add_up_to_the_tokens) {
  const TextPlanPtr plan = pair_plan();
  for (const uint32_t piece : {0u, 1u, 7u, 100u}) {
    SteppedPlane plane({forwarding(plan, piece)});
    std::map<uint64_t, Sent> sent;
    for (uint32_t t = 0; t < 20; ++t) {
      const Bytes text = text_of(t, t * 37);
      plane.send(cut_text(text, 90, t, t));
      plane.pass(1);
      gather_sent(plane.out, plan->output_format().digest, sent);
      ASSERT_EQ(sent[t].broken, "") << piece;
      ASSERT_TRUE(sent[t].ended);
      ASSERT_EQ(sent[t].bytes, ids_as_bytes(pairs_of(text)));
    }
    EXPECT_EQ(plane.route().samples_sent.get(), 20u);
    EXPECT_EQ(plane.unaccounted(), 0);
  }
}

TEST(TextForward, a_full_piece_leaves_before_the_text_has_ended) {
  SteppedPlane plane({forwarding(pair_plan(), 4)});
  plane.send(cut_text(bytes_of("bcdefghijklm"), 9, 1)[0]);
  plane.pass(1);
  ASSERT_EQ(plane.out.sent.size(), 1u);  // 9 bytes, of which 3 are held back: a piece of 4 and 2 more
}

TEST(TextForward, replaced_text_is_a_text_that_another_plane_takes) {
  TextPipelineSpec spec;
  spec.replace = {{"cat", "dog"}};
  const TextPlanPtr plan = must(compile_text(spec));
  EXPECT_EQ(plan->output_format().digest, plan->input().digest);
  SteppedPlane plane({forwarding(plan, 5)});
  plane.send(cut_text(bytes_of("a cat, a cat and a ca"), 4, 1, 1));
  plane.pass(1);
  std::map<uint64_t, Sent> sent;
  gather_sent(plane.out, text_format().digest, sent);
  EXPECT_EQ(sent[1].bytes, bytes_of("a dog, a dog and a ca"));
  EXPECT_EQ(sent[1].broken, "");
}

TEST(TextForward, a_text_that_is_given_up_has_no_end) {
  SteppedPlane plane({forwarding(pair_plan(), 1)});
  plane.send(cut_text(text_of(1, 600), 300, 1, 1)[0]);
  plane.pass(2'000'000'000);
  std::map<uint64_t, Sent> sent;
  gather_sent(plane.out, pair_plan()->output_format().digest, sent);
  EXPECT_EQ(plane.dropped(DropReason::incomplete), 1u);
  EXPECT_FALSE(sent[1].ended);
  EXPECT_GT(sent[1].bytes.size(), 0u);
}

TEST(TextForward, offsets_are_not_forwarded) {
  TokenizeSpec tokenize;
  tokenize.offsets = true;
  FakePort in, out;
  PlaneConfig config;
  config.ports = {{"p", in.port()}, {"q", out.port()}};
  config.routes = {forwarding(pair_plan(tokenize), 0)};
  EXPECT_NE(error_text(build_plane(std::move(config))).find("not their offsets"), std::string::npos);
}

/// A text whole, or in parts that end where they end.
void send_by_packetizer(SteppedPlane& plane, Packetizer& packetizer, const Bytes& text, size_t part,
                        uint32_t timestamp) {
  const auto send = [&](std::span<const uint8_t> bytes, uint64_t offset, bool last, uint64_t length) {
    packetizer.begin_part(bytes, timestamp, timestamp, offset, last, length);
    while (!packetizer.done()) {
      Bytes packet(100);
      packet.resize(packetizer.next(packet.data()));
      plane.send(packet);
    }
  };
  const std::span<const uint8_t> all(text);
  if (part == 0) return send(all, 0, true, text.size());
  for (size_t at = 0; at < text.size(); at += part)
    send(all.subspan(at, std::min(part, text.size() - at)), at, false, 0);
  send({}, text.size(), true, 0);
}

TEST(TextForward, what_a_sender_cuts_arrives_whole_or_in_parts_and_empty) {
  SteppedPlane plane({text_route(pair_plan())});
  auto made = Packetizer::make_for_texts({.ssrc = 1, .max_payload_bytes = 100});
  ASSERT_TRUE(made.ok());
  Packetizer packetizer = made.value();
  uint32_t timestamp = 0;
  for (const size_t size : {0u, 1u, 56u, 57u, 500u}) {
    for (const size_t part : {0u, 1u, 13u, 200u}) {
      const Bytes text = text_of(size, size);
      send_by_packetizer(plane, packetizer, text, part, ++timestamp);
      const auto parts = take_parts(*plane.parts->text_sinks[0]);
      ASSERT_EQ(parts.size(), 1u) << size << " " << part;
      ASSERT_EQ(parts[0].ids, pairs_of(text));
    }
  }
  EXPECT_EQ(plane.unaccounted(), 0);
}

}  // namespace
}  // namespace onpath::testing
