// Memory links: frames cross in order or as the impairments say, the same way every time; ends come and go on
// their own.
#include <gtest/gtest.h>

#include <poll.h>

#include <algorithm>
#include <map>

#include "dataplane/plane_testing.h"
#include "port/memory_link.h"
#include "port/numbered_frames.h"

namespace onpath::testing {
namespace {

class End {
 public:
  explicit End(const onpath_port* port) : port_(port) {}
  ~End() { close(); }
  void close() {
    if (port_ != nullptr) port_->destroy(port_->self);
    port_ = nullptr;
  }
  bool send(const Bytes& frame, uint32_t queue = 0) {
    onpath_packet packet;
    if (port_->allocate(port_->self, queue, &packet, 1) != 1) return false;
    std::copy(frame.begin(), frame.end(), packet.data);
    packet.length = static_cast<uint32_t>(frame.size());
    if (port_->transmit(port_->self, queue, &packet, 1) == 1) return true;
    port_->release(port_->self, queue, &packet, 1);
    return false;
  }
  std::vector<Bytes> receive(uint32_t queue = 0) {
    std::vector<Bytes> frames;
    onpath_packet packets[32];
    while (const uint32_t count = port_->receive(port_->self, queue, packets, 32)) {
      for (uint32_t i = 0; i < count; ++i)
        frames.emplace_back(packets[i].data, packets[i].data + packets[i].length);
      port_->release(port_->self, queue, packets, count);
    }
    return frames;
  }
  onpath_port_counters counters() const {
    onpath_port_counters counters;
    port_->counters(port_->self, &counters);
    return counters;
  }
  const onpath_port* port() const { return port_; }

 private:
  const onpath_port* port_;
};

TEST(MemoryPort, FramesCrossBothWaysInOrderAndAreCounted) {
  const std::string link = fresh_link();
  End a(memory_end(link, 0)), b(memory_end(link, 1));
  for (uint32_t i = 0; i < 1000; ++i) ASSERT_TRUE(a.send(numbered(i, 64 + i)));
  const auto frames = b.receive();
  ASSERT_EQ(frames.size(), 1000u);
  for (uint32_t i = 0; i < 1000; ++i) EXPECT_EQ(frames[i], numbered(i, 64 + i));
  ASSERT_TRUE(b.send(numbered(7)));
  EXPECT_EQ(a.receive().size(), 1u);
  EXPECT_EQ(a.counters().tx_packets, 1000u);
  EXPECT_EQ(b.counters().rx_packets, 1000u);
  EXPECT_EQ(b.counters().rx_bytes, a.counters().tx_bytes);
}

TEST(MemoryPort, AFullRingTakesNoMoreAndAnEmptiedOneTakesAgain) {
  const std::string link = fresh_link();
  MemoryPortConfig shallow;
  shallow.depth = 8;
  End a(memory_end(link, 0)), b(memory_end(link, 1, shallow));
  uint32_t taken = 0;
  while (a.send(numbered(taken))) ++taken;
  EXPECT_EQ(taken, 8u);
  EXPECT_EQ(b.receive().size(), 8u);
  EXPECT_TRUE(a.send(numbered(9)));
}

TEST(MemoryPort, EndsOpenAndCloseInAnyOrder) {
  const std::string link = fresh_link();
  End a(memory_end(link, 0));
  EXPECT_FALSE(a.send(numbered(1))) << "nobody is at the other end";
  for (uint32_t round = 0; round < 10; ++round) {
    End b(memory_end(link, 1));
    EXPECT_TRUE(a.send(numbered(round)));
    EXPECT_EQ(b.receive().size(), 1u);
    b.close();
    EXPECT_FALSE(a.send(numbered(1)));
  }
}

TEST(MemoryPort, BadConfigurationsAreRefusedInWords) {
  const std::string link = fresh_link();
  const auto refusal = [&](const std::function<void(MemoryPortConfig&)>& change) {
    MemoryPortConfig config;
    config.link = link;
    change(config);
    auto opened = open_memory_port(config);
    if (opened.ok()) opened.value()->destroy(opened.value()->self);
    return error_text(opened);
  };
  EXPECT_EQ(refusal([](MemoryPortConfig&) {}), "ok");
  EXPECT_NE(refusal([](MemoryPortConfig& c) { c.link = ""; }).find("empty link name"), std::string::npos);
  EXPECT_NE(refusal([](MemoryPortConfig& c) { c.side = 2; }).find("side is 2"), std::string::npos);
  EXPECT_NE(refusal([](MemoryPortConfig& c) { c.depth = 100; }).find("depth is 100, expected a power of two"),
            std::string::npos);
  EXPECT_NE(refusal([](MemoryPortConfig& c) { c.depth = 0; }).find("depth is 0"), std::string::npos);
  EXPECT_NE(refusal([](MemoryPortConfig& c) { c.queues = 65; }).find("queues is 65"), std::string::npos);
  EXPECT_NE(refusal([](MemoryPortConfig& c) { c.max_bytes = 63; }).find("maxBytes is 63"), std::string::npos);
  EXPECT_NE(refusal([](MemoryPortConfig& c) { c.impairments.loss = 1.5; }).find("probabilities"),
            std::string::npos);
  EXPECT_NE(refusal([](MemoryPortConfig& c) { c.impairments.reorder_span = 1u << 20; }).find("reorderSpan"),
            std::string::npos);
  End open(memory_end(link, 0));
  EXPECT_EQ(refusal([](MemoryPortConfig&) {}).rfind("BUSY: Side 0 of memory link", 0), 0u);
  EXPECT_NE(
      refusal([](MemoryPortConfig& c) { c.side = 1, c.max_bytes = 4096; }).find("Both sides must agree"),
      std::string::npos);
}

std::vector<Bytes> through(const Impairments& impairments, uint32_t count,
                           onpath_port_counters* counters = nullptr) {
  const std::string link = fresh_link();
  MemoryPortConfig config;
  config.impairments = impairments;
  End a(memory_end(link, 0)), b(memory_end(link, 1, config));
  std::vector<Bytes> frames;
  const auto drain = [&] {
    for (Bytes& frame : b.receive()) frames.push_back(std::move(frame));
  };
  for (uint32_t i = 0; i < count; ++i) {
    while (!a.send(numbered(i))) drain();
  }
  drain();
  // The reordering window empties once the link is quiet.
  std::this_thread::sleep_for(std::chrono::milliseconds(3));
  drain();
  if (counters != nullptr) *counters = b.counters();
  return frames;
}

TEST(MemoryPort, ImpairmentsHappenAsOftenAsAskedAndTheSameWayEveryTime) {
  const Impairments impairments{0.2, 0.1, 0.05, 50, 42};
  onpath_port_counters counters;
  const auto frames = through(impairments, 20'000, &counters);
  EXPECT_EQ(counters.rx_packets, frames.size());
  EXPECT_NEAR(static_cast<double>(counters.impaired_lost), 4000, 300);
  std::map<uint32_t, int> copies;
  size_t damaged = 0, displaced = 0;
  for (size_t i = 0; i < frames.size(); ++i) {
    const uint32_t number = number_of(frames[i]);
    if (frames[i] != numbered(number) || number >= 20'000) {
      ++damaged;
      continue;
    }
    ++copies[number];
    if (i > 0 && number < number_of(frames[i - 1])) ++displaced;
  }
  const auto doubled =
      std::count_if(copies.begin(), copies.end(), [](const auto& entry) { return entry.second == 2; });
  EXPECT_NEAR(static_cast<double>(doubled), 1600 * 0.9, 300);
  EXPECT_NEAR(static_cast<double>(damaged), static_cast<double>(frames.size()) * 0.05, 200);
  EXPECT_GT(displaced, frames.size() / 3);
  EXPECT_TRUE(through(impairments, 5000) == through(impairments, 5000));
  Impairments other = impairments;
  other.seed = 43;
  EXPECT_FALSE(through(impairments, 5000) == through(other, 5000));
}

TEST(MemoryPort, DuplicatesWithoutReorderingFollowTheirFrame) {
  const auto frames = through({0, 1.0, 0, 0, 1}, 100);
  ASSERT_EQ(frames.size(), 200u);
  for (uint32_t i = 0; i < 200; ++i) EXPECT_EQ(number_of(frames[i]), i / 2);
}

TEST(MemoryPort, SpreadsSourcesOverQueuesAndKeepsOneSourceTogether) {
  const std::string link = fresh_link();
  MemoryPortConfig config;
  config.queues = 4;
  End b(memory_end(link, 0, config));
  RawEnd far(link);
  for (const char* source : {"10.0.0.2", "2001:db8::2"}) {
    far.destination = endpoint(source, 1);
    std::map<uint32_t, int> used;
    for (uint16_t port = 1; port <= 64; ++port) {
      far.source = endpoint(source, port);
      far.send(Bytes(20));
      far.send(Bytes(20));
      for (uint32_t q = 0; q < 4; ++q) {
        const size_t got = b.receive(q).size();
        EXPECT_TRUE(got == 0 || got == 2);
        used[q] += got > 0;
      }
    }
    for (uint32_t q = 0; q < 4; ++q) EXPECT_GT(used[q], 4) << source;
  }
  far.send_frame(Bytes(10));
  EXPECT_EQ(b.receive(0).size(), 1u);
}

TEST(MemoryPort, AnArmedReceiverIsWokenAndAnUnarmedOneIsNot) {
  const std::string link = fresh_link();
  End a(memory_end(link, 0)), b(memory_end(link, 1));
  const onpath_port* port = b.port();
  const auto readable = [&] {
    pollfd fd{port->wait_fd(port->self, 0), POLLIN, 0};
    return poll(&fd, 1, 0) == 1;
  };
  a.send(numbered(1));
  EXPECT_FALSE(readable());
  port->arm(port->self, 0, 1);
  EXPECT_TRUE(readable()) << "a frame was there before";
  port->arm(port->self, 0, 0);
  b.receive();
  EXPECT_FALSE(readable());
  port->arm(port->self, 0, 1);
  EXPECT_FALSE(readable());
  a.send(numbered(2));
  EXPECT_TRUE(readable());
}

TEST(MemoryPort, ManyQueuesSendIntoOneWithoutLossAndEachInOrder) {
  const std::string link = fresh_link();
  MemoryPortConfig four;
  four.queues = 4;
  End a(memory_end(link, 0, four)), b(memory_end(link, 1));
  const uint32_t each = 50'000 / static_cast<uint32_t>(kSlowdown);
  std::vector<std::thread> senders;
  for (uint32_t q = 0; q < 4; ++q) {
    senders.emplace_back([&, q] {
      for (uint32_t i = 0; i < each; ++i) {
        while (!a.send(numbered(q << 24 | i), q)) std::this_thread::yield();
      }
    });
  }
  std::array<uint32_t, 4> next{};
  uint32_t received = 0;
  while (received < each * 4) {
    for (const Bytes& frame : b.receive()) {
      const uint32_t number = number_of(frame);
      ASSERT_EQ(number & 0xffffff, next[number >> 24]++);
      ++received;
    }
  }
  for (std::thread& sender : senders) sender.join();
}

TEST(MemoryPort, AnEndMayCloseWhileTheOtherSends) {
  const std::string link = fresh_link();
  End a(memory_end(link, 0));
  std::atomic<bool> stop{false};
  std::thread sender([&] {
    while (!stop) a.send(numbered(1, 1000));
  });
  for (int round = 0; round < 100; ++round) {
    MemoryPortConfig shallow;
    shallow.depth = 64;
    End b(memory_end(link, 1, shallow));
    EXPECT_TRUE(wait_until([&] { return !b.receive().empty(); }));
  }
  stop = true;
  sender.join();
}

}  // namespace
}  // namespace onpath::testing
