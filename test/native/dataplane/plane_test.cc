// From a sender over a memory link into a host sink and out again.
#include <gtest/gtest.h>

#include <cstring>

#include "dataplane/plane_testing.h"

namespace onpath::testing {
namespace {

TEST(Plane, ASampleOfTheSenderArrivesExactAtTheHostSink) {
  const ProgramPtr program = resize_program(64, 48);
  const std::string link = fresh_link();
  auto plane = must(start_plane(plane_on(memory_end(link, 0), {route_to_host(program)})));
  auto sender = must(open_sender(sender_on(memory_end(link, 1), *program)));
  const std::shared_ptr<HostSink> sink = plane->host_sink("r");
  ASSERT_NE(sink, nullptr);
  EXPECT_EQ(plane->host_sink("other"), nullptr);
  std::atomic<int> rings{0};
  sink->on_ready([](void* count) { ++*static_cast<std::atomic<int>*>(count); }, &rings);

  for (uint64_t number = 0; number < 50; ++number) {
    const Bytes sample = sample_of(*program, number);
    const Bytes expected = expected_of(*program, sample);
    std::atomic<bool> reported{false};
    SendReport report;
    ASSERT_TRUE(sender
                    ->send(sample, 1000 + number,
                           [&](Result<SendReport> result) {
                             report = must(std::move(result));
                             reported = true;
                           })
                    .ok());
    ASSERT_TRUE(wait_until([&] { return reported.load(); }));
    EXPECT_EQ(report.refused, 0u);
    ASSERT_TRUE(wait_until([&] { return rings.load() > 0; }));
    rings = 0;
    Delivery delivery;
    ASSERT_TRUE(sink->next(delivery));
    ASSERT_EQ(delivery.count, 1u);
    EXPECT_EQ(delivery.samples[0].request_id, 1000 + number);
    EXPECT_EQ(delivery.samples[0].timestamp, report.timestamp);
    EXPECT_EQ(delivery.samples[0].ssrc, sender->ssrc());
    EXPECT_EQ(endpoint_text(delivery.samples[0].source), "10.0.0.2:40000");
    EXPECT_LE(delivery.samples[0].first_packet_ns, delivery.samples[0].last_packet_ns);
    EXPECT_EQ(std::memcmp(delivery.outputs[0], expected.data(), expected.size()), 0);
    sink->release(delivery.buffer);
    ASSERT_FALSE(sink->next(delivery));
  }
  sink->on_ready(nullptr, nullptr);
  sender->close();
  plane->close();
  const PlaneStats stats = plane->stats();
  EXPECT_EQ(imbalance(stats), "");
  EXPECT_EQ(stats.routes[0].samples_delivered, 50u);
  EXPECT_EQ(stats.ports[0].counters.rx_packets, stats.routes[0].packets_used);
}

}  // namespace
}  // namespace onpath::testing
