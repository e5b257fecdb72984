// A bad network over ports of every framing: every packet is accounted for, buffers go back to whom they
// belong, the port's marks and checks survive as far as they are true.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <thread>

#include "dataplane/plane_testing.h"
#include "port/impaired_port.h"
#include "port/numbered_frames.h"

namespace onpath::testing {
namespace {

/// Gives numbered packets and watches that each is released once.
class Source {
 public:
  explicit Source(uint32_t framing = ONPATH_FRAMING_ETHERNET, uint32_t capacity = kBytes)
      : capacity_(capacity) {
    table.size = sizeof table;
    table.version = ONPATH_PORT_ABI_VERSION;
    table.self = this;
    table.queues = table.transmit_queues = 1;
    table.framing = framing;
    table.max_bytes = kBytes;
    table.receive = [](void* self, uint32_t, onpath_packet* packets, uint32_t count) {
      return static_cast<Source*>(self)->receive(packets, count);
    };
    table.release = [](void* self, uint32_t, const onpath_packet* packets, uint32_t count) {
      for (uint32_t i = 0; i < count; ++i) static_cast<Source*>(self)->release(packets[i]);
    };
    table.wait_fd = [](void*, uint32_t) { return 7; };
    table.arm = [](void*, uint32_t, int) {};
    table.counters = [](void* self, onpath_port_counters* to) {
      *to = {};
      to->rx_packets = static_cast<Source*>(self)->given;
      to->rx_missed = 5;
    };
    table.destroy = [](void* self) { static_cast<Source*>(self)->destroyed = true; };
  }

  static constexpr uint32_t kBytes = 100;
  onpath_port table{};
  uint32_t left = 0, given = 0;
  uint32_t length = kBytes;
  std::set<void*> out;
  bool destroyed = false;

 private:
  uint32_t receive(onpath_packet* packets, uint32_t count) {
    uint32_t i = 0;
    for (; i < count && left > 0; ++i, --left) {
      auto* buffer = new Bytes(length);
      std::memcpy(buffer->data(), &given, 4);
      ++given;
      out.insert(buffer);
      packets[i] = {};
      packets[i].data = buffer->data();
      packets[i].length = length;
      packets[i].capacity = capacity_;
      packets[i].flags = ONPATH_PACKET_IP_CHECKSUM_OK | ONPATH_PACKET_UDP_CHECKSUM_OK;
      packets[i].mark = 3;
      packets[i].handle = buffer;
    }
    return i;
  }
  void release(const onpath_packet& packet) {
    EXPECT_EQ(out.erase(packet.handle), 1u) << "released twice, or not ours";
    delete static_cast<Bytes*>(packet.handle);
  }
  const uint32_t capacity_;
};

struct Received {
  std::vector<Bytes> frames;
  std::vector<onpath_packet> packets;  // without their bytes
  onpath_port_counters counters{};
};

/// Takes `count` packets through, in bursts of seven, releasing them late and in another order.
Received through(Source& source, const Impairments& impairments, uint32_t count) {
  Received received;
  auto opened = open_impaired_port(&source.table, impairments);
  EXPECT_TRUE(opened.ok()) << error_text(opened);
  const onpath_port* port = opened.value();
  source.left = count;
  std::vector<onpath_packet> kept;
  const auto take = [&] {
    onpath_packet burst[7];
    const uint32_t got = port->receive(port->self, 0, burst, 7);
    for (uint32_t i = 0; i < got; ++i) {
      received.frames.emplace_back(burst[i].data, burst[i].data + burst[i].length);
      received.packets.push_back(burst[i]);
      kept.insert(kept.begin(), burst[i]);
    }
    if (kept.size() > 40) {
      port->release(port->self, 0, kept.data(), static_cast<uint32_t>(kept.size()));
      kept.clear();
    }
    return got;
  };
  while (source.left > 0) take();
  while (take() > 0) {
  }
  port->counters(port->self, &received.counters);
  EXPECT_LE(received.counters.impaired_held, impairments.reorder_span);
  std::this_thread::sleep_for(std::chrono::milliseconds(3));
  while (take() > 0) {
  }
  port->counters(port->self, &received.counters);
  port->release(port->self, 0, kept.data(), static_cast<uint32_t>(kept.size()));
  EXPECT_TRUE(source.out.empty()) << source.out.size() << " packets were not given back";
  port->destroy(port->self);
  EXPECT_TRUE(source.destroyed);
  return received;
}

void expect_balance(const Source& source, const Received& received) {
  const onpath_port_counters& counters = received.counters;
  EXPECT_EQ(counters.rx_packets, received.frames.size());
  EXPECT_EQ(counters.rx_packets + counters.impaired_lost, source.given + counters.impaired_duplicated);
  EXPECT_EQ(counters.impaired_held, 0u);
  EXPECT_EQ(counters.rx_missed, 5u) << "what the port missed itself";
}

TEST(ImpairedPort, EveryPacketIsAccountedForWhateverIsAskedFor) {
  for (const uint32_t framing : {ONPATH_FRAMING_ETHERNET, ONPATH_FRAMING_DATAGRAM}) {
    for (const uint32_t capacity : {0u, Source::kBytes}) {
      for (const Impairments& what :
           {Impairments{0.1, 0, 0, 0, 1}, Impairments{0, 0.1, 0, 0, 1}, Impairments{0, 0, 0.1, 0, 1},
            Impairments{0, 0, 0, 50, 1}, Impairments{0.2, 0.3, 0.2, 0, 2}, Impairments{0.2, 0.3, 0.2, 33, 3},
            Impairments{1, 1, 1, 8, 4}, Impairments{0, 1, 1, 3000, 5}}) {
        Source source(framing, capacity);
        const Received received = through(source, what, 5000);
        expect_balance(source, received);
        EXPECT_EQ(received.counters.impaired_lost > 0,
                  what.loss > 0 || (what.corrupt > 0 && framing == ONPATH_FRAMING_DATAGRAM));
        EXPECT_EQ(received.counters.impaired_duplicated > 0, what.duplicate > 0 && what.loss < 1);
        EXPECT_EQ(received.counters.impaired_corrupted > 0, what.corrupt > 0 && what.loss < 1);
        EXPECT_EQ(received.counters.impaired_reordered > 0,
                  what.reorder_span > 0 && !received.frames.empty());
      }
    }
  }
}

TEST(ImpairedPort, WhatIsDamagedLosesTheWordThatItsChecksumsAreRightAndNothingElse) {
  for (const uint32_t capacity : {0u, Source::kBytes}) {
    Source source(ONPATH_FRAMING_ETHERNET, capacity);
    const Received received = through(source, {0, 0.2, 0.2, 0, 6}, 5000);
    uint64_t damaged = 0;
    uint32_t last = 0;
    for (size_t i = 0; i < received.frames.size(); ++i) {
      const Bytes& frame = received.frames[i];
      EXPECT_EQ(received.packets[i].mark, 3u);
      if ((received.packets[i].flags & ONPATH_PACKET_UDP_CHECKSUM_OK) == 0) {
        ++damaged;
        continue;
      }
      const uint32_t number = number_of(frame);
      EXPECT_LE(last, number);
      EXPECT_LT(number, 5000u);
      last = number;
      EXPECT_TRUE(std::all_of(frame.begin() + 4, frame.end(), [](uint8_t byte) { return byte == 0; }));
    }
    EXPECT_EQ(damaged, received.counters.impaired_corrupted);
    EXPECT_GT(damaged, 500u);
  }
}

TEST(ImpairedPort, FatesAreTheSameHoweverPacketsAreTakenAndWhateverTheWindow) {
  const auto fate = [](uint32_t span, uint64_t seed) {
    Source source;
    const Received received = through(source, {0.2, 0.1, 0, span, seed}, 3000);
    std::multiset<uint32_t> numbers;
    for (const Bytes& frame : received.frames) numbers.insert(number_of(frame));
    return numbers;
  };
  EXPECT_EQ(fate(0, 1), fate(20, 1));
  EXPECT_NE(fate(0, 1), fate(0, 2));
}

TEST(ImpairedPort, CopiesCannotBeWrittenAndTheRestLeavesInPlaceAsBefore) {
  Source source;
  const Received received = through(source, {0, 0.5, 0, 0, 1}, 1000);
  const auto writable = [](const onpath_packet& packet) { return packet.capacity > 0; };
  EXPECT_EQ(static_cast<uint64_t>(std::count_if(received.packets.begin(), received.packets.end(), writable)),
            1000u);
  Source reordered;
  const Received window = through(reordered, {0, 0, 0, 10, 1}, 1000);
  EXPECT_EQ(std::count_if(window.packets.begin(), window.packets.end(), writable), 0);
}

TEST(ImpairedPort, ALongerPacketThanThePortSendsIsCutAndSaysSo) {
  Source source;
  source.length = 1000;
  const Received received = through(source, {0, 0, 0, 10, 1}, 100);
  ASSERT_EQ(received.packets.size(), 100u);
  for (const onpath_packet& packet : received.packets) EXPECT_NE(packet.flags & ONPATH_PACKET_TRUNCATED, 0u);
}

TEST(ImpairedPort, WhatIsHeldAtTheEndGoesBack) {
  Source source;
  auto opened = open_impaired_port(&source.table, {0, 1, 0, 100, 1});
  ASSERT_TRUE(opened.ok());
  const onpath_port* port = opened.value();
  EXPECT_EQ(port->wait_fd(port->self, 0), -1) << "nothing would wake whom a held packet waits for";
  source.left = 40;
  onpath_packet burst[7];
  EXPECT_EQ(port->receive(port->self, 0, burst, 7), 0u);
  onpath_port_counters counters{};
  port->counters(port->self, &counters);
  EXPECT_EQ(counters.impaired_held, 80u);
  port->destroy(port->self);
  EXPECT_TRUE(source.out.empty());

  Source doubled;
  opened = open_impaired_port(&doubled.table, {0, 1, 0, 0, 1});
  port = opened.value();
  EXPECT_EQ(port->wait_fd(port->self, 0), 7);
  doubled.left = 40;
  EXPECT_EQ(port->receive(port->self, 0, burst, 7), 7u);
  port->release(port->self, 0, burst, 7);
  port->destroy(port->self);
  EXPECT_TRUE(doubled.out.empty());
}

TEST(ImpairedPort, AReceiverThatKeepsPacketsGetsNoMoreAndLosesNone) {
  Source source;
  auto opened = open_impaired_port(&source.table, {0, 1, 0, 4, 1});
  ASSERT_TRUE(opened.ok());
  const onpath_port* port = opened.value();
  source.left = 5000;
  std::vector<onpath_packet> kept(10'000);
  uint32_t held = 0;
  while (const uint32_t got = port->receive(port->self, 0, &kept[held], 32)) held += got;
  EXPECT_LT(held, 1000u);
  EXPECT_GT(source.left, 0u);
  port->release(port->self, 0, kept.data(), held);
  EXPECT_GT(port->receive(port->self, 0, kept.data(), 32), 0u);
  port->release(port->self, 0, kept.data(), 32);
  port->destroy(port->self);
  EXPECT_TRUE(source.out.empty());
}

TEST(ImpairedPort, RefusesWhatIsNoProbabilityAndClosesThePort) {
  for (const Impairments& what :
       {Impairments{1.5, 0, 0, 0, 1}, Impairments{-0.1, 0, 0, 0, 1}, Impairments{0, 0, 0, 1u << 20, 1}}) {
    EXPECT_TRUE(what.any());
    Source source;
    const auto opened = open_impaired_port(&source.table, what);
    EXPECT_EQ(error_text(opened).rfind("INVALID_ARGUMENT", 0), 0u) << error_text(opened);
    EXPECT_TRUE(source.destroyed);
  }
}

}  // namespace
}  // namespace onpath::testing
