// A device that goes away under a running port, in a network namespace of the test's own.
#include <sched.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "dpdk/dpdk_testing.h"

namespace onpath::testing {
namespace {

using DpdkRemoval = Dpdk;

bool run(const char* command) { return std::system(command) == 0; }

bool wait_for(const std::function<bool()>& done) {
  for (int i = 0; i < 500 && !done(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  return done();
}

TEST_F(DpdkRemoval, AnInterfaceThatVanishesEndsItsPortAndNoOther) {
  if (geteuid() != 0 || !run("command -v ip >/dev/null 2>&1"))
    GTEST_SKIP() << "needs root and the ip command";
  in_child([] {
    if (unshare(CLONE_NEWNET) != 0) return;  // a container that may not; nothing to see
    ASSERT_TRUE(run("ip link add near type veth peer name far && ip link set near up && ip link set far up"));
    ASSERT_TRUE(start_plainly());
    OpenPort port("net_af_packet0,iface=near"), far("net_af_packet1,iface=far"), ring("net_ring0");
    ASSERT_TRUE(port && far && ring);
    EXPECT_EQ(port.info().mtu, 1500u);
    EXPECT_TRUE(wait_for([&] { return far.info().link_up != 0; }));
    EXPECT_EQ(port.send({60}), 1u);
    bool arrived = false;
    EXPECT_TRUE(wait_for([&] {
      for (auto packets = far.receive(); !packets.empty(); packets = far.receive()) {
        for (const onpath_packet& packet : packets) arrived |= is_filled_with(packet, 0, 60);
        far.release(packets);
      }
      return arrived;
    }));

    ASSERT_TRUE(run("ip link del near"));
    EXPECT_TRUE(wait_for([&] { return port.info().removed == 1 && far.info().removed == 1; }));
    EXPECT_EQ(port.info().link_up, 0);
    EXPECT_TRUE(port.receive().empty());
    std::vector<onpath_packet> packets(1);
    ASSERT_EQ(port->allocate(port.self(), 0, packets.data(), 1), 1u);
    packets[0].length = 60;
    EXPECT_EQ(port->transmit(port.self(), 0, packets.data(), 1), 1u);
    EXPECT_NE(packets[0].flags & ONPATH_PACKET_REFUSED, 0u);

    EXPECT_EQ(ring.info().removed, 0u);
    EXPECT_EQ(ring.send({60}), 1u);
    ring.release(ring.receive());
    EXPECT_EQ(ring.counters().rx_packets, 1u);
  });
}

TEST_F(DpdkRemoval, AnMtuThatTheInterfaceDoesNotHaveIsRefusedWithTheCommand) {
  if (geteuid() != 0 || !run("command -v ip >/dev/null 2>&1"))
    GTEST_SKIP() << "needs root and the ip command";
  in_child([] {
    if (unshare(CLONE_NEWNET) != 0) return;
    ASSERT_TRUE(run("ip link add near type veth peer name far && ip link set near up && ip link set far up"));
    ASSERT_TRUE(start_plainly());
    DpdkPortConfig config = OpenPort::config_of("net_af_packet0,iface=near,framesz=16384,blocksz=65536");
    config.mtu = 9000;
    const auto opened = open_dpdk_port(config);
    EXPECT_EQ(code_of(opened), "INVALID_ARGUMENT");
    EXPECT_NE(message_of(opened).find("ip link set dev near mtu 9000"), std::string::npos)
        << message_of(opened);
  });
}

}  // namespace
}  // namespace onpath::testing
