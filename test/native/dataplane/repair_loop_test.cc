// Loss repair over a bad network: both ways lossy, packets doubled and out of order. Nearly every sample
// completes, every one that does is exact, and the books balance.
#include <future>

#include "dataplane/checker.h"
#include "dataplane/repair_testing.h"
#include "dataplane/text_testing.h"

namespace onpath::testing {
namespace {

constexpr uint64_t kSamples = 2000 / kSlowdown;

MemoryPortConfig lossy(uint64_t seed) {
  MemoryPortConfig config;
  config.impairments.loss = 0.05;
  config.impairments.duplicate = 0.02;
  config.impairments.reorder_span = 8;
  config.impairments.seed = seed;
  config.max_bytes = 512;
  return config;
}

/// However long a busy machine holds somebody up.
RouteConfig patient(RouteConfig route) {
  route = repaired(std::move(route), "10.0.0.0/16");
  route.deadline_ns = 60'000'000'000;
  route.open_samples = 1024;
  route.slots = 2048;
  route.repair->max_retries = 100;
  route.repair->window_packets = 32768;
  route.repair->report_ns = 50'000'000;
  return route;
}

SenderConfig resending(const onpath_port* port, const Program* program) {
  SenderConfig config;
  config.port = port;
  config.source = endpoint("10.0.0.2", 40000);
  config.destination = endpoint("10.0.0.1", kUdpPort);
  if (program != nullptr) config.format = program->plan().input();
  config.texts = program == nullptr;
  config.max_payload_bytes = 160;
  config.bits_per_second = 5e6;
  config.resend.emplace();
  config.resend->packets = ResendBuffer::kMostPackets;
  return config;
}

/// Sends and waits for each: `make` gives a sample's bytes.
void send_all(Sender& sender, bool texts, uint64_t count, const std::function<Bytes(uint64_t)>& make,
              uint64_t first = 0) {
  for (uint64_t number = first; number < first + count; ++number) {
    const Bytes bytes = make(number);
    std::promise<void> left;
    const auto done = [&](const Result<SendReport>& report) {
      EXPECT_TRUE(report.ok());
      left.set_value();
    };
    const Result<void> queued =
        texts ? sender.send_text(bytes, TextPlace{number, 0, {}, true, bytes.size()}, done)
              : sender.send(bytes, number, done);
    ASSERT_TRUE(queued.ok());
    left.get_future().wait();
  }
}

std::string drops_text(const RouteStats& books) {
  std::string text = std::to_string(books.samples_opened) + " opened, " +
                     std::to_string(books.samples_complete) + " complete, " +
                     std::to_string(books.nacks_sent) + " asked for";
  for (size_t i = 0; i < kDropReasonCount; ++i) {
    const auto reason = static_cast<DropReason>(i);
    if (dropped(books, reason) > 0)
      text += std::string(", ") + drop_reason_name(reason) + " " + std::to_string(dropped(books, reason));
  }
  return text;
}

void expect_repaired(const PlaneStats& stats, size_t route) {
  const RouteStats& books = stats.routes[route];
  SCOPED_TRACE(drops_text(books));
  EXPECT_EQ(imbalance(stats), "");
  EXPECT_GE(books.samples_complete * 1000, kSamples * 999);
  EXPECT_GT(books.packets_repaired, kSamples / 20);
  EXPECT_GE(books.nacks_sent, books.packets_repaired);
  EXPECT_GT(books.reports_sent, 0u);
}

TEST(RepairLoop, ImagesCompleteAndAreExactOverLossBothWays) {
  const ProgramPtr program = small_program();
  const std::string link = fresh_link();
  RouteConfig route = patient(route_to_host(program));
  std::get<HostSinkConfig>(route.sink).backpressure = true;
  auto plane = must(start_plane(plane_on(memory_end(link, 0, lossy(3)), {route})));
  auto sender = must(open_sender(resending(memory_end(link, 1, lossy(4)), program.get())));
  Checker checker(program, plane->host_sink("r"));
  checker.start();
  const auto make = [&](uint64_t number) { return sample_of(*program, number); };
  uint64_t sent_samples = kSamples;
  send_all(*sender, false, sent_samples, make);
  const auto all_came = [&] { return plane->stats().routes[0].samples_complete == sent_samples; };
  EXPECT_TRUE(wait_until(all_came)) << drops_text(plane->stats().routes[0]);
  // Reports are lost as other packets are, and are made only while there are such.
  EXPECT_TRUE(wait_until([&] {
    const auto reports = sender->stats().reports;
    if (!reports.empty() && reports[0].round_trip_ms.has_value()) return true;
    send_all(*sender, false, 1, make, sent_samples++);
    return false;
  }));
  EXPECT_TRUE(wait_until(all_came)) << drops_text(plane->stats().routes[0]);
  sender->close();
  const SenderStats sent = sender->stats();
  EXPECT_EQ(sent.nacks_received, sent.resent + sent.refused);
  EXPECT_GT(sent.resent, 0u);
  ASSERT_EQ(sent.reports.size(), 1u);
  EXPECT_GT(sent.reports[0].highest_sequence, 0u);
  plane->close();
  checker.stop();
  EXPECT_EQ(checker.wrong, 0u);
  expect_repaired(plane->stats(), 0);
  EXPECT_GT(plane->stats().ports[0].counters.impaired_lost, 0u);
}

TEST(RepairLoop, TextsCompleteOverLossBothWays) {
  const std::string link = fresh_link();
  RouteConfig route = patient(text_route(pair_plan()));
  route.text->segment_elements = 128;
  route.slots = 16384;  // a consumer that gets no core for a while costs no text
  auto plane = must(start_plane(plane_on(memory_end(link, 0, lossy(5)), {route})));
  auto sender = must(open_sender(resending(memory_end(link, 1, lossy(6)), nullptr)));
  std::atomic<bool> stop{false};
  std::thread consumer([&] {
    const auto sink = plane->text_sink("r");
    while (!stop) {
      for (TextPart part; sink->next(part);) {
        EXPECT_FALSE(part.failed);
        sink->release(part.handle);
      }
      std::this_thread::yield();
    }
  });
  send_all(*sender, true, kSamples, [](uint64_t number) { return text_of(number, 600); });
  EXPECT_TRUE(wait_until([&] { return plane->stats().routes[0].samples_complete == kSamples; }))
      << drops_text(plane->stats().routes[0]);
  sender->close();
  plane->close();
  stop = true;
  consumer.join();
  expect_repaired(plane->stats(), 0);
}

/// One plane with two routes: what the first forwards over a bad link comes in by the second.
TEST(RepairLoop, ForwardedResultsCompleteAndAreExactToo) {
  const ProgramPtr copy = copy_program(16, 8), program = small_program();
  const std::string first = fresh_link(), second = fresh_link();
  RouteConfig forwarding = patient(route_to_host(copy, "f", "p"));
  ForwardSinkConfig forward;
  forward.port = "q";
  forward.source = endpoint("10.0.2.1", 5004);
  forward.destination = endpoint("10.0.2.2", 5004);
  forward.payload_type = kPayloadType;
  forward.max_payload_bytes = 160;
  forward.resend.emplace();
  forward.resend->packets = ResendBuffer::kMostPackets;
  forwarding.sink = forward;
  PlaneConfig near_config = plane_on(memory_end(first, 0, lossy(7)), {forwarding});
  near_config.ports.push_back({"q", memory_end(second, 0, lossy(8))});
  near_config.workers = 1;
  auto near_plane = must(start_plane(std::move(near_config)));
  RouteConfig route = patient(route_to_host(program));
  std::get<HostSinkConfig>(route.sink).backpressure = true;
  auto far_plane = must(start_plane(plane_on(memory_end(second, 1, lossy(9)), {route})));
  auto sender = must(open_sender(resending(memory_end(first, 1, lossy(10)), copy.get())));
  Checker checker(program, far_plane->host_sink("r"));
  checker.start();
  send_all(*sender, false, kSamples, [&](uint64_t number) { return sample_of(*program, number); });
  EXPECT_TRUE(wait_until([&] { return far_plane->stats().routes[0].samples_complete == kSamples; }))
      << drops_text(far_plane->stats().routes[0]);
  sender->close();
  near_plane->close();
  far_plane->close();
  checker.stop();
  EXPECT_EQ(checker.wrong, 0u);
  expect_repaired(near_plane->stats(), 0);
  expect_repaired(far_plane->stats(), 0);
  const RouteStats books = near_plane->stats().routes[0];
  EXPECT_EQ(books.nacks_received, books.packets_resent + books.resends_refused);
  EXPECT_GT(books.packets_resent, 0u);
}

TEST(RepairLoop, WithoutRepairManySamplesAreLost) {
  const ProgramPtr program = small_program();
  const std::string link = fresh_link();
  RouteConfig route = patient(route_to_host(program));
  route.repair.reset();
  route.deadline_ns = 200'000'000;
  auto plane = must(start_plane(plane_on(memory_end(link, 0, lossy(11)), {route})));
  auto sender = must(open_sender(resending(memory_end(link, 1, lossy(12)), program.get())));
  send_all(*sender, false, kSamples, [&](uint64_t number) { return sample_of(*program, number); });
  EXPECT_TRUE(wait_until([&] {
    const PlaneStats stats = plane->stats();
    return stats.routes[0].samples_open == 0 && stats.routes[0].samples_opened > kSamples * 9 / 10;
  }));
  EXPECT_EQ(sender->stats().nacks_received, 0u);
  sender->close();
  plane->close();
  EXPECT_EQ(imbalance(plane->stats()), "");
  EXPECT_LT(plane->stats().routes[0].samples_complete, kSamples * 95 / 100);
}

}  // namespace
}  // namespace onpath::testing
