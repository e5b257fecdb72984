// Swaps of pipelines whose results are forwarded, and of pipelines for texts.
#include <gtest/gtest.h>

#include <map>

#include "dataplane/forward_lane.h"
#include "dataplane/swaps_testing.h"

namespace onpath::testing {
namespace {

ForwardSinkConfig to_q() {
  ForwardSinkConfig sink;
  sink.port = "q";
  sink.source = endpoint("10.0.1.1", 6000);
  sink.destination = endpoint("10.0.1.2", 6001);
  sink.destination_mac = {2, 0, 0, 0, 0, 9};
  return sink;
}

/// Forwarded packets by request id: their bytes in place, their digest, and every sequence number in turn.
struct Forwarded {
  std::map<uint64_t, Bytes> bytes;
  std::map<uint64_t, uint32_t> digests;
  std::map<uint32_t, std::vector<uint16_t>> sequences;  // by SSRC

  explicit Forwarded(const std::vector<Bytes>& frames) {
    for (const Bytes& frame : frames) {
      Datagram datagram;
      RtpPacket rtp;
      ChunkHeader chunk;
      std::span<const uint8_t> payload;
      EXPECT_FALSE(parse_frame(frame, {}, datagram));
      EXPECT_FALSE(parse_rtp(datagram.payload, rtp));
      const auto reason = parse_chunk(rtp.payload, chunk, payload);
      EXPECT_TRUE(!reason || *reason == DropReason::empty);
      Bytes& to = bytes[chunk.request_id];
      to.resize(std::max<size_t>(to.size(), chunk.offset + payload.size()));
      std::copy(payload.begin(), payload.end(), to.begin() + static_cast<int64_t>(chunk.offset));
      const auto [known, fresh] = digests.emplace(chunk.request_id, chunk.digest);
      EXPECT_EQ(known->second, chunk.digest) << "a sample of two formats";
      sequences[rtp.ssrc].push_back(rtp.sequence);
    }
    for (const auto& [ssrc, numbers] : sequences) {
      for (size_t i = 0; i < numbers.size(); ++i) EXPECT_EQ(numbers[i], i) << "SSRC " << ssrc;
    }
  }
};

TEST(SwapsForward, AtEveryPacketEachSampleAndItsDigestAreOfOneVersion) {
  const ProgramPtr before = shifted_program(1), after = small_program();  // uint8 hwc, float32 chw
  std::vector<Bytes> samples;
  std::vector<ChunkPacket> packets;
  for (uint32_t i = 0; i < 3; ++i) samples.push_back(sample_of(*before, i));
  for (size_t p = 0; p < 4; ++p) {
    for (uint32_t i = 0; i < 3; ++i) packets.push_back(cut(*before, samples[i], 96, i, i, 1 + i % 2)[p]);
  }
  for (const bool in_place : {false, true}) {
    for (size_t at = 0; at <= packets.size(); ++at) {
      RouteConfig route = route_to_host(before);
      route.sink = to_q();
      static const int kDomain = 0;
      SteppedPlane plane({route}, ONPATH_FRAMING_ETHERNET, {}, {}, [&](FakePort& in, FakePort& out) {
        if (!in_place) return;
        in.share_buffers(&kDomain, 128);
        out.share_buffers(&kDomain, 128);
      });
      Swapping swapping(plane);
      for (size_t p = 0; p < packets.size(); ++p) {
        if (p == at) swapping.to(after);
        plane.send(packets[p]);
      }
      plane.pass(1'000'000);
      const Forwarded forwarded(plane.out.sent);
      ASSERT_EQ(forwarded.bytes.size(), 3u);
      for (uint32_t i = 0; i < 3; ++i) {
        const ProgramPtr& program = i < at ? before : after;
        EXPECT_EQ(forwarded.bytes.at(i), expected_of(*program, samples[i])) << at;
        EXPECT_EQ(forwarded.digests.at(i), format_digest(output_format_text(program->plan().outputs()[0])));
      }
      EXPECT_EQ(forwarded.sequences.size(), 2u);
      if (at < packets.size()) EXPECT_EQ(swapping.alive(), 1u);
      EXPECT_EQ(plane.route().samples_sent.get(), 3u);
      EXPECT_EQ(plane.unaccounted(), 0);
    }
  }
}

TEST(SwapsForward, NewStreamsDoNotTakeTheNumbersOfOlderOnes) {
  RouteConfig route = route_to_host(shifted_program(1));
  ForwardSinkConfig sink = to_q();
  sink.ssrc = 100;
  route.sink = sink;
  SteppedPlane plane({route});
  Swapping swapping(plane);
  const Bytes sample = sample_of(*shifted_program(1), 1);
  for (uint32_t ssrc = 1; ssrc <= 3; ++ssrc) {
    plane.send(cut(*shifted_program(1), sample, 384, ssrc, ssrc, ssrc));
    swapping.to(shifted_program(ssrc + 1));
  }
  plane.pass(1'000'000);
  const Forwarded forwarded(plane.out.sent);
  EXPECT_EQ(forwarded.sequences.size(), 3u);
  EXPECT_TRUE(forwarded.sequences.contains(102));
}

/// Packets of texts that take turns.
std::vector<ChunkPacket> texts_in_turn(const std::vector<Bytes>& texts, size_t size) {
  std::vector<ChunkPacket> packets;
  for (size_t p = 0;; ++p) {
    const size_t before = packets.size();
    for (uint32_t i = 0; i < texts.size(); ++i) {
      const auto cuts = cut_text(texts[i], size, i, i);
      if (p < cuts.size()) packets.push_back(cuts[p]);
    }
    if (packets.size() == before) return packets;
  }
}

TEST(SwapsText, AtEveryPacketEachTextIsWhollyOfOneVocabulary) {
  std::vector<Bytes> texts;
  for (uint32_t i = 0; i < 3; ++i) texts.push_back(text_of(i, 60 + 7 * i));
  const auto packets = texts_in_turn(texts, 17);
  for (const uint32_t part : {0u, 5u}) {
    for (size_t at = 0; at <= packets.size(); ++at) {
      SteppedPlane plane({text_route(marked_plan(1), part)});
      Swapping swapping(plane);
      SharedTextSink& sink = *plane.parts->text_sinks[0];
      std::map<uint64_t, Whole> wholes;
      std::map<uint64_t, uint64_t> versions;
      for (size_t p = 0; p < packets.size(); ++p) {
        if (p == at) swapping.to(marked_plan(2));
        plane.send(packets[p]);
        const auto parts = take_parts(sink);
        for (const TakenPart& taken : parts) {
          const auto known = versions.emplace(taken.part.info.request_id, taken.part.version).first;
          EXPECT_EQ(known->second, taken.part.version);
        }
        gather(parts, wholes);
      }
      ASSERT_EQ(wholes.size(), 3u);
      for (auto& [id, whole] : wholes) {
        const uint32_t version = id < at ? 1 : 2;
        EXPECT_EQ(versions[id], version);
        EXPECT_EQ(whole.broken, "");
        EXPECT_EQ(whole.ids, marked(texts[id], version)) << at;
      }
      if (at < packets.size()) EXPECT_EQ(swapping.alive(), 1u);
      EXPECT_EQ(plane.unaccounted(), 0);
    }
  }
}

TEST(SwapsText, ForwardedTextsTooAndTheirDigestIsTheVocabularys) {
  std::vector<Bytes> texts;
  for (uint32_t i = 0; i < 3; ++i) texts.push_back(text_of(i, 80));
  const auto packets = texts_in_turn(texts, 17);
  for (size_t at = 0; at < packets.size(); ++at) {
    RouteConfig route = text_route(marked_plan(1));
    route.text->segment_elements = 4;
    route.sink = to_q();
    SteppedPlane plane({route});
    Swapping swapping(plane);
    for (size_t p = 0; p < packets.size(); ++p) {
      if (p == at) swapping.to(marked_plan(2));
      plane.send(packets[p]);
    }
    plane.pass(1'000'000);
    const Forwarded forwarded(plane.out.sent);
    ASSERT_EQ(forwarded.bytes.size(), 3u);
    for (uint32_t i = 0; i < 3; ++i) {
      const uint32_t version = i < at ? 1 : 2;
      const auto ids = marked(texts[i], version);
      Bytes expected(ids.size() * 4);
      std::memcpy(expected.data(), ids.data(), expected.size());
      EXPECT_EQ(forwarded.bytes.at(i), expected) << at;
      EXPECT_EQ(forwarded.digests.at(i), marked_plan(version)->output_format().digest);
    }
    EXPECT_EQ(swapping.alive(), 1u);
  }
}

TEST(SwapsText, AnyTrafficUnderManySwapsGivesWholeTexts) {
  Random random(test_seed());
  RouteConfig route = text_route(marked_plan(1), 7);
  route.deadline_ns = 5'000'000;
  SteppedPlane plane({route});
  Swapping swapping(plane);
  SharedTextSink& sink = *plane.parts->text_sinks[0];
  std::map<uint64_t, Bytes> sent;
  std::map<uint64_t, Whole> wholes;
  std::map<uint64_t, uint64_t> versions;
  std::vector<ChunkPacket> waiting;
  uint32_t version = 1;
  const auto look = [&] {
    const auto parts = take_parts(sink);
    for (const TakenPart& taken : parts) {
      const auto known = versions.emplace(taken.part.info.request_id, taken.part.version).first;
      EXPECT_EQ(known->second, taken.part.version);
    }
    gather(parts, wholes);
  };
  for (uint32_t step = 0; step < 3000; ++step) {
    if (random.one_in(5)) {
      sent[step] = text_of(step, 1 + random.below(200));
      auto packets = cut_text(sent[step], 1 + random.below(60), step, step);
      if (random.one_in(6)) packets.pop_back();
      waiting.insert(waiting.end(), packets.begin(), packets.end());
    }
    if (random.one_in(6) && swapping.offer({.text = marked_plan(version + 1)})) ++version;
    if (!waiting.empty()) {
      const size_t pick = random.below(std::min<size_t>(waiting.size(), 8));
      plane.send(waiting[pick]);
      waiting.erase(waiting.begin() + static_cast<int64_t>(pick));
    }
    if (random.one_in(3)) plane.pass(random.below(1'000'000));
    if (random.one_in(3)) look();
  }
  plane.pass(10'000'000);
  look();
  uint64_t whole_texts = 0;
  for (auto& [id, whole] : wholes) {
    EXPECT_EQ(whole.broken, "");
    EXPECT_TRUE(whole.ended);
    if (whole.failed) continue;
    ++whole_texts;
    EXPECT_EQ(whole.ids, marked(sent[id], static_cast<uint32_t>(versions[id])));
  }
  EXPECT_GT(whole_texts, 50u);
  EXPECT_EQ(whole_texts, plane.route().samples_complete.get());
  EXPECT_EQ(plane.unaccounted(), 0);
  EXPECT_EQ(swapping.alive(), 1u);
  EXPECT_EQ(swapping.versions.more_bytes(), 0);
}

}  // namespace
}  // namespace onpath::testing
