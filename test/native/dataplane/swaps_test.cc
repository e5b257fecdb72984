// Swaps of pipelines for images: every sample is wholly of the version that was current when it was opened,
// no packet is lost by a swap, and older versions are freed.
#include <gtest/gtest.h>

#include <map>

#include "dataplane/swaps_testing.h"

namespace onpath::testing {
namespace {

/// Packets of several samples, taking turns.
std::vector<ChunkPacket> interleaved(const std::vector<Bytes>& samples, uint64_t bytes) {
  std::vector<std::vector<ChunkPacket>> cuts;
  for (uint32_t i = 0; i < samples.size(); ++i)
    cuts.push_back(cut(*shifted_program(0), samples[i], bytes, i, i));
  std::vector<ChunkPacket> packets;
  for (size_t p = 0; p < cuts[0].size(); ++p) {
    for (const auto& sample : cuts) packets.push_back(sample[p]);
  }
  return packets;
}

std::vector<Bytes> samples_of(uint32_t count) {
  std::vector<Bytes> samples;
  for (uint32_t i = 0; i < count; ++i) samples.push_back(sample_of(*shifted_program(0), i));
  return samples;
}

TEST(Swaps, AtEveryPacketEachSampleIsWhollyOfTheVersionItWasOpenedUnder) {
  const std::vector<Bytes> samples = samples_of(4);
  const auto packets = interleaved(samples, 96);
  for (size_t at = 0; at <= packets.size(); ++at) {
    SteppedPlane plane({route_to_host(shifted_program(1))});
    Swapping swapping(plane);
    for (size_t p = 0; p < packets.size(); ++p) {
      if (p == at) swapping.to(shifted_program(2));
      plane.send(packets[p]);
    }
    if (at == packets.size()) swapping.to(shifted_program(2)), plane.poll();
    const auto taken = take_versions(plane.sink());
    ASSERT_EQ(taken.size(), samples.size());
    for (const Versioned& sample : taken) {
      const auto index = static_cast<size_t>(sample.info.request_id);
      const uint32_t version = index < at ? 1 : 2;  // its first packet is the one of that number
      EXPECT_EQ(sample.version, version) << at;
      EXPECT_EQ(sample.output, shifted(samples[index], version)) << at;
    }
    EXPECT_EQ(plane.unaccounted(), 0);
    EXPECT_EQ(swapping.alive(), 1u);
    EXPECT_EQ(swapping.more_bytes(), 0);
  }
}

TEST(Swaps, AnyTrafficUnderManySwapsGivesWholeSamplesAndBooksThatBalance) {
  Random random(test_seed());
  for (int round = 0; round < 40; ++round) {
    RouteConfig route = route_to_host(shifted_program(1));
    route.open_samples = random.between(1, 5);
    route.slots = random.between(1, 6);
    route.evict_oldest = random.one_in(2);
    route.deadline_ns = 5'000'000;
    std::get<HostSinkConfig>(route.sink) = {random.between(1, 3), random.one_in(2) ? 2'000'000u : 0u, false};
    SteppedPlane plane({route});
    Swapping swapping(plane);
    uint32_t version = 1;
    std::map<uint64_t, Bytes> sent;
    uint64_t taken = 0;
    const auto look = [&] {
      for (const Versioned& sample : take_versions(plane.sink())) {
        EXPECT_EQ(sample.output,
                  shifted(sent[sample.info.request_id], static_cast<uint32_t>(sample.version)));
        ++taken;
      }
    };
    std::vector<ChunkPacket> waiting;
    for (uint32_t step = 0; step < 400; ++step) {
      if (random.one_in(4)) {
        const uint64_t number = step;
        sent[number] = sample_of(*shifted_program(0), number);
        auto packets = cut(*shifted_program(0), sent[number], 96, step, number, random.between(1, 3));
        if (random.one_in(4)) packets.pop_back();
        waiting.insert(waiting.end(), packets.begin(), packets.end());
      }
      if (random.one_in(6)) {
        const auto offered = swapping.offer({.program = shifted_program(version + 1)});
        if (offered) {
          EXPECT_EQ(offered.value().at(0), ++version);
        } else {
          EXPECT_EQ(offered.error().code, ErrorCode::BUSY);
        }
      }
      if (!waiting.empty()) {
        const size_t pick = random.below(static_cast<uint32_t>(std::min<size_t>(waiting.size(), 12)));
        plane.send(waiting[pick]);
        waiting.erase(waiting.begin() + static_cast<int64_t>(pick));
      }
      if (random.one_in(3)) plane.pass(random.below(2'000'000));
      if (random.one_in(3)) look();
    }
    plane.pass(10'000'000);
    EXPECT_EQ(plane.unaccounted(), 0);
    plane.finish();
    look();
    EXPECT_EQ(taken, plane.route().samples_complete.get());
    EXPECT_EQ(swapping.alive(), 1u);
    EXPECT_EQ(swapping.more_bytes(), 0);
    EXPECT_EQ(swapping.versions.freed(0), version - 1);
  }
}

TEST(Swaps, WhatIsOverStaysOver) {
  SteppedPlane plane({route_to_host(shifted_program(1))});
  Swapping swapping(plane);
  const auto samples = samples_of(1);
  const auto packets = interleaved(samples, 96);
  plane.send(packets);
  swapping.to(shifted_program(2));
  plane.send(packets);
  EXPECT_EQ(plane.dropped(DropReason::late), packets.size());
  EXPECT_EQ(take_versions(plane.sink()).size(), 1u);
}

TEST(Swaps, ABatchIsWhollyOfOneVersionAndOneThatIsLeftPartlyFullIsDelivered) {
  RouteConfig route = route_to_host(shifted_program(1));
  std::get<HostSinkConfig>(route.sink).batch = 4;
  SteppedPlane plane({route});
  Swapping swapping(plane);
  const auto samples = samples_of(7);
  const auto packets = interleaved(samples, 384);  // one each
  for (size_t i = 0; i < 3; ++i) plane.send(packets[i]);
  swapping.to(shifted_program(2));
  for (size_t i = 3; i < 7; ++i) plane.send(packets[i]);
  const auto taken = take_versions(plane.sink());
  ASSERT_EQ(taken.size(), 7u);
  for (size_t i = 0; i < 7; ++i) {
    EXPECT_EQ(taken[i].version, i < 3 ? 1u : 2u);
    EXPECT_EQ(taken[i].batch, i < 3 ? 3u : 4u);
    EXPECT_EQ(taken[i].output, shifted(samples[i], i < 3 ? 1 : 2));
  }
}

TEST(Swaps, AVersionLivesUntilTheConsumerHasReleasedItsLastBuffer) {
  SteppedPlane plane({route_to_host(shifted_program(1))});
  Swapping swapping(plane);
  const auto samples = samples_of(2);
  const auto packets = interleaved(samples, 384);
  plane.send(packets[0]);
  swapping.to(shifted_program(2));
  plane.poll();
  EXPECT_EQ(swapping.alive(), 2u) << "its sample waits for the consumer";
  Delivery delivery;
  ASSERT_TRUE(plane.sink().next(delivery));
  EXPECT_EQ(swapping.alive(), 2u) << "the consumer has it";
  EXPECT_GT(swapping.more_bytes(), 0);
  plane.send(packets[1]);
  EXPECT_EQ(Bytes(delivery.outputs[0], delivery.outputs[0] + 384), shifted(samples[0], 1));
  plane.sink().release(delivery.buffer);
  EXPECT_EQ(swapping.alive(), 1u);
  EXPECT_EQ(swapping.more_bytes(), 0);
  plane.sink().release(delivery.buffer);  // a buffer of a version that is no more
  EXPECT_EQ(take_versions(plane.sink()).at(0).output, shifted(samples[1], 2));
}

TEST(Swaps, AVersionThatTheWorkerNeverTookIsFreed) {
  SteppedPlane plane({route_to_host(shifted_program(1))});
  Swapping swapping(plane);
  for (uint32_t v = 2; v < 30; ++v) swapping.to(shifted_program(v));
  plane.send(interleaved(samples_of(1), 96));
  EXPECT_EQ(take_versions(plane.sink()).at(0).version, 29u);
  EXPECT_EQ(swapping.alive(), 1u);
  EXPECT_EQ(swapping.versions.freed(0), 28u);
}

TEST(Swaps, OnlySoManyVersionsAreAlive) {
  RouteConfig route = route_to_host(shifted_program(1));
  SteppedPlane plane({route});
  Swapping swapping(plane);
  const auto packets = interleaved(samples_of(kMostVersions), 96);
  for (uint32_t v = 1; v < kMostVersions; ++v) {
    plane.send(packets[v - 1]);  // a sample stays open under each
    swapping.to(shifted_program(v + 1));
    plane.poll();
  }
  EXPECT_EQ(swapping.alive(), kMostVersions);
  const std::string refused = error_text(swapping.offer({.program = shifted_program(99)}));
  EXPECT_EQ(refused.substr(0, 5), "BUSY:");
  plane.pass(route.deadline_ns + 1'000'000);
  EXPECT_EQ(plane.dropped(DropReason::incomplete), kMostVersions - 1);
  EXPECT_EQ(swapping.alive(), 1u);
  swapping.to(shifted_program(kMostVersions + 1));
}

TEST(Swaps, APipelineThatDoesNotFitIsRefusedBeforeAnythingChanges) {
  SteppedPlane plane({route_to_host(shifted_program(1)), route_to_host(shifted_program(1), "s", "q")});
  Swapping swapping(plane);
  const auto refusal = [&](const RouteSwap& swap) { return error_text(swapping.offer(swap)); };
  EXPECT_EQ(refusal({.program = copy_program(16, 9)})
                .find("INVALID_SPEC: Route \"r\": the new pipeline's "
                      "input size is 16x9, but the route takes 16x8"),
            0u);
  EXPECT_EQ(refusal({.program = copy_program(16, 8, PixelFormat::bgr)})
                .find("INVALID_SPEC: Route \"r\": the new pipeline's input format"),
            0u);
  EXPECT_EQ(refusal({.text = marked_plan(1)})
                .find("INVALID_SPEC: Route \"r\": the new pipeline's input is "
                      "texts, but the route takes images of one size"),
            0u);
  const auto family = must(PlanFamily::make(family_spec(16, 8)));
  EXPECT_EQ(refusal({.program = family->largest(), .family = family})
                .find("INVALID_SPEC: Route \"r\": the new pipeline's input is images of many sizes"),
            0u);
  EXPECT_EQ(refusal({.route = "x", .program = shifted_program(2)}).find("NOT_FOUND: The plane has no route"),
            0u);
  const RouteSwap good{.route = "r", .program = shifted_program(2)};
  EXPECT_EQ(error_text(swapping.versions.offer({good, good})).find("INVALID_ARGUMENT: Route \"r\""), 0u);
  // All or none.
  EXPECT_FALSE(swapping.versions.offer({good, {.route = "s", .program = copy_program(16, 9)}}).ok());
  EXPECT_EQ(swapping.versions.alive(0), std::vector<uint64_t>{1});
  plane.parts->max_memory_bytes = plane.parts->memory->total() + 10;
  EXPECT_EQ(refusal(good).find("LIMIT_EXCEEDED: Route \"r\""), 0u);
  EXPECT_EQ(swapping.more_bytes(), 0);
  plane.send(interleaved(samples_of(1), 96));
  EXPECT_EQ(take_versions(plane.sink()).at(0).version, 1u);
}

TEST(Swaps, ImagesOfManySizesEndUnderTheFamilyTheyWereOpenedUnder) {
  const auto old_family = must(PlanFamily::make(family_spec()));
  PipelineSpec other = family_spec();
  other.stages.back() = NormalizeSpec{.mean = {0.1}, .std = {0.3}};
  const auto new_family = must(PlanFamily::make(other));
  const InputShape shapes[] = {{16, 8}, {15, 9}, {16, 8}, {33, 47}};
  for (size_t at = 0; at <= 4; ++at) {
    for (const bool plans_before : {false, true}) {
      ShapedPlane plane(route_of(old_family));
      Swapping swapping(plane);
      std::vector<std::vector<ChunkPacket>> packets;
      std::vector<Bytes> expected;
      for (uint32_t i = 0; i < 4; ++i) {
        const ShapedImage image(i < at ? *old_family : *new_family, shapes[i], i);
        packets.push_back(image.packets(96, i));
        expected.push_back(image.expected);
      }
      for (size_t i = 0; i < 4; ++i) {
        if (i == at) swapping.to(new_family);
        plane.send(packets[i][0]);
        if (plans_before) plane.make_plans();
      }
      if (at == 4) swapping.to(new_family), plane.poll();
      for (auto& rest : packets) {
        rest.erase(rest.begin());
        plane.send(rest);
      }
      plane.make_all_plans();
      const auto taken = take_versions(plane.sink());
      ASSERT_EQ(taken.size(), 4u) << at;
      for (const Versioned& sample : taken) {
        const auto index = static_cast<size_t>(sample.info.request_id);
        EXPECT_EQ(sample.version, index < at ? 1u : 2u);
        EXPECT_EQ(sample.output, expected[index]) << at;
      }
      EXPECT_EQ(swapping.alive(), 1u);
      EXPECT_EQ(plane.unaccounted(), 0);
    }
  }
}

}  // namespace
}  // namespace onpath::testing
