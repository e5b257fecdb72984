// UDP ports over the loopback interface: datagrams come out as they went in, with the kernel's joining and
// cutting and without.
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/checker.h"
#include "port/udp_port.h"

namespace onpath::testing {
namespace {

class UdpEnd {
 public:
  explicit UdpEnd(const UdpPortConfig& config) : port_(must(open_udp_port(config))) {}
  ~UdpEnd() { port_->destroy(port_->self); }
  UdpEnd(const UdpEnd&) = delete;

  Endpoint local() const { return udp_port_local(port_); }
  const onpath_port* port() const { return port_; }

  uint32_t send(const std::vector<Bytes>& datagrams, const Endpoint& to) {
    std::vector<onpath_packet> packets(datagrams.size());
    EXPECT_EQ(port_->allocate(port_->self, 0, packets.data(), static_cast<uint32_t>(packets.size())),
              packets.size());
    for (size_t i = 0; i < packets.size(); ++i) {
      std::copy(datagrams[i].begin(), datagrams[i].end(), packets[i].data);
      packets[i].length = static_cast<uint32_t>(datagrams[i].size());
      std::copy(to.address.bytes.begin(), to.address.bytes.end(), packets[i].destination.address);
      packets[i].destination.port = to.port;
    }
    const auto count = static_cast<uint32_t>(packets.size());
    const uint32_t sent = port_->transmit(port_->self, 0, packets.data(), count);
    if (sent < count) port_->release(port_->self, 0, packets.data() + sent, count - sent);
    return sent;
  }

  struct Received {
    Bytes bytes;
    uint32_t flags;
    Endpoint source;
    uint16_t destination_port;
  };
  std::vector<Received> receive(size_t wanted) {
    std::vector<Received> received;
    wait_until([&] {
      onpath_packet packets[7];
      while (const uint32_t count = port_->receive(port_->self, 0, packets, 7)) {
        for (uint32_t i = 0; i < count; ++i) {
          Received one{Bytes(packets[i].data, packets[i].data + packets[i].length), packets[i].flags, {}, 0};
          std::copy_n(packets[i].source.address, 16, one.source.address.bytes.begin());
          one.source.port = packets[i].source.port;
          one.destination_port = packets[i].destination.port;
          received.push_back(std::move(one));
        }
        port_->release(port_->self, 0, packets, count);
      }
      return received.size() >= wanted;
    });
    return received;
  }

 private:
  const onpath_port* port_;
};

UdpPortConfig config_at(const char* address, bool offload) {
  UdpPortConfig config;
  config.bind = endpoint(address, 0);
  config.offload = offload;
  return config;
}

bool has_ipv6() {
  const int fd = socket(AF_INET6, SOCK_DGRAM, 0);
  sockaddr_in6 loopback{};
  loopback.sin6_family = AF_INET6;
  loopback.sin6_addr = in6addr_loopback;
  const bool works = fd >= 0 && bind(fd, reinterpret_cast<sockaddr*>(&loopback), sizeof loopback) == 0;
  close(fd);
  return works;
}

class UdpPort : public ::testing::TestWithParam<std::tuple<const char*, bool>> {};

TEST_P(UdpPort, DatagramsOfAnySizeComeOutAsTheyWentIn) {
  const auto [address, offload] = GetParam();
  if (address == std::string("::1") && !has_ipv6())
    FAIL() << "this host has no IPv6 loopback; enable it to run the tests";
  UdpEnd a(config_at(address, offload)), b(config_at(address, offload));
  Random random(test_seed());
  for (int round = 0; round < 50; ++round) {
    // Runs of one size with a shorter last one, as samples have, and some of any size; empty ones too.
    std::vector<Bytes> datagrams;
    while (datagrams.size() < 100) {
      const uint32_t size = random.one_in(20) ? 0 : random.between(1, 1500);
      const uint32_t run = random.between(1, 30);
      for (uint32_t i = 0; i < run; ++i) datagrams.push_back(random.noise(size));
      if (random.one_in(2)) datagrams.push_back(random.noise(random.below(size + 1)));
    }
    ASSERT_EQ(a.send(datagrams, b.local()), datagrams.size());
    const auto received = b.receive(datagrams.size());
    ASSERT_EQ(received.size(), datagrams.size());
    for (size_t i = 0; i < datagrams.size(); ++i) {
      ASSERT_EQ(received[i].bytes, datagrams[i]);
      ASSERT_EQ(received[i].source, a.local());
      ASSERT_EQ(received[i].destination_port, b.local().port);
      ASSERT_EQ(received[i].flags & ONPATH_PACKET_TRUNCATED, 0u);
    }
  }
  onpath_port_counters sent, received;
  a.port()->counters(a.port()->self, &sent);
  b.port()->counters(b.port()->self, &received);
  EXPECT_EQ(sent.tx_packets, received.rx_packets);
  EXPECT_EQ(sent.tx_bytes, received.rx_bytes);
  EXPECT_EQ(received.rx_missed, 0u);
}

TEST_P(UdpPort, DatagramsLongerThanItsBuffersAreMarked) {
  const auto [address, offload] = GetParam();
  UdpPortConfig shorter = config_at(address, offload);
  shorter.max_bytes = 1000;
  UdpEnd a(config_at(address, offload)), b(shorter);
  ASSERT_EQ(a.send({Bytes(1000), Bytes(1001), Bytes(5000), Bytes(3)}, b.local()), 4u);
  const auto received = b.receive(4);
  ASSERT_EQ(received.size(), 4u);
  EXPECT_EQ(received[0].flags & ONPATH_PACKET_TRUNCATED, 0u);
  EXPECT_NE(received[1].flags & ONPATH_PACKET_TRUNCATED, 0u);
  EXPECT_NE(received[2].flags & ONPATH_PACKET_TRUNCATED, 0u);
  EXPECT_EQ(received[3].flags & ONPATH_PACKET_TRUNCATED, 0u);
}

TEST_P(UdpPort, CarriesSamplesFromASenderToAHostSink) {
  const auto [address, offload] = GetParam();
  const ProgramPtr program = resize_program(160, 120);
  const onpath_port* port = must(open_udp_port(config_at(address, offload)));
  SenderConfig config = sender_on(must(open_udp_port(config_at(address, offload))), *program);
  config.destination = udp_port_local(port);
  config.bits_per_second = 500e6;
  auto plane = must(start_plane(plane_on(port, {route_to_host(program)})));
  Checker checker(program, plane->host_sink("r"));
  auto sender = must(open_sender(config));
  std::vector<Bytes> kept;
  for (uint64_t number = 0; number < 30; ++number) {
    kept.push_back(sample_of(*program, number));
    std::atomic<bool> done{false};
    ASSERT_TRUE(sender->send(kept.back(), number, [&](const Result<SendReport>&) { done = true; }).ok());
    ASSERT_TRUE(wait_until([&] {
      checker.pump();
      return done && checker.samples == number + 1;
    }));
  }
  sender->close();
  plane->close();
  EXPECT_EQ(checker.wrong, 0u);
  EXPECT_EQ(imbalance(plane->stats()), "");
}

INSTANTIATE_TEST_SUITE_P(Loopback, UdpPort,
                         ::testing::Combine(::testing::Values("127.0.0.1", "::1"), ::testing::Bool()));

TEST(UdpPort, TakesNoAddressThatIsTakenAndSaysSo) {
  UdpEnd a(config_at("127.0.0.1", true));
  for (const uint32_t queues : {1u, 2u}) {
    UdpPortConfig config;
    config.bind = a.local();
    config.queues = queues;
    EXPECT_EQ(error_text(open_udp_port(config)).rfind("ADDRESS_IN_USE: Binding UDP 127.0.0.1:", 0), 0u);
  }
}

TEST(UdpPort, RefusesBadConfigurationsInWords) {
  UdpPortConfig config = config_at("127.0.0.1", true);
  config.queues = 0;
  EXPECT_NE(error_text(open_udp_port(config)).find("queues is 0"), std::string::npos);
  config.queues = 1;
  config.max_bytes = 70000;
  EXPECT_NE(error_text(open_udp_port(config)).find("maxBytes is 70000"), std::string::npos);
  config = config_at("192.0.2.77", true);
  EXPECT_EQ(error_text(open_udp_port(config)).rfind("PORT_FAILED: Binding UDP 192.0.2.77", 0), 0u);
}

TEST(UdpPort, SpreadsSourcesOverTheQueuesOfOneAddress) {
  UdpPortConfig config = config_at("127.0.0.1", true);
  config.queues = 2;
  UdpEnd b(config);
  EXPECT_EQ(b.port()->queues, 2u);
  std::array<uint32_t, 2> got{};
  for (int i = 0; i < 32; ++i) {
    UdpEnd a(config_at("127.0.0.1", true));
    ASSERT_EQ(a.send({Bytes(10)}, b.local()), 1u);
  }
  ASSERT_TRUE(wait_until([&] {
    for (uint32_t q = 0; q < 2; ++q) {
      onpath_packet packets[32];
      const uint32_t count = b.port()->receive(b.port()->self, q, packets, 32);
      b.port()->release(b.port()->self, q, packets, count);
      got[q] += count;
    }
    return got[0] + got[1] == 32;
  }));
  EXPECT_GT(got[0], 0u);
  EXPECT_GT(got[1], 0u);
}

TEST(UdpPort, CountsWhatTheSocketBufferLost) {
  UdpPortConfig config = config_at("127.0.0.1", false);
  config.receive_buffer_bytes = 8192;
  UdpEnd a(config_at("127.0.0.1", false)), b(config);
  for (int i = 0; i < 20; ++i) a.send(std::vector<Bytes>(50, Bytes(1000)), b.local());
  const size_t first = b.receive(1).size();
  EXPECT_LT(first, 1000u);
  a.send({Bytes(1)}, b.local());  // the count travels with the next datagram
  b.receive(1);
  onpath_port_counters counters;
  b.port()->counters(b.port()->self, &counters);
  EXPECT_EQ(counters.rx_packets + counters.rx_missed, 1001u);
}

TEST(UdpPort, ItsDescriptorIsReadableWhenADatagramCame) {
  UdpEnd a(config_at("127.0.0.1", true)), b(config_at("127.0.0.1", true));
  pollfd fd{b.port()->wait_fd(b.port()->self, 0), POLLIN, 0};
  EXPECT_EQ(poll(&fd, 1, 0), 0);
  a.send({Bytes(5)}, b.local());
  EXPECT_EQ(poll(&fd, 1, 1000), 1);
}

}  // namespace
}  // namespace onpath::testing
