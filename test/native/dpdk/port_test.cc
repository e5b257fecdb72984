// Ports of DPDK's virtual devices: packets, limits, errors, many lives.
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "dpdk/dpdk_testing.h"

namespace onpath::testing {
namespace {

using DpdkPort = Dpdk;

TEST_F(DpdkPort, WhatIsSentIntoARingArrivesFromIt) {
  in_child([] {
    ASSERT_TRUE(start_plainly());
    OpenPort port("net_ring0");
    ASSERT_TRUE(port);
    EXPECT_EQ(port->max_bytes, 1514u);
    EXPECT_EQ(port->framing, static_cast<uint32_t>(ONPATH_FRAMING_ETHERNET));
    EXPECT_EQ(port->wait_fd(port.self(), 0), -1);
    EXPECT_EQ(port.send({60, 1514, 14}), 3u);
    const auto packets = port.receive();
    ASSERT_EQ(packets.size(), 3u);
    EXPECT_TRUE(is_filled_with(packets[0], 0, 60));
    EXPECT_TRUE(is_filled_with(packets[1], 1, 1514));
    EXPECT_TRUE(is_filled_with(packets[2], 2, 14));
    for (const onpath_packet& packet : packets) {
      EXPECT_EQ(packet.flags, 0u);
      EXPECT_EQ(packet.mark, 0u);
      EXPECT_EQ(packet.time_ns, 0u);
      EXPECT_GE(packet.capacity, packet.length);
      EXPECT_GE(packet.headroom, 64u);
    }
    port.release(packets);
    const auto counters = port.counters();
    EXPECT_EQ(counters.rx_packets, 3u);
    EXPECT_EQ(counters.rx_bytes, 1588u);
    EXPECT_EQ(counters.tx_packets, 3u);
    EXPECT_EQ(counters.tx_bytes, 1588u);
    EXPECT_EQ(counters.rx_missed, 0u);
  });
}

TEST_F(DpdkPort, AFrameThatCanNeverBeSentIsRefusedAndThoseBehindItLeave) {
  in_child([] {
    ASSERT_TRUE(start_plainly());
    OpenPort port("net_ring0");
    ASSERT_TRUE(port);
    std::vector<onpath_packet> packets(4);
    ASSERT_EQ(port->allocate(port.self(), 0, packets.data(), 4), 4u);
    const uint32_t lengths[] = {100, 1515, 13, 200};
    for (size_t i = 0; i < 4; ++i) packets[i].length = lengths[i];
    EXPECT_EQ(port->transmit(port.self(), 0, packets.data(), 4), 4u);
    for (size_t i = 0; i < 4; ++i)
      EXPECT_EQ((packets[i].flags & ONPATH_PACKET_REFUSED) != 0, i == 1 || i == 2) << i;
    const auto arrived = port.receive();
    ASSERT_EQ(arrived.size(), 2u);
    EXPECT_EQ(arrived[1].length, 200u);
    port.release(arrived);
  });
}

TEST_F(DpdkPort, AReceivedPacketLeavesByAnotherPortWithItsStartMovedAndOutlivesThePortItCameFrom) {
  in_child([] {
    ASSERT_TRUE(start_plainly());
    OpenPort from("net_ring0"), to("net_ring1");
    ASSERT_TRUE(from && to);
    EXPECT_NE(from->domain, nullptr);
    EXPECT_EQ(from->domain, to->domain);
    ASSERT_EQ(from.send({100}), 1u);
    auto packets = from.receive();
    ASSERT_EQ(packets.size(), 1u);
    packets[0].data -= 20;
    packets[0].length = 140;
    std::memset(packets[0].data, 7, 140);
    ASSERT_EQ(to->transmit(to.self(), 0, packets.data(), 1), 1u);
    packets[0].handle = nullptr;
    from.release(packets);  // skipped: it was given away
    from.close();
    usleep(500'000);  // over several looks at pools that might be freed
    const auto arrived = to.receive();
    ASSERT_EQ(arrived.size(), 1u);
    EXPECT_TRUE(is_filled_with(arrived[0], 7, 140));
    to.release(arrived);
  });
}

TEST_F(DpdkPort, QueuesAreClippedAndTransmitQueuesShareWithoutBlocking) {
  in_child([] {
    ASSERT_TRUE(start_plainly());
    DpdkPortConfig config = OpenPort::config_of("net_ring0");
    config.transmit_queues = 4;
    OpenPort port(config);
    ASSERT_TRUE(port);
    EXPECT_EQ(port->queues, 1u);
    EXPECT_EQ(port->transmit_queues, 4u);
    EXPECT_EQ(port.info().transmit_queues, 1u);
    std::atomic<uint64_t> accepted{0};
    std::atomic<int> sending{4};
    std::vector<std::thread> threads;
    for (uint32_t q = 0; q < 4; ++q) {
      threads.emplace_back([&, q] {
        EXPECT_EQ(port->begin_thread(port.self()), 0);
        for (int i = 0; i < 2000; ++i) accepted += port.send({60, 61, 62, 63}, q);
        port->end_thread(port.self());
        --sending;
      });
    }
    uint64_t received = 0;
    for (bool last = false; !last;) {
      last = sending == 0;
      for (auto packets = port.receive(); !packets.empty(); packets = port.receive()) {
        received += packets.size();
        port.release(packets);
      }
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_GT(received, 0u);
    EXPECT_EQ(received, accepted.load());
    EXPECT_EQ(port.counters().tx_packets, received);
  });
}

TEST_F(DpdkPort, AThreadMayServeSeveralPorts) {
  in_child([] {
    ASSERT_TRUE(start_plainly());
    OpenPort first("net_null0"), second("net_null1");
    ASSERT_TRUE(first && second);
    std::thread([&] {
      EXPECT_EQ(first->begin_thread(first.self()), 0);
      EXPECT_EQ(second->begin_thread(second.self()), 0);
      second.release(second.receive());
      first->end_thread(first.self());
      for (int i = 0; i < 1000; ++i) {
        const auto packets = second.receive();
        EXPECT_EQ(packets.size(), 64u);
        second.release(packets);
      }
      second->end_thread(second.self());
    }).join();
    EXPECT_EQ(second.counters().rx_packets, 1001u * 64);
  });
}

/// A capture file of one frame whose bytes are their positions.
std::string capture_of_one(const TemporaryFolder& folder, uint32_t bytes) {
  const std::string path = folder.path() + "/frame.pcap";
  std::ofstream out(path, std::ios::binary);
  const uint32_t head[] = {0xa1b2c3d4, 0x00040002, 0, 0, 65535, 1};
  const uint32_t record[] = {0, 0, bytes, bytes};
  out.write(reinterpret_cast<const char*>(head), sizeof head);
  out.write(reinterpret_cast<const char*>(record), sizeof record);
  for (uint32_t i = 0; i < bytes; ++i) out.put(static_cast<char>(i * 7));
  return path;
}

TEST_F(DpdkPort, AFrameInSeveralBuffersArrivesInOnePiece) {
  in_child([] {
    TemporaryFolder folder;
    const std::string path = capture_of_one(folder, 9000);
    ASSERT_TRUE(start_plainly());
    DpdkPortConfig config = OpenPort::config_of("net_pcap0,rx_pcap=" + path);
    config.mtu = 9000;
    config.buffer_bytes = 1024;
    OpenPort port(config);
    ASSERT_TRUE(port);
    EXPECT_EQ(port.info().buffer_bytes, 1024u);
    const auto packets = port.receive();
    ASSERT_EQ(packets.size(), 1u);
    ASSERT_EQ(packets[0].length, 9000u);
    EXPECT_EQ(packets[0].flags & ONPATH_PACKET_TRUNCATED, 0u);
    uint32_t wrong = 0;
    for (uint32_t i = 0; i < 9000; ++i) wrong += packets[0].data[i] != static_cast<uint8_t>(i * 7);
    EXPECT_EQ(wrong, 0u);
    EXPECT_EQ(port.counters().rx_bytes, 9000u);
    port.release(packets);
  });
}

TEST_F(DpdkPort, AFrameLongerThanTheMtuIsTruncatedAndSaysSo) {
  in_child([] {
    TemporaryFolder folder;
    const std::string path = capture_of_one(folder, 9000);
    ASSERT_TRUE(start_plainly());
    OpenPort port("net_pcap0,rx_pcap=" + path);
    ASSERT_TRUE(port);
    const auto packets = port.receive();
    ASSERT_EQ(packets.size(), 1u);
    EXPECT_LT(packets[0].length, 9000u);
    EXPECT_GE(packets[0].length, 1514u);
    EXPECT_NE(packets[0].flags & ONPATH_PACKET_TRUNCATED, 0u);
    port.release(packets);
  });
}

TEST_F(DpdkPort, HundredsOfLivesLeakNothing) {
  in_child([] {
    ASSERT_TRUE(start_plainly());
    // All pools together must fit 256 MB: a tenth of them would not.
    for (int i = 0; i < 100 && !::testing::Test::HasFailure(); ++i) {
      for (const char* device : {"net_ring0", "net_null0"}) {
        OpenPort port(device);
        ASSERT_TRUE(port) << i;
        port.send({60, 60, 60});
        // Left in the ring, and in this thread's cache.
      }
      OpenPort never(OpenPort::config_of("net_ring0"));
    }
  });
}

struct Mistake {
  const char* device;
  const char* code;
  const char* part;
};

TEST_F(DpdkPort, MistakesInADeviceHaveTheirOwnErrors) {
  in_child([] {
    ASSERT_TRUE(start_plainly());
    OpenPort open("net_ring7");
    for (const Mistake& mistake : {
             Mistake{"", "INVALID_ARGUMENT", "PCI address such as"},
             Mistake{"eth0", "INVALID_ARGUMENT", "\"eth0\""},
             Mistake{"net_ring0,=x", "INVALID_ARGUMENT", "name=value"},
             Mistake{"net_ring0;x", "INVALID_ARGUMENT", "net_ring0;x"},
             Mistake{"0000:00:1f.9", "INVALID_ARGUMENT", "0000:00:1f.9"},
             Mistake{"ffff:ff:1f.6", "DEVICE_NOT_FOUND", "no PCI device ffff:ff:1f.6"},
             Mistake{"net_nosuch0", "DEVICE_NOT_FOUND", "No poll-mode driver takes"},
             Mistake{"net_af_packet0", "INVALID_ARGUMENT", "iface=NAME"},
             Mistake{"net_af_packet0,iface=nosuch", "DEVICE_NOT_FOUND", "there are: "},
             Mistake{"net_af_xdp0,iface=nosuch", "DEVICE_NOT_FOUND", "\"nosuch\""},
             Mistake{"net_pcap0,rx_pcap=/nowhere.pcap", "PORT_FAILED", "No such file or directory"},
             Mistake{"net_ring7", "DEVICE_IN_USE", "open in this process"},
         }) {
      const auto opened = open_dpdk_port(OpenPort::config_of(mistake.device));
      EXPECT_EQ(code_of(opened), mistake.code) << mistake.device << ": " << message_of(opened);
      EXPECT_NE(message_of(opened).find(mistake.part), std::string::npos)
          << mistake.device << ": " << message_of(opened);
    }
    OpenPort after("net_pcap0,tx_pcap=/dev/null");  // a failed attempt leaves nothing in its way
  });
}

TEST_F(DpdkPort, NumbersOutOfTheDevicesRangeAreRefusedWithTheRange) {
  in_child([] {
    ASSERT_TRUE(start_plainly());
    const auto refused = [](auto change) {
      DpdkPortConfig config = OpenPort::config_of("net_ring0");
      change(config);
      const auto opened = open_dpdk_port(config);
      EXPECT_EQ(code_of(opened), "INVALID_ARGUMENT") << message_of(opened);
      return message_of(opened);
    };
    EXPECT_NE(refused([](auto& config) { config.mtu = 65500; }).find("46 to 65343"), std::string::npos);
    EXPECT_NE(refused([](auto& config) { config.buffers = 1000; }).find("at least 1088"), std::string::npos);
    refused([](auto& config) { config.queues = 0; });
    refused([](auto& config) { config.queues = 65; });
    refused([](auto& config) { config.receive_descriptors = 70000; });
    refused([](auto& config) { config.buffer_bytes = 10; });
    DpdkPortConfig config = OpenPort::config_of("net_ring0");
    config.buffers = 1u << 24;
    const auto opened = open_dpdk_port(config);
    EXPECT_EQ(code_of(opened), "OUT_OF_MEMORY");
    EXPECT_NE(message_of(opened).find("eal.memoryMb"), std::string::npos) << message_of(opened);
    OpenPort after("net_ring0");
  });
}

}  // namespace
}  // namespace onpath::testing
