// Senders: every sample arrives whole in both payload formats, and what cannot be sent is said.
#include <gtest/gtest.h>

#include "dataplane/checker.h"
#include "dataplane/fake_port.h"
#include "port/udp_port.h"

namespace onpath::testing {
namespace {

SendReport send_and_wait(Sender& sender, const Bytes& sample, uint64_t number) {
  std::atomic<bool> done{false};
  SendReport report;
  EXPECT_TRUE(sender
                  .send(sample, number,
                        [&](Result<SendReport> result) {
                          report = must(std::move(result));
                          done = true;
                        })
                  .ok());
  EXPECT_TRUE(wait_until([&] { return done.load(); }));
  return report;
}

class SenderFormats : public ::testing::TestWithParam<std::tuple<PayloadFormat, PixelFormat, bool, double>> {
};

TEST_P(SenderFormats, ArriveExactWithUniqueGrowingTimestamps) {
  const auto [payload, pixels, dims, rate] = GetParam();
  const ProgramPtr program = copy_program(37, 11, pixels);
  const std::string link = fresh_link();
  RouteConfig route = route_to_host(program);
  route.payload = payload;
  auto plane = must(start_plane(plane_on(memory_end(link, 0), {route})));
  SenderConfig config = sender_on(memory_end(link, 1), *program);
  config.payload = payload;
  config.send_dims = dims;
  config.max_payload_bytes = 300;
  config.bits_per_second = rate;
  auto sender = must(open_sender(config));
  const auto sink = plane->host_sink("r");
  uint32_t last = 0;
  for (uint64_t number = 1; number <= 20; ++number) {
    const Bytes sample = sample_of(*program, number);
    const SendReport report = send_and_wait(*sender, sample, number);
    EXPECT_EQ(report.refused, 0u);
    EXPECT_GE(report.bytes, sample.size() + report.packets * 20);
    EXPECT_TRUE(number == 1 || static_cast<int32_t>(report.timestamp - last) > 0);
    last = report.timestamp;
    Delivery delivery;
    ASSERT_TRUE(wait_until([&] { return sink->next(delivery); }));
    EXPECT_EQ(std::memcmp(delivery.outputs[0], sample.data(), sample.size()), 0);
    EXPECT_EQ(delivery.samples[0].request_id, payload == PayloadFormat::chunk ? number : 0);
    sink->release(delivery.buffer);
  }
  plane->close();
  EXPECT_EQ(imbalance(plane->stats()), "");
}

INSTANTIATE_TEST_SUITE_P(All, SenderFormats,
                         ::testing::Values(std::tuple{PayloadFormat::chunk, PixelFormat::rgb, false, 0.0},
                                           std::tuple{PayloadFormat::chunk, PixelFormat::gray, true, 0.0},
                                           std::tuple{PayloadFormat::chunk, PixelFormat::rgba, true, 50e6},
                                           std::tuple{PayloadFormat::rfc4175, PixelFormat::rgb, false, 0.0},
                                           std::tuple{PayloadFormat::rfc4175, PixelFormat::bgra, false,
                                                      50e6}));

TEST(Sender, RefusesWhatItCannotSendAndDestroysItsPort) {
  const ProgramPtr program = copy_program(4, 4), gray = copy_program(4, 4, PixelFormat::gray);
  const auto refusal = [&](const ProgramPtr& of, const std::function<void(SenderConfig&)>& change) {
    FakePort port;
    SenderConfig config = sender_on(port.port(), *of);
    change(config);
    const std::string text = error_text(open_sender(config));
    EXPECT_TRUE(port.destroyed);
    return text;
  };
  EXPECT_EQ(refusal(gray, [](SenderConfig& c) { c.payload = PayloadFormat::rfc4175; })
                .rfind("UNSUPPORTED: RFC 4175", 0),
            0u);
  EXPECT_NE(refusal(program, [](SenderConfig& c) { c.max_payload_bytes = 46; }).find("at least 47"),
            std::string::npos);
  EXPECT_NE(
      refusal(program, [](SenderConfig& c) { c.max_payload_bytes = 3000; }).find("longer than the port"),
      std::string::npos);
  EXPECT_NE(refusal(program, [](SenderConfig& c) { c.bits_per_second = -1; }).find("bitsPerSecond"),
            std::string::npos);
  EXPECT_NE(refusal(program, [](SenderConfig& c) { c.payload_type = 200; }).find("payloadType is 200"),
            std::string::npos);
  EXPECT_NE(refusal(program, [](SenderConfig& c) { c.queued_samples = 0; }).find("queuedSamples"),
            std::string::npos);
  EXPECT_NE(refusal(program, [](SenderConfig& c) { c.destination.port = 0; }).find("no UDP port"),
            std::string::npos);
}

TEST(Sender, SaysWhatIsWrongWithASampleAndWhenItIsBusyOrClosed) {
  const ProgramPtr program = copy_program(16, 8);
  const std::string link = fresh_link();
  SenderConfig config = sender_on(memory_end(link, 1), *program);
  config.queued_samples = 2;
  config.bits_per_second = 100;             // half a minute a sample
  auto sender = must(open_sender(config));  // nobody at the other end: the port takes nothing
  const Bytes sample = sample_of(*program, 1), small(3);
  std::atomic<int> done{0}, closed{0};
  const auto count = [&](const Result<SendReport>& result) {
    ++done;
    if (!result.ok() && result.error().code == ErrorCode::CLOSED) ++closed;
  };
  EXPECT_EQ(error_text(sender->send(small, 1, count)),
            "INVALID_ARGUMENT: The sample has 3 bytes, expected 384.");
  bool busy = false;
  int accepted = 0;
  // One that the port refuses, one that waits for its time, two in the queue, and one too many.
  for (int i = 0; i < 5; ++i) {
    const auto result = sender->send(sample, 1, count);
    if (result.ok()) {
      ++accepted;
    } else {
      busy = busy || result.error().code == ErrorCode::BUSY;
    }
  }
  EXPECT_TRUE(busy);
  sender->close();
  EXPECT_EQ(done, accepted) << "every accepted sample is answered once";
  EXPECT_GE(closed.load(), 1);
  EXPECT_EQ(error_text(sender->send(sample, 1, count)), "CLOSED: The sender is closed.");
}

TEST(Sender, CountsPacketsThatThePortNeverTakes) {
  const ProgramPtr program = copy_program(16, 8);
  SenderConfig config = sender_on(memory_end(fresh_link(), 1), *program);
  config.max_payload_bytes = 140;
  auto sender = must(open_sender(config));
  const Bytes sample = sample_of(*program, 1);
  SendReport report = send_and_wait(*sender, sample, 1);
  EXPECT_EQ(report.packets, 0u);
  EXPECT_EQ(report.refused, 4u);
  report = send_and_wait(*sender, sample, 2);
  EXPECT_EQ(report.refused, 4u);
}

}  // namespace
}  // namespace onpath::testing
